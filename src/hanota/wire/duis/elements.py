"""One declaration of where each field of a message stands in the XML, used for reading and for writing.

    @message
    class CommandFailure:
        request_id: RequestId = element("CommandRequestID", REQUEST_ID)
        schedule_id: int | None = element("DSPScheduleID", INTEGER, default=None)
        device: Eui64 = element("DeviceID", EUI)

Source order is the order in the document. A path with `/` opens the elements on its way; one that ends with `/` stops
there, for a codec that names its own element (`Choice`, `ChildName`, `Repeated`). Order, number and form of the
elements are the schema's to check (`schema.py`); reading here needs no more than that each value is there and means
something.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, Final, Generic, NoReturn, Protocol, TypeVar, cast, dataclass_transform

from lxml import etree

from hanota.base.errors import BadValue
from hanota.wire.duis.errors import SchemaInvalid, SchemaProblem
from hanota.wire.duis.xml import Element, local_name

SR: Final = "http://www.dccinterface.co.uk/ServiceUserGateway"
T = TypeVar("T")

# A path below the message's element, or how the fields before this one lead to it; "" is the element itself.
Values = Mapping[str, Any]
Place = str | Callable[[Values], str]


class Codec(Protocol[T]):
    """How a value stands in an element."""

    def read(self, found: Element) -> T:
        """Give the value. Raises BadValue, SchemaInvalid."""
        ...

    def write(self, target: Element, value: T) -> None:
        """Put the value into an element that is empty yet. Raises BadValue."""
        ...


@dataclass(frozen=True, slots=True)
class Attribute:
    """A text in an attribute of the message's own element; `tidy` gives its one form, where it has several."""

    name: str
    tidy: Callable[[str], str] = str

    def read(self, found: Element) -> str:
        """Give the attribute's text."""
        return self.tidy(found.get(self.name, ""))

    def write(self, target: Element, value: str) -> None:
        """Set the attribute."""
        target.set(self.name, value)


def element(place: Place, codec: Codec[Any], *, default: Any = MISSING) -> Any:
    """Declare where a field stands; with `default`, the element may be missing."""
    return field(default=default, metadata={"place": place, "codec": codec})


def attribute(name: str, *, default: str, tidy: Callable[[str], str] = str) -> Any:
    """Declare that a text field stands in an attribute of the message's own element."""
    return element("", Attribute(name, tidy), default=default)


@dataclass(frozen=True, slots=True)
class Row:
    """One declared field of a message."""

    name: str
    place: Place
    codec: Codec[Any]
    required: bool

    def path(self, values: Values) -> str:
        """Give the path, given the message's values."""
        return self.place(values) if callable(self.place) else self.place


_TABLES: Final[dict[type, tuple[Row, ...]]] = {}


def rows(cls: type) -> tuple[Row, ...]:
    """Give the table of a message type, in the order of the document."""
    return _TABLES[cls]


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(element, attribute))
def message(cls: type[T]) -> type[T]:
    """Make a frozen value whose fields are declared with `element` and `attribute`."""
    made = dataclass(frozen=True, slots=True, kw_only=True)(cls)
    _TABLES[made] = tuple(
        Row(row.name, row.metadata["place"], row.metadata["codec"], row.default is MISSING)
        for row in fields(cast(Any, made))
    )
    return made


@dataclass(frozen=True, slots=True)
class Nested(Generic[T]):
    """A message as its table says."""

    cls: type[T]

    def read(self, found: Element) -> T:
        """Read every declared field. Raises SchemaInvalid."""
        values: dict[str, Any] = {}
        for row in rows(self.cls):
            path = row.path(values)
            target = found.find(qualified(path))
            if target is not None:
                values[row.name] = _read(row.codec, target)
            elif row.required:
                refuse(found, f"{path} is missing")
        return self.cls(**values)

    def write(self, target: Element, value: T) -> None:
        """Write every declared field; those that are None are left out. Raises BadValue."""
        values = {row.name: getattr(value, row.name) for row in rows(self.cls)}
        for row in rows(self.cls):
            if values[row.name] is not None:
                row.codec.write(_open(target, row.path(values)), values[row.name])


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values; the name of a child says which.

    An option is a message or a codec. `name_of` gives a value's option where its type alone doesn't.
    """

    options: Mapping[str, type | Codec[Any]]
    name_of: Callable[[Any], str | None] = lambda _value: None

    def read(self, found: Element) -> Any:
        """Read the first child that has the name of an option. Raises SchemaInvalid, BadValue."""
        chosen = next((child for child in found if local_name(child) in self.options), None)
        if chosen is None:
            refuse(found, f"expected one of {', '.join(self.options)}")
        return self._codec(local_name(chosen)).read(chosen)

    def write(self, target: Element, value: Any) -> None:
        """Write the value below the name of its option. Raises BadValue."""
        name = self.name_of(value) or next(name for name, option in self.options.items() if option is type(value))
        self._codec(name).write(_open(target, name), value)

    def _codec(self, name: str) -> Codec[Any]:
        option = self.options[name]
        return Nested(option) if isinstance(option, type) else option


@dataclass(frozen=True, slots=True)
class ChildName:
    """The name of a child as a value: the child itself is empty, or opened for the fields that follow."""

    names: tuple[str, ...]

    def read(self, found: Element) -> str:
        """Give the name of the first child that is known. Raises SchemaInvalid."""
        names = [local_name(child) for child in found if local_name(child) in self.names]
        return names[0] if names else refuse(found, f"expected one of {', '.join(self.names)}")

    def write(self, target: Element, value: str) -> None:
        """Open a child of that name. Raises BadValue: no such name."""
        if value not in self.names:
            raise BadValue(kind="element", value=value, expected=" or ".join(self.names))
        _open(target, value)


@dataclass(frozen=True, slots=True)
class Repeated:
    """Several messages of one type, each in an element of that name."""

    name: str
    cls: type

    def read(self, found: Element) -> tuple[Any, ...]:
        """Read them in the order of the document. Raises SchemaInvalid."""
        return tuple(Nested(self.cls).read(child) for child in found.iterfind(qualified(self.name)))

    def write(self, target: Element, value: tuple[Any, ...]) -> None:
        """Write them in their order. Raises BadValue."""
        for each in value:
            Nested(self.cls).write(_open(target, self.name), each)


def refuse(found: Element, message_text: str) -> NoReturn:
    """Raise SchemaInvalid for one place."""
    path = found.getroottree().getpath(found)
    raise SchemaInvalid((SchemaProblem(found.sourceline or 0, path, message_text),))


@cache
def qualified(path: str) -> str:
    """Give the path with DUIS' namespace on every step, as lxml's `find` reads it."""
    return "/".join(f"{{{SR}}}{step}" if step else "." for step in path.split("/"))


def _open(target: Element, path: str) -> Element:
    """Append the last step of `path`, if it has one, within the elements that lead to it; neighbours share those."""
    *way, last = path.split("/")
    for step in way:
        shared = len(target) > 0 and target[-1].tag == qualified(step)
        target = target[-1] if shared else etree.SubElement(target, qualified(step))
    return etree.SubElement(target, qualified(last)) if last else target


def _read(codec: Codec[T], found: Element) -> T:
    try:
        return codec.read(found)
    except BadValue as bad:
        refuse(found, bad.explain())
