"""Live without flicker: what has not changed is not touched, what has changed is redrawn where it stands."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, Protocol, TypeVar

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Text(TextElement):
    """Text in any HTML tag; whatever it holds is shown, never interpreted."""

    def __init__(self, text: object, *, tag: str = "span", classes: str = "") -> None:
        super().__init__(tag=tag, text=str(text))
        self.classes(classes)


def box(tag: str = "div", classes: str = "") -> ui.element:
    """Give an empty element, to be filled in a `with` block."""
    return ui.element(tag).classes(classes)


def attribute(element: ui.element, name: str, value: str | int) -> None:
    """Set one HTML attribute as it is; `props` would first parse its text, and quotes in a value would break it."""
    if element.props.get(name) != value:
        element.props[name] = value


class Shown(Protocol[T_contra]):
    """A part of a page that is told what to show, as often as one likes."""

    @property
    def element(self) -> ui.element:
        """The outermost element."""
        ...

    def show(self, value: T_contra) -> None:
        """Show `value`; nothing happens where it is shown already."""
        ...


class Region(Generic[T]):
    """A part of a page that is drawn anew when, and only when, its value changes."""

    def __init__(self, draw: Callable[[T], object], *, tag: str = "div", classes: str = "") -> None:
        self._draw = draw
        self.element = box(tag, classes)
        self._shown: list[T] = []

    def show(self, value: T) -> None:
        """Draw `value`, unless it is what is shown."""
        if self._shown == [value]:
            return
        self.element.clear()
        with self.element:
            self._draw(value)
        self._shown = [value]


class Rows(Generic[T]):
    """Parts kept by key: new ones come in, gone ones leave, the others stay as they are and are told their value."""

    def __init__(self, parent: ui.element, make: Callable[[], Shown[T]], *, key: Callable[[T], Hashable]) -> None:
        self._parent, self._make, self._key = parent, make, key
        self._parts: dict[tuple[Hashable, int], Shown[T]] = {}

    def show(self, values: Sequence[T]) -> None:
        """Show exactly `values`, in their order."""
        wanted = _told_apart([self._key(value) for value in values])
        for key in self._parts.keys() - set(wanted):
            self._parts.pop(key).element.delete()
        for place, (key, value) in enumerate(zip(wanted, values, strict=True)):
            if key not in self._parts:
                with self._parent:
                    self._parts[key] = self._make()
            part = self._parts[key]
            if self._parent.default_slot.children[place] is not part.element:
                part.element.move(self._parent, target_index=place)
            part.show(value)


def _told_apart(keys: Sequence[Hashable]) -> list[tuple[Hashable, int]]:
    """Number the repeats of a key, so that two rows that look alike to us are still two rows."""
    seen: Counter[Hashable] = Counter()
    numbered = []
    for key in keys:
        numbered.append((key, seen[key]))
        seen[key] += 1
    return numbered
