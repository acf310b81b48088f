"""Two banks for firmware and the pointer to the one that boots.

Only the bank that does not boot is ever written, and the pointer moves in one store, so whatever instant the power
goes there is a whole image to boot. A new image is on trial until its self-test passes: until then the other bank
stays untouched, ready to fall back to.

Even if only the first few stores of a turn get through, no image boots without its trial: the trial, which names its
bank, is stored before the pointer moves, and what was held is let go after it.
"""

from collections.abc import Mapping
from typing import Final

from hanota.edge.effects import Turn
from hanota.wire.otaimage import read_header

# An emulated device's self-test fails on firmware that has this in it.
UNHEALTHY_MARK: Final = b"hanota: this firmware fails its self-test"
TRIAL_BOOTS_MAX: Final = 3
_BOOT: Final = "boot"
_TRIAL: Final = "trial"
_HELD: Final = "held"


class Banks:
    """Both banks; bank 0 left the factory with an image."""

    def __init__(self, factory_image: bytes, memory: Mapping[str, bytes]) -> None:
        self._images = [memory.get("bank/0", factory_image), memory.get("bank/1", b"")]
        self._boot = int(memory.get(_BOOT, b"0"))
        boots, _, bank = memory.get(_TRIAL, b"").partition(b" in ")
        self._trial_boots = int(boots) if boots and int(bank or self._boot) == self._boot else None
        self._holding = _HELD in memory and self._trial_boots is None  # on trial, the other is the old one

    @property
    def running(self) -> bytes:
        """The image file that boots."""
        return self._images[self._boot]

    @property
    def version(self) -> int:
        """File version of the image that boots."""
        return read_header(self.running).file_version

    @property
    def on_trial(self) -> bool:
        """Whether the image that boots has yet to pass its self-test."""
        return self._trial_boots is not None

    @property
    def healthy(self) -> bool:
        """What the self-test says; also no, when the trial was cut short too often."""
        return UNHEALTHY_MARK not in self.running and (self._trial_boots or 0) <= TRIAL_BOOTS_MAX

    @property
    def held(self) -> bytes | None:
        """The image file that was verified and waits to be activated; an image that ran before is none."""
        return self._images[1 - self._boot] if self._holding else None

    def write_spare(self, image: bytes, turn: Turn) -> None:
        """Put a verified image into the bank that does not boot: it is held from now on."""
        assert not self.on_trial
        self._images[1 - self._boot] = image
        turn.store(f"bank/{1 - self._boot}", image)
        self._hold(True, turn)

    def drop_held(self, turn: Turn) -> None:
        """Let the held image go: nothing can activate it any more."""
        self._hold(False, turn)

    def switch(self, turn: Turn) -> None:
        """Let the other bank boot from now on, on trial. An image that fails its trial is not held again."""
        self._count(0, turn, bank=1 - self._boot)
        self._point_to(1 - self._boot, turn)
        self._hold(False, turn)

    def count_boot(self, turn: Turn) -> None:
        """Remember that the image on trial was given a boot."""
        if self._trial_boots is not None:
            self._count(self._trial_boots + 1, turn)

    def keep(self, turn: Turn) -> None:
        """The trial is passed."""
        self._hold(False, turn)
        self._count(None, turn)

    def fall_back(self, turn: Turn) -> None:
        """The trial is failed: let the old image boot again."""
        self._hold(False, turn)
        self._point_to(1 - self._boot, turn)
        self._count(None, turn)

    def _hold(self, holding: bool, turn: Turn) -> None:
        self._holding = holding
        turn.store(_HELD, b"1" if holding else None)

    def _point_to(self, bank: int, turn: Turn) -> None:
        self._boot = bank
        turn.store(_BOOT, b"%d" % bank)

    def _count(self, boots: int | None, turn: Turn, bank: int | None = None) -> None:
        self._trial_boots = boots
        in_bank = self._boot if bank is None else bank
        turn.store(_TRIAL, None if boots is None else b"%d in %d" % (boots, in_bank))
