"""The one shape of a rule about a request, and how a table of them is judged: source order is precedence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from hanota.model.reasons import RequestReason

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Rule(Generic[C]):
    """One row: the reason that answers when `holds` is false, and a `detail` for the one who reads it."""

    reason: RequestReason
    holds: Callable[[C], object]
    detail: Callable[[C], str]


def first_broken(rules: Sequence[Rule[C]], case: C) -> tuple[RequestReason, str] | None:
    """Give the reason of the first rule that does not hold, with its detail; None if all hold."""
    for rule in rules:
        if not rule.holds(case):
            return rule.reason, rule.detail(case)
    return None
