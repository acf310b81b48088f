"""One shape for every error: a code, what happened, the remedy, whose fault it is, whether to try again.

The facts stay machine-readable: `str(error)` is for people, `error.as_dict()` for JSON, the ledger and the console.
"""

from enum import StrEnum
from typing import ClassVar, NoReturn


class Fault(StrEnum):
    """Who has to do something about an error."""

    REQUESTER = "requester"
    PEER = "peer"
    CARRIER = "carrier"
    OPERATOR = "operator"
    US = "us"


class HanotaError(Exception):
    """Base of all errors that leave a public function.

    Subclasses set `code` (unique), `what` and `remedy` (format strings over the facts given to the constructor).
    """

    code: ClassVar[str] = "HOTA-BASE-000"
    fault: ClassVar[Fault] = Fault.US
    retryable: ClassVar[bool] = False
    what: ClassVar[str] = "something went wrong"
    remedy: ClassVar[str] = "report this with the log lines around it"

    def __init__(self, **facts: object) -> None:
        super().__init__()
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.code}: {self.explain()} — {self.remedy.format_map(_Lenient(self.facts))}"

    def explain(self) -> str:
        """Say what happened, without code and remedy."""
        return self.what.format_map(_Lenient(self.facts))

    def as_dict(self) -> dict[str, object]:
        """Give the error as JSON-ready facts: code, fault, retryable, message, remedy, facts (as text)."""
        return {
            "code": self.code,
            "fault": self.fault.value,
            "retryable": self.retryable,
            "message": self.explain(),
            "remedy": self.remedy.format_map(_Lenient(self.facts)),
            "facts": {name: str(value) for name, value in self.facts.items()},
        }


class _Lenient(dict[str, object]):
    """Leaves a placeholder standing when a fact is missing, so that reporting an error can't fail."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def require(condition: object, error: type[HanotaError], **facts: object) -> None:
    """Raise `error(**facts)` unless `condition` is true."""
    if not condition:
        _refuse(error, facts)


def _refuse(error: type[HanotaError], facts: dict[str, object]) -> NoReturn:
    raise error(**facts)


class BadValue(HanotaError):
    """A value that has no meaning in its type, e.g. an EUI-64 with nine octets."""

    code, fault = "HOTA-BASE-001", Fault.REQUESTER
    what = "{kind} can't be read from {value!r}: expected {expected}"
    remedy = "correct the value"
