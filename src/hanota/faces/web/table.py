"""Tables as data: a column is a name, what it picks from a row, and how it draws that."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from hanota.faces.web.live import Region, Rows, Shown, Text, attribute, box

T = TypeVar("T")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column. A cell is touched only when what it picks has changed, so that focus and motion survive."""

    name: str
    pick: Callable[[T], Any]
    make: Callable[[], Shown[Any]]


def column(name: str, pick: Callable[[T], V], draw: Callable[[V], object]) -> Column[T]:
    """Give a column whose cells are drawn by `draw`."""
    return Column(name, pick, lambda: Region(draw))


def column_of(name: str, make: Callable[[], Shown[T]]) -> Column[T]:
    """Give a column of parts that take the whole row and update themselves in place."""
    return Column(name, lambda row: row, make)


class _Row(Generic[T]):
    def __init__(self, columns: Sequence[Column[T]]) -> None:
        self._columns = columns
        self._cells: list[Shown[Any]] = []
        self.element = box("tr")
        with self.element:
            for each in columns:
                cell = box("td")
                attribute(cell, "data-label", each.name)
                with cell:
                    self._cells.append(each.make())

    def show(self, value: T) -> None:
        for each, cell in zip(self._columns, self._cells, strict=True):
            cell.show(each.pick(value))


class Listing(Generic[T]):
    """A table, or in its place the empty state. On a phone each row becomes a block with its columns' names."""

    def __init__(
        self,
        columns: Sequence[Column[T]],
        caption: str,
        *,
        key: Callable[[T], Hashable],
        nothing: Callable[[], None] = lambda: None,
    ) -> None:
        self._nothing: Region[bool] = Region(lambda none: nothing() if none else None)
        self._whole = box("div", "card flush")
        with self._whole, box("div", "scroll"), box("table"):
            Text(caption, tag="caption", classes="visually-hidden")
            with box("thead"), box("tr"):
                for each in columns:
                    Text(each.name, tag="th").props('scope="col"')
            self._rows: Rows[T] = Rows(box("tbody"), lambda: _Row(columns), key=key)

    def show(self, values: Sequence[T]) -> None:
        """Draw these rows: what stands is updated in place, what is gone leaves."""
        self._nothing.show(not values)
        self._whole.set_visibility(bool(values))
        self._rows.show(values)
