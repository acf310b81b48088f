"""The radio of a sleepy device: off, but for a while every so often, when the device asks what there is for it.

Awake it stays for as long as it expects something soon: an answer, the next block, the end of a try. What it has to say
or to fetch beyond that waits for the next time.
"""

from collections.abc import Iterable
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import SECOND, Instant
from hanota.edge.backoff import Backoff
from hanota.edge.effects import Turn
from hanota.model.policies import HanPolicy
from hanota.wire.zcl import TUNNELING_CLUSTER, Side, TransferData, write_command
from hanota.wire.zcl.tunnel import Get, Give, write_tunnelled

EXPECTS_MS: Final = 10 * SECOND  # what is further away is not waited for awake
GET_RETRY: Final = Backoff(first_ms=2 * SECOND, longest_ms=16 * SECOND)
GETS_MAX: Final = 12  # in one go, tries included: a hub that never runs out must not keep a battery busy
_TUNNEL: Final = 0
_SEQUENCE: Final = 0


class Sleep:
    """When the radio of one device is on. Forgotten in a power cut: the device wakes as it boots."""

    def __init__(self, hub: Eui64, policy: HanPolicy) -> None:
        self._hub = hub
        self._every_ms = policy.wake_every_ms
        self.awake = False
        self.due: Instant | None = None  # awake: when to ask again; asleep: when to wake
        self._next_wake = Instant(0)
        self._gets = 0
        self._tries = 0

    def wake(self, turn: Turn) -> None:
        """Switch the radio on and ask for messages."""
        turn.note("awake")
        self.awake = True
        self._next_wake = Instant(turn.now + self._every_ms)
        self._gets = self._tries = 0
        self._get(turn)

    def has_to_wake(self, now: Instant) -> bool:
        """Whether the time has come."""
        return not self.awake and self.due is not None and self.due <= now

    def do_due(self, turn: Turn) -> None:
        """Ask again for messages if no answer came."""
        if self.awake and self.due is not None and self.due <= turn.now:
            self._get(turn)

    def was_given(self, given: Give, turn: Turn) -> None:
        """Ask for the next message, until there is none."""
        self._tries = 0
        if given.message:
            self._get(turn)
        else:
            self.due = None

    def settle(self, dues: Iterable[Instant | None], turn: Turn) -> None:
        """Switch the radio off if neither an answer nor anything of `dues` is expected soon."""
        soon = turn.now + EXPECTS_MS
        if self.awake and not any(due is not None and due <= soon for due in (self.due, *dues)):
            turn.note("asleep")
            self.awake = False
            self.due = Instant(max(self._next_wake, turn.now + 1))

    def _get(self, turn: Turn) -> None:
        self.due = None
        if self._gets >= GETS_MAX:
            return
        frame = write_command(_SEQUENCE, TransferData(_TUNNEL, write_tunnelled(Get())), Side.CLIENT)
        turn.send_han(self._hub, TUNNELING_CLUSTER, frame)
        self.due = Instant(turn.now + GET_RETRY.wait_ms(self._tries))
        self._gets += 1
        self._tries += 1
