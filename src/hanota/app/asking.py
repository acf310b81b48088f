"""Changes of homes asked for by any thread and made by the one that steps the world."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, TypeVar

from hanota.app.world import World
from hanota.base.errors import Fault, HanotaError
from hanota.base.eui import Eui64
from hanota.base.instant import Instant

_T = TypeVar("_T")

ANSWER_S_MAX: Final = 20.0
"""How long one waits for the world's thread to come to it; a step takes a fraction of a second."""


class HomesSilent(HanotaError):
    """The thread that steps the world did not come to what it was asked for."""

    code, fault, retryable = "HOTA-APP-020", Fault.US, True
    what = "the homes did not answer within {seconds} s; nothing has changed"
    remedy = "ask again; if it stays so, look at the service's log: what moves the homes does not run"


class AskedHomes:
    """The homes of a world that runs in a thread of its own, as the desk changes them."""

    def __init__(self, world: World, *, wait_s: float = ANSWER_S_MAX) -> None:
        self._world, self._wait_s = world, wait_s

    def change_supplier(self, mpxn: str, party: Eui64, since: Instant | None) -> bool:
        """Let another party supply a meter point, at once or from `since` on."""
        return self._done(lambda now: self._world.change_supplier(mpxn, party, now, since=since))

    def change_tenancy(self, home: str) -> bool:
        """Let new occupiers move in now."""
        return self._done(lambda now: self._world.change_tenancy(home, now))

    def swap_device(self, device: Eui64, new: Eui64, version: int | None) -> bool:
        """Put a new device in an old one's place."""
        return self._done(lambda now: self._world.swap_device(device, new, now, version=version))

    def swap_hub(self, home: str, chf: Eui64, gpf: Eui64) -> bool:
        """Put a new hub in the place of a home's hub."""
        return self._done(lambda now: self._world.swap_hub(home, chf, gpf, now))

    def _done(self, act: Callable[[Instant], _T]) -> _T:
        return outcome(self._world.ask(act), self._wait_s)


def outcome(asked: Future[_T], wait_s: float = ANSWER_S_MAX) -> _T:
    """Wait for what was asked for. Raises HomesSilent: it was taken back and will not be done."""
    try:
        return asked.result(wait_s)
    except TimeoutError:
        if asked.cancel():
            raise HomesSilent(seconds=wait_s) from None
        return asked.result()  # it has just begun
