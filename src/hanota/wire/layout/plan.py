"""A dataclass's annotations, read once: its fields in wire order and the variants that its optional fields make."""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import chain, combinations
from operator import attrgetter
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from hanota.wire.layout.kinds import Kind, Lead, When

UNREADABLE = (struct.error, IndexError, UnicodeDecodeError)
UNFIT = (struct.error, TypeError, AttributeError, UnicodeEncodeError)

KeyOf = Callable[[Any], int]
Pairs = tuple[tuple[int, str], ...]  # each number of a `When` with the first field that it governs


@dataclass(frozen=True, slots=True)
class Rule:
    """One way in which a key on the wire says which optional fields are present."""

    present: Callable[[int, int], bool]
    """(key, number of the field's `When`) → is it there?"""
    keys: Callable[[Pairs], tuple[int, ...]]
    """All keys that name fields."""
    key_of: Callable[[Pairs], KeyOf]
    """Make the function that gives the key which a value needs."""


def _subsets(pairs: Pairs) -> tuple[int, ...]:
    bits = [1 << number for number, _ in pairs]
    return tuple(sum(subset) for subset in chain.from_iterable(combinations(bits, n) for n in range(len(bits) + 1)))


def _bits_of(pairs: Pairs) -> KeyOf:
    def key_of(value: Any) -> int:
        key = 0
        for number, name in pairs:
            if getattr(value, name) is not None:
                key |= 1 << number
        return key

    return key_of


def _level_of(pairs: Pairs) -> KeyOf:
    def key_of(value: Any) -> int:
        for number, name in pairs:
            if getattr(value, name) is None:
                return number - 1
        return len(pairs)

    return key_of


RULES: Mapping[str, Rule] = {
    "bit": Rule(lambda key, number: bool(key >> number & 1), _subsets, _bits_of),
    "level": Rule(lambda key, number: key >= number, lambda pairs: tuple(range(len(pairs) + 1)), _level_of),
    "status": Rule(
        lambda key, number: key == number,
        lambda pairs: tuple(number for number, _ in pairs),
        lambda _: attrgetter("status"),
    ),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the dataclass."""

    name: str
    kind: Kind
    when: When | None


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is known of a layout before code is made of it.

    `keys` are the keys that name fields; a variant's key may also be None: nothing optional is there (every other
    status, or a layout without a rule).
    """

    value_type: type[Any]
    order: str
    lead: tuple[Lead, ...]
    fields: tuple[Field, ...]
    rule: str | None
    keys: tuple[int, ...]
    key_of: KeyOf

    @property
    def name(self) -> str:
        """What errors call the layout."""
        return self.value_type.__name__

    def present(self, field: Field, key: int | None) -> bool:
        """Whether a field stands on the wire under a key."""
        return field.when is None or (key is not None and RULES[field.when.rule].present(key, field.when.number))

    def number(self, lead: Lead, key: int | None) -> int:
        """What `lead` holds in the variant of `key`."""
        return {"constant": lead.constant, "size": self._size(key), "key": key or 0}[lead.role]

    def key_place(self) -> tuple[int, str]:
        """Offset and struct code of the key: a lead with that role, else the field `status`, which comes first then."""
        codes = self.order
        for lead in self.lead:
            if lead.role == "key":
                return struct.calcsize(codes), lead.code
            codes += lead.code
        return struct.calcsize(codes), self.fields[0].kind.codes

    def _size(self, key: int | None) -> int:
        codes = [lead.code for lead in self.lead] + [f.kind.codes for f in self.fields if self.present(f, key)]
        return struct.calcsize(self.order + "".join(codes))


def plan_layout(value_type: type[Any], order: str, lead: tuple[Lead, ...]) -> Plan:
    """Read the annotations of a dataclass; a description that contradicts itself is an AssertionError."""
    name = value_type.__name__
    hints = get_type_hints(value_type, include_extras=True)
    columns = tuple(_field(field.name, hints[field.name]) for field in fields(value_type))
    rules = {field.when.rule for field in columns if field.when}
    assert len(rules) <= 1, f"{name}: presence may follow one rule only, not {rules}"
    rule = next(iter(rules), None)
    assert (rule in ("bit", "level")) == any(part.role == "key" for part in lead), f"{name}: key and rule don't agree"
    assert rule != "status" or columns[0].name == "status", f"{name}: status has to come first"
    firsts: dict[int, str] = {}
    for field in columns:
        if field.when:
            firsts.setdefault(field.when.number, field.name)
    pairs = tuple(sorted(firsts.items()))
    keys, key_of = (RULES[rule].keys(pairs), RULES[rule].key_of(pairs)) if rule else ((), lambda _: 0)
    return Plan(value_type, order, lead, columns, rule, keys, key_of)


def _field(name: str, hint: object) -> Field:
    marks = list(_marks(hint))
    kind = next(mark for mark in marks if isinstance(mark, Kind))
    return Field(name, kind, next((mark for mark in marks if isinstance(mark, When)), None))


def _marks(hint: object) -> Iterator[object]:
    """All annotations within a hint, e.g. kind and when of Annotated[Annotated[int, kind] | None, when]."""
    inners = get_args(hint)
    if get_origin(hint) is Annotated:
        yield from inners[1:]
        inners = inners[:1]
    for inner in inners:
        yield from _marks(inner)
