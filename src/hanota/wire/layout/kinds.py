"""The words that layouts are written in: how one value stands on the wire, when it is there, what leads."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant

LITTLE: Final = "<"
BIG: Final = ">"


@dataclass(frozen=True, slots=True)
class Kind:
    """How one value stands on the wire.

    `codes` are struct codes; `load` makes the value of their numbers and `dump` the numbers of the value (None: the
    number is the value). With `octets` set, `codes` is the length in front of that many octets; with `rest`, the value
    is all octets that are left.
    """

    codes: str
    expected: str
    load: Callable[..., object] | None = None
    dump: Callable[[Any], Iterable[object]] | None = None
    octets: bool = False
    rest: bool = False

    @property
    def variable(self) -> bool:
        """Whether the octets taken depend on the value."""
        return self.octets or self.rest


def _uint(code: str, bits: int) -> Kind:
    return Kind(code, f"0…{(1 << bits) - 1:#x}")


U8 = Annotated[int, _uint("B", 8)]
U16 = Annotated[int, _uint("H", 16)]
U32 = Annotated[int, _uint("I", 32)]
U64 = Annotated[int, _uint("Q", 64)]
Time64 = Annotated[Instant, Kind("Q", "ms since 1970, 64 bits")]
Eui64Field = Annotated[Eui64, Kind("Q", "an EUI-64", Eui64, lambda eui: (eui.value,))]
RequestIdField = Annotated[
    RequestId,
    Kind(
        "QQQ",
        "a RequestID",
        lambda originator, target, counter: RequestId(Eui64(originator), Eui64(target), counter),
        lambda name: (name.originator.value, name.target.value, name.counter),
    ),
]
Octets8 = Annotated[bytes, Kind("B", "at most 255 octets", octets=True)]
Octets32 = Annotated[bytes, Kind("I", "octets", octets=True)]
RestOctets = Annotated[bytes, Kind("", "octets", rest=True)]


def enum8(members: type[int]) -> Kind:
    """One octet that is a code of `members` (an OpenIntEnum: unknown codes stay what they are)."""
    return Kind("B", f"a code of {members.__name__}", members)


def text8(make: type[str]) -> Kind:
    """ASCII text of at most 255 characters, its length in front, read as `make`."""

    def load(octets: bytes) -> str:
        return make(octets.decode("ascii"))

    return Kind("B", "ASCII text of at most 255 characters", load, lambda text: (text.encode("ascii"),), octets=True)


def fixed(octets: int) -> Kind:
    """Exactly `octets` octets."""
    return Kind(f"{octets}s", f"{octets} octets")


@dataclass(frozen=True, slots=True)
class When:
    """When an optional field is present, told by the layout's key: its flags, its level, or the field `status`."""

    rule: str
    number: int


bit = partial(When, "bit")  #: bit(n): when bit n of the flags is set
level = partial(When, "level")  #: level(n): from level n on
status = partial(When, "status")  #: status(code): when `status`, then the first field, is that code


@dataclass(frozen=True, slots=True)
class Lead:
    """A number on the wire that no field holds: a "constant", the "key" to what is present, or the "size" of it all."""

    name: str
    code: str
    role: str
    constant: int = 0


def constant8(name: str, number: int) -> Lead:
    """One octet that is always the same."""
    return Lead(name, "B", "constant", number)


def constant16(name: str, number: int) -> Lead:
    """Two octets that are always the same."""
    return Lead(name, "H", "constant", number)


def constant32(name: str, number: int) -> Lead:
    """Four octets that are always the same."""
    return Lead(name, "I", "constant", number)


key8 = partial(Lead, code="B", role="key")  #: flags or level, one octet; a number that names no field is refused
key16 = partial(Lead, code="H", role="key")  #: the same in two octets
size16 = partial(Lead, code="H", role="size")  #: octets of all that the layout describes, itself included
