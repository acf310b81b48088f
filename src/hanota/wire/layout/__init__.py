"""Binary layouts as data: a frozen dataclass whose annotations say how each field stands on the wire.

    @dataclass(frozen=True, slots=True)
    class QueryNextImageRequest:
        manufacturer: U16
        image_type: U16
        file_version: U32
        hardware_version: Annotated[U16 | None, bit(0)] = None

    LAYOUT = layout(QueryNextImageRequest, LITTLE, lead=(key8("field_control"),))
    value, rest = LAYOUT.read(octets)

Field order is wire order. What stands on the wire but carries nothing of its own (magic numbers, the octet that says
which optional fields follow, the header's own length) is `lead`. Every combination of present fields is one *variant*:
a flat row of numbers with its own precompiled `struct.Struct`; `compiling` makes the reader and the writer,
`diagnosis` finds out what is wrong with what they refuse.

Reading is canonical: `write(read(octets)) == octets`, or the octets are refused by an error that names field and
offset.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from hanota.wire.layout.compiling import make_reader, make_writer
from hanota.wire.layout.diagnosis import Diagnosis
from hanota.wire.layout.errors import ValueShort, ValueUnwritable, ValueWrong, WireError
from hanota.wire.layout.kinds import (
    BIG,
    LITTLE,
    U8,
    U16,
    U32,
    U64,
    Eui64Field,
    Lead,
    Octets8,
    Octets32,
    RequestIdField,
    RestOctets,
    Time64,
    bit,
    constant8,
    constant16,
    constant32,
    enum8,
    fixed,
    key8,
    key16,
    level,
    size16,
    status,
    text8,
)
from hanota.wire.layout.plan import Plan, plan_layout

__all__ = [
    "BIG",
    "LITTLE",
    "U8",
    "U16",
    "U32",
    "U64",
    "Eui64Field",
    "Layout",
    "Lead",
    "Octets8",
    "Octets32",
    "RequestIdField",
    "RestOctets",
    "Time64",
    "ValueShort",
    "ValueUnwritable",
    "ValueWrong",
    "WireError",
    "bit",
    "constant8",
    "constant16",
    "constant32",
    "enum8",
    "fixed",
    "key8",
    "key16",
    "layout",
    "level",
    "size16",
    "status",
    "text8",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Layout(Generic[T]):
    """A compiled layout. Make it with `layout`."""

    plan: Plan
    read_at: Callable[[bytes, int], tuple[T, int]]
    """Read at an offset; gives the value and the offset behind it. Raises the layout's ValueShort or ValueWrong."""
    write: Callable[[T], bytes]
    """Write a value. Raises ValueUnwritable."""
    wrong: type[ValueWrong]

    def read(self, octets: bytes) -> tuple[T, bytes]:
        """Read from the start; give the value and what follows it. Raises the layout's ValueShort or ValueWrong."""
        value, end = self.read_at(octets, 0)
        return value, octets[end:]

    def read_whole(self, octets: bytes, at: int = 0) -> T:
        """Read from `at` to the very end. Raises as `read` does, and the layout's ValueWrong if octets are left."""
        value, end = self.read_at(octets, at)
        if end != len(octets):
            left = f"{len(octets) - end} octets more"
            raise self.wrong(layout=self.plan.name, field="the end", offset=end, got=left, expected="none")
        return value


def layout(
    value_type: type[T],
    order: str,
    lead: tuple[Lead, ...] = (),
    *,
    short: type[ValueShort] = ValueShort,
    wrong: type[ValueWrong] = ValueWrong,
) -> Layout[T]:
    """Compile the layout that the annotations of the frozen slotted dataclass `value_type` describe.

    Args: order: LITTLE or BIG. lead: what stands before the fields. short, wrong: the errors that reading raises.
    """
    plan = plan_layout(value_type, order, lead)
    diagnosis = Diagnosis(plan, short, wrong)
    return Layout(plan, make_reader(plan, diagnosis.unreadable), make_writer(plan, diagnosis.unfit), wrong)
