"""Enumerations that survive unknown values: the wire keeps a code it does not know, only a check may refuse it."""

from enum import IntEnum, StrEnum
from typing import Self


class OpenIntEnum(IntEnum):
    """Integer code table. An unknown number stays that number and says so: `known` is then False."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        stranger = int.__new__(cls, value)
        stranger._name_ = f"UNKNOWN_0x{value:04X}"
        stranger._value_ = value
        return stranger

    @property
    def known(self) -> bool:
        """Whether the number stands in the table."""
        return self._name_ in type(self).__members__


class OpenStrEnum(StrEnum):
    """Text code table. An unknown text stays that text: `known` is then False."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        stranger = str.__new__(cls, value)
        stranger._name_ = f"UNKNOWN_{value}"
        stranger._value_ = value
        return stranger

    @property
    def known(self) -> bool:
        """Whether the text stands in the table."""
        return self._name_ in type(self).__members__
