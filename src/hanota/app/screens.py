"""The screens of the homes of a running world: what they show, for any thread to read, and buttons to press."""

from collections.abc import Callable
from typing import Final

from hanota.app.asking import outcome
from hanota.app.desk.errors import NotOnScreen
from hanota.app.world import World
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.devices.screen import Showing
from hanota.edge.estate import Observed
from hanota.wire.zcl import Answer

_PRESS_S_MAX: Final = 5.0


class Screens:
    """What each screen showed after the last step. The thread that steps the world calls `follow`; any may read."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._touched: set[Eui64] = set()
        self._showing: dict[Eui64, Showing] = {}
        world.estate.observe(self._saw)

    def follow(self) -> None:
        """Publish what has changed since the last call."""
        touched, self._touched = self._touched, set()
        for device in touched:
            showing = self._world.estate.showing(device)
            if showing is not None:
                self._showing[device] = showing
            else:  # no power, or no screen at all
                self._showing.pop(device, None)

    def of(self, device: Eui64) -> Showing | None:
        """Give what a screen shows; None for a device without power, or without a screen."""
        return self._showing.get(device)

    def press(self, device: Eui64, answer: Answer, message: int) -> None:
        """Have a button pressed in the next step of the world, and wait until that is done.

        It answers the question with that number and no other. Raises NotOnScreen: the screen does not show it any more;
        HomesSilent: nothing was pressed, nor will be.
        """
        outcome(self._world.ask(self._pressing(device, answer, message)), _PRESS_S_MAX)

    def _pressing(self, device: Eui64, answer: Answer, message: int) -> Callable[[Instant], None]:
        def act(now: Instant) -> None:
            showing = self._world.estate.showing(device)
            asked = showing.question if showing is not None else None
            if asked is None or asked.message != message:
                raise NotOnScreen(device=str(device), button=answer.value)
            self._world.press(device, answer, now)
            self.follow()

        return act

    def _saw(self, observed: Observed) -> None:
        self._touched.add(observed.node)
