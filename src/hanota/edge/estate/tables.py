"""Reading a TOML document with errors that name the table and the key; a key that nobody asked for is one too."""

import tomllib
from collections.abc import Callable
from typing import Final, TypeVar

from hanota.base.errors import BadValue, Fault, HanotaError, require
from hanota.base.eui import Eui64
from hanota.base.instant import Instant, parse_iso

_T = TypeVar("_T")
_ABSENT: Final = object()


class DescriptionWrong(HanotaError):
    """A description of an estate that can't be read or contradicts itself (facts: table, key, problem)."""

    code, fault = "HOTA-ESTATE-001", Fault.OPERATOR
    what = "estate description, [{table}], key {key}: {problem}"
    remedy = "correct the file; `builtin.toml` beside the code shows every table and key"


class Table:
    """One table of the document. Each reader method raises DescriptionWrong."""

    def __init__(self, name: str, values: dict[str, object]) -> None:
        self.name = name
        self._values = values
        self._asked: set[str] = set()

    @classmethod
    def parse(cls, text: str) -> "Table":
        """Read a whole document."""
        try:
            return cls("", tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise DescriptionWrong(table="", key="", problem=f"not TOML: {error}") from None

    def wrong(self, key: str, problem: str) -> DescriptionWrong:
        """Give the error for a key of this table."""
        return DescriptionWrong(table=self.name, key=key, problem=problem)

    def text(self, key: str, default: str | None = None) -> str:
        """Read a text that is not empty."""
        value = self._take(key, default)
        require(isinstance(value, str) and value, DescriptionWrong, table=self.name, key=key, problem="expected a text")
        return str(value)

    def number(self, key: str, default: int | None = None) -> int:
        """Read a whole number, 0 or more."""
        value = self._take(key, default)
        if type(value) is not int or value < 0:
            raise self.wrong(key, "expected a whole number, 0 or more")
        return value

    def hex_number(self, key: str, digits: int, default: str | None = None) -> int:
        """Read a number written as exactly so many hex digits, e.g. `"121D"`."""
        value = self.text(key, default)
        try:
            number = int(value, 16)
        except ValueError:
            number = -1
        require(
            len(value) == digits and number >= 0,
            DescriptionWrong,
            table=self.name,
            key=key,
            problem=f"{value!r}: expected {digits} hex digits",
        )
        return number

    def eui(self, key: str) -> Eui64:
        """Read an EUI-64."""
        return self.parsed(key, Eui64.parse)

    def instant(self, key: str) -> Instant:
        """Read a time, written as text or as a TOML date-time with a zone."""
        value = self._take(key)
        return self._parse(key, parse_iso, str(value))

    def parsed(self, key: str, parse: Callable[[str], _T], default: str | None = None) -> _T:
        """Read a text with `parse`, which raises BadValue."""
        return self._parse(key, parse, self.text(key, default))

    def texts(self, key: str) -> tuple[str, ...]:
        """Read a list of texts; an absent key is an empty list."""
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(key, "expected a list of texts")
        return tuple(value)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._values

    def table(self, key: str) -> "Table":
        """Read a table below this one."""
        value = self._take(key)
        if not isinstance(value, dict):
            raise self.wrong(key, "expected a table")
        return Table(self._below(key), value)

    def tables(self, key: str) -> tuple["Table", ...]:
        """Read an array of tables below this one; an absent key is an empty array."""
        value = self._take(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.wrong(key, "expected an array of tables")
        return tuple(Table(f"{self._below(key)} #{place}", item) for place, item in enumerate(value, 1))

    def end(self) -> None:
        """Refuse keys that nobody asked for."""
        strangers = sorted(self._values.keys() - self._asked)
        if strangers:
            raise self.wrong(strangers[0], f"unknown; known here: {', '.join(sorted(self._asked))}")

    def _take(self, key: str, default: object = _ABSENT) -> object:
        self._asked.add(key)
        value = self._values.get(key, _ABSENT)
        if value is _ABSENT:
            if default is _ABSENT or default is None:
                raise self.wrong(key, "missing")
            return default
        return value

    def _parse(self, key: str, parse: Callable[[str], _T], text: str) -> _T:
        try:
            return parse(text)
        except BadValue as error:
            raise self.wrong(key, error.explain()) from None

    def _below(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key
