"""Message identifiers: `originator:target:counter` (DUIS RequestIDType, ResponseIDType)."""

from dataclasses import dataclass

from hanota.base.errors import BadValue, require
from hanota.base.eui import Eui64

COUNTER_MAX = (1 << 64) - 1
_COUNTER_CHARS_MAX = len(str(COUNTER_MAX))


@dataclass(frozen=True, slots=True, order=True)
class RequestId:
    """Identifier of a request, a response or an alert: who sends it, to whom, and the sender's counter."""

    originator: Eui64
    target: Eui64
    counter: int

    def __post_init__(self) -> None:
        require(0 <= self.counter <= COUNTER_MAX, BadValue, kind="counter", value=self.counter, expected="0…2^64-1")

    @classmethod
    def parse(cls, text: str) -> "RequestId":
        """Read `EUI:EUI:counter`; the counter is decimal without leading zeros. Raises BadValue."""
        parts = text.split(":")
        require(len(parts) == 3, BadValue, kind="RequestID", value=text, expected="EUI:EUI:counter")
        counter = parts[2]
        plain = counter.isascii() and counter.isdigit() and (counter == "0" or counter[0] != "0")
        plain = plain and len(counter) <= _COUNTER_CHARS_MAX
        require(plain, BadValue, kind="RequestID", value=text, expected="a decimal counter without leading zeros")
        return cls(Eui64.parse(parts[0]), Eui64.parse(parts[1]), int(counter))

    def __str__(self) -> str:
        return f"{self.originator}:{self.target}:{self.counter}"
