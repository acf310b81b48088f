"""Says what exactly is wrong with octets, or with a value, that a compiled layout has refused.

This walks the description item by item. It runs only for refusals, so it may be slow; it must find a fault in all that
the compiled code refuses (`tests/laws`).
"""

import reprlib
import struct
from typing import Any, NoReturn

from hanota.wire.layout.errors import ValueShort, ValueUnwritable, ValueWrong
from hanota.wire.layout.kinds import Kind
from hanota.wire.layout.plan import UNFIT, UNREADABLE, Plan


class Diagnosis:
    """Finds the first fault in wire order."""

    def __init__(self, plan: Plan, short: type[ValueShort], wrong: type[ValueWrong]) -> None:
        self._plan = plan
        self._short = short
        self._wrong = wrong

    def unreadable(self, octets: bytes, at: int) -> NoReturn:
        """Raise the ValueShort or ValueWrong of the first item that can't be read from `at` on."""
        key = self._key(octets, at)
        known = key in self._plan.keys
        for lead in self._plan.lead:
            (number,) = self._take(lead.name, lead.code, octets, at)
            if lead.role == "key" and not known:
                self._refuse(lead.name, at, f"{number:#x}", " or ".join(f"{key:#x}" for key in self._plan.keys))
            expected = self._plan.number(lead, key)
            form = "{}" if lead.role == "size" else "{:#x}"
            if number != expected and (known or lead.role == "constant"):
                self._refuse(lead.name, at, form.format(number), form.format(expected))
            at += struct.calcsize(self._plan.order + lead.code)
        for field in self._plan.fields:
            if self._plan.present(field, key):
                at = self._skip(field.name, field.kind, octets, at)
        raise AssertionError(f"{self._plan.name}: refused without a reason: {octets.hex()}")

    def unfit(self, value: Any) -> NoReturn:
        """Raise the ValueUnwritable of the first field that doesn't fit."""
        key = self._plan.key_of(value)
        for field in self._plan.fields:
            mine = getattr(value, field.name)
            if not self._plan.present(field, key):
                fits, expected = mine is None, "nothing, for the other fields leave no place for it"
            else:
                fits, expected = self._fits(field.kind, mine), field.kind.expected
            if not fits:
                raise ValueUnwritable(
                    layout=self._plan.name, field=field.name, got=reprlib.repr(mine), expected=expected
                ) from None
        raise AssertionError(f"{self._plan.name}: refused without a reason: {value}")

    def _key(self, octets: bytes, at: int) -> int | None:
        """The number that tells what is present; None where the octets don't reach it or there is no such number."""
        if self._plan.rule is None:
            return None
        offset, code = self._plan.key_place()
        try:
            key: int = struct.unpack_from(self._plan.order + code, octets, at + offset)[0]
        except struct.error:
            return None
        return key

    def _skip(self, name: str, kind: Kind, octets: bytes, at: int) -> int:
        """Give the offset behind a field, or refuse it."""
        items = self._take(name, kind.codes, octets, at)
        end = at + struct.calcsize(self._plan.order + kind.codes)
        if kind.octets:
            (length,) = items
            if len(octets) - end < length:
                self._short_of(name, end, len(octets) - end, length)
            items = (octets[end : end + length],)
            end += length
        try:
            _ = kind.load and kind.load(*items)
        except UNREADABLE:
            self._refuse(name, at, reprlib.repr(items[0]), kind.expected)
        return end

    def _take(self, name: str, codes: str, octets: bytes, at: int) -> tuple[Any, ...]:
        form = struct.Struct(self._plan.order + codes)
        if len(octets) - at < form.size:
            self._short_of(name, at, max(len(octets) - at, 0), form.size)
        return form.unpack_from(octets, at)

    def _fits(self, kind: Kind, mine: Any) -> bool:
        try:
            items: tuple[Any, ...] = tuple(kind.dump(mine)) if kind.dump else (mine,)
            if kind.variable:
                (octets,) = items
                length = len(b"" + octets)  # a TypeError if these are no octets
                items = () if kind.rest else (length,)
            form = struct.Struct(self._plan.order + kind.codes)
            form.pack(*items)
        except UNFIT:
            return False
        return not kind.codes.endswith("s") or len(mine) == form.size

    def _short_of(self, field: str, offset: int, got: int, expected: int) -> NoReturn:
        raise self._short(layout=self._plan.name, field=field, offset=offset, got=got, expected=expected) from None

    def _refuse(self, field: str, offset: int, got: str, expected: str) -> NoReturn:
        raise self._wrong(layout=self._plan.name, field=field, offset=offset, got=got, expected=expected) from None
