"""Live without flicker: what has not changed is not touched, what has changed is redrawn where it stands."""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

T = TypeVar("T")


class Text(TextElement):
    """Text in any HTML tag; whatever it holds is shown, never interpreted."""

    def __init__(self, text: object, *, tag: str = "span", classes: str = "") -> None:
        super().__init__(tag=tag, text=str(text))
        self.classes(classes)


def box(tag: str = "div", classes: str = "") -> ui.element:
    """Give an empty element, to be filled in a `with` block."""
    return ui.element(tag).classes(classes)


class Region(Generic[T]):
    """A part of a page that is drawn anew when, and only when, its value changes."""

    def __init__(self, draw: Callable[[T], None], *, tag: str = "div", classes: str = "") -> None:
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
    """Rows kept by key: new ones come in, gone ones leave, and only changed ones are redrawn, so focus stays."""

    def __init__(
        self,
        parent: ui.element,
        draw: Callable[[T], None],
        *,
        key: Callable[[T], Hashable],
        tag: str = "tr",
        classes: str = "",
    ) -> None:
        self._parent, self._draw, self._key, self._tag, self._classes = parent, draw, key, tag, classes
        self._shown: dict[Hashable, Region[T]] = {}

    def show(self, values: Sequence[T]) -> None:
        """Show exactly `values`, in their order."""
        wanted = [self._key(value) for value in values]
        for key in self._shown.keys() - set(wanted):
            self._shown.pop(key).element.delete()
        for place, (key, value) in enumerate(zip(wanted, values, strict=True)):
            if key not in self._shown:
                with self._parent:
                    self._shown[key] = Region(self._draw, tag=self._tag, classes=self._classes)
            region = self._shown[key]
            if self._parent.default_slot.children[place] is not region.element:
                region.element.move(self._parent, target_index=place)
            region.show(value)
