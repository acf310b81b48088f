"""What a device has to say and the hub has not taken: stored first, then repeated until the hub confirms it.

Alerts, and the answers to commands whose outcome is known only after a boot. They go one at a time, the oldest first.
"""

from collections.abc import Callable, Mapping
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import MINUTE, Instant
from hanota.edge.backoff import Backoff
from hanota.edge.effects import Turn
from hanota.edge.memory import below
from hanota.wire.zcl import TUNNELING_CLUSTER, Side, TransferData, write_command
from hanota.wire.zcl.tunnel import Put, write_tunnelled

TUNNEL: Final = 0
RETRY: Final = Backoff(first_ms=3_000, longest_ms=10 * MINUTE)
# ZCL sequence numbers: answers given at once go under 0, what is repeated under others, so that the hub's confirmations
# can't be mixed up.
_AT_ONCE: Final = 0
_COUNTER: Final = "counter"
_KEPT: Final = "alert/"


class Outgoing:
    """Messages by the device's own counter, which rises over restarts and is the originator counter of its alerts."""

    def __init__(self, hub: Eui64, memory: Mapping[str, bytes], *, sleepy: bool = False) -> None:
        self._hub = hub
        self._sleepy = sleepy
        self._counter = int.from_bytes(memory.get(_COUNTER, b""), "big")
        self._kept = {int(key, 16): message for key, message in below(memory, _KEPT)}
        self._tries = 0
        self.due: Instant | None = None

    def start(self, turn: Turn) -> None:
        """Go on saying what the hub had not taken."""
        self.due = turn.now if self._kept else None
        self._tries = 0
        self.do_due(turn)

    def put(self, make: Callable[[int], bytes], turn: Turn) -> int:
        """Store a message that `make` writes under the next counter. Returns: that counter."""
        self._counter += 1
        message = make(self._counter)
        self._kept[self._counter] = message
        turn.store(_COUNTER, self._counter.to_bytes(8, "big"))
        turn.store(f"{_KEPT}{self._counter:016x}", message)
        self.due = turn.now
        self._tries = 0
        return self._counter

    def do_due(self, turn: Turn) -> None:
        """Send the oldest message (again)."""
        if self.due is None or self.due > turn.now or not self._kept:
            return
        counter, message = next(iter(self._kept.items()))
        self._send(_sequence(counter), message, turn)
        self.due = Instant(turn.now + RETRY.wait_ms(self._tries))
        self._tries += 1

    def say_once(self, message: bytes, turn: Turn) -> None:
        """Send an answer that whoever asked will ask for again if it gets lost."""
        self._send(_AT_ONCE, message, turn)

    def confirmed(self, sequence: int, turn: Turn) -> None:
        """The hub has taken what was sent under `sequence`; a confirmation of nothing changes nothing."""
        counter = next(iter(self._kept), None)
        if counter is None or _sequence(counter) != sequence:
            return
        del self._kept[counter]
        turn.store(f"{_KEPT}{counter:016x}", None)
        self.due = turn.now if self._kept else None
        self._tries = 0
        self.do_due(turn)

    def _send(self, sequence: int, message: bytes, turn: Turn) -> None:
        data = write_tunnelled(Put(message)) if self._sleepy else message
        frame = write_command(sequence, TransferData(TUNNEL, data), Side.CLIENT)
        turn.send_han(self._hub, TUNNELING_CLUSTER, frame)


def _sequence(counter: int) -> int:
    return 1 + counter % 255
