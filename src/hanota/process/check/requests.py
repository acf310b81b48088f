"""Rules for every Service Request: who sends what, by which web service, to whom, after what.

Source: DUIS request matrix and command variants (domain 1.5, 2.2). Meanings of the codes: docs/adr/0002.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.vocabulary.parties import UserRole
from hanota.model.reasons import RequestReason
from hanota.process.check.rules import Rule, first_broken
from hanota.wire.duis import WEB_SERVICES, Request, RequestHeader, RequestRow


class Preceding(Enum):
    """How the request stands that another one must follow (PrecedingServiceRequestID)."""

    UNKNOWN = auto()
    FAILED = auto()
    OPEN = auto()
    DONE = auto()


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request and the facts that its rules need. `preceding` looks up an earlier request of the same User."""

    request: Request
    row: RequestRow
    service: str
    dcc: Eui64
    roles: frozenset[UserRole] | None
    preceding: Callable[[RequestId], Preceding]

    @property
    def header(self) -> RequestHeader:
        """The header of the request."""
        return self.request.header

    @cached_property
    def before(self) -> Preceding:
        """How the request before it stands; DONE if it names none."""
        named = self.header.preceding
        return Preceding.DONE if named is None else self.preceding(named)


_R = RequestReason
REQUEST_CHECKS: Final[tuple[Rule[Case], ...]] = (
    Rule(
        _R.ORIGINATOR_UNKNOWN, lambda case: case.roles is not None, lambda case: f"{case.header.request_id.originator}"
    ),
    Rule(
        _R.ROLE_NOT_ELIGIBLE,
        lambda case: case.row.eligible & (case.roles or frozenset()),
        lambda case: f"has {', '.join(sorted(case.roles or ()))}; needs one of {', '.join(sorted(case.row.eligible))}",
    ),
    Rule(
        _R.WRONG_COMMAND_VARIANT,
        lambda case: case.header.command_variant in case.row.command_variants,
        lambda case: f"command variant {case.header.command_variant}",
    ),
    Rule(
        _R.WRONG_WEB_SERVICE,
        lambda case: case.service == WEB_SERVICES[case.header.command_variant],
        lambda case: f"came by service{case.service}, belongs to service{WEB_SERVICES[case.header.command_variant]}",
    ),
    Rule(
        _R.WRONG_TARGET,
        lambda case: (case.header.request_id.target == case.dcc) is case.row.non_device,
        lambda case: f"target {case.header.request_id.target}, the DCC is {case.dcc}",
    ),
    Rule(
        _R.PRECEDING_UNKNOWN, lambda case: case.before is not Preceding.UNKNOWN, lambda case: f"{case.header.preceding}"
    ),
    Rule(
        _R.PRECEDING_FAILED, lambda case: case.before is not Preceding.FAILED, lambda case: f"{case.header.preceding}"
    ),
    Rule(_R.PRECEDING_OPEN, lambda case: case.before is not Preceding.OPEN, lambda case: f"{case.header.preceding}"),
)


def judge_request(case: Case) -> tuple[RequestReason, str] | None:
    """Give the reason of the first rule that does not hold, with its detail; None if all hold."""
    return first_broken(REQUEST_CHECKS, case)
