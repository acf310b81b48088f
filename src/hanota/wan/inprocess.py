"""The carrier inside one process: both ends of the port over a model of the network. Safe between threads."""

import heapq
import threading
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.wan.port import check_frame


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkModel:
    """How the network treats one frame: a latency between two bounds (so frames may overtake), loss, repetition,
    and one octet altered on the way.

    `loss`, `duplication` and `corruption` are probabilities per frame, 0…1. With `jitter_ms` 0 the order is kept.
    """

    latency_ms: int = 120
    jitter_ms: int = 80
    loss: float = 0.0
    duplication: float = 0.0
    corruption: float = 0.0


@dataclass(slots=True)
class Carried:
    """What one direction has carried so far."""

    frames: int = 0
    octets: int = 0
    lost: int = 0
    repeated: int = 0
    altered: int = 0
    overtaken: int = 0


Observer = Callable[[bool, Eui64, bytes, Instant], None]
"""Sees whether a frame goes up, of which hub it is, the frame, and when it was sent."""


class InProcessWan:
    """A network in memory: `head_end` and `premises` are its two ends, used by different parts of one process."""

    def __init__(self, model: NetworkModel, rng: Random) -> None:
        self._down = _Direction(model, rng)
        self._up = _Direction(model, rng, up=True)
        self.head_end = _HeadEnd(self._down, self._up)
        self.premises = _Premises(self._down, self._up)

    @property
    def down(self) -> Carried:
        """Figures of the direction to the hubs."""
        return self._down.carried

    @property
    def up(self) -> Carried:
        """Figures of the direction to the head end."""
        return self._up.carried

    def next_due(self) -> Instant | None:
        """Give the instant at which the next frame in flight arrives, or None."""
        return min((due for due in (self._down.next_due(), self._up.next_due()) if due is not None), default=None)

    def change(self, model: NetworkModel) -> None:
        """Let the network treat frames sent from now on differently."""
        self._down.model = self._up.model = model

    def observe(self, observer: Observer) -> None:
        """Show `observer` every frame as it is handed over."""
        self._down.observer = self._up.observer = observer

    def drop_all(self) -> None:
        """Lose every frame in flight, as when the process dies."""
        self._down.clear()
        self._up.clear()


class _Direction:
    """Frames in flight in one direction, by arrival."""

    def __init__(self, model: NetworkModel, rng: Random, *, up: bool = False) -> None:
        self.model = model
        self.carried = Carried()
        self.observer: Observer | None = None
        self._up = up
        self._rng = rng
        self._lock = threading.Lock()
        self._flying: list[tuple[Instant, int, Eui64, bytes]] = []
        self._sent = 0
        self._latest = 0

    def send(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        check_frame(hub, frame)
        if self.observer is not None:
            self.observer(self._up, hub, frame, now)
        with self._lock:
            self.carried.frames += 1
            self.carried.octets += len(frame)
            if self._rng.random() < self.model.loss:
                self.carried.lost += 1
                return
            if self.model.corruption and frame and self._rng.random() < self.model.corruption:
                self.carried.altered += 1
                frame = self._altered(frame)
            self._launch(hub, frame, now)
            if self._rng.random() < self.model.duplication:
                self.carried.repeated += 1
                self._launch(hub, frame, now)

    def _altered(self, frame: bytes) -> bytes:
        place = self._rng.randrange(len(frame))
        return frame[:place] + bytes([frame[place] ^ self._rng.randint(1, 255)]) + frame[place + 1 :]

    def _launch(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        arrival = now + self.model.latency_ms + self._rng.randint(0, self.model.jitter_ms)
        self._sent += 1
        self.carried.overtaken += arrival < self._latest
        self._latest = max(self._latest, arrival)
        heapq.heappush(self._flying, (Instant(arrival), self._sent, hub, frame))

    def receive(self, now: Instant, limit: int) -> list[tuple[Eui64, bytes]]:
        arrived: list[tuple[Eui64, bytes]] = []
        with self._lock:
            while self._flying and self._flying[0][0] <= now and len(arrived) < limit:
                _, _, hub, frame = heapq.heappop(self._flying)
                arrived.append((hub, frame))
        return arrived

    def next_due(self) -> Instant | None:
        with self._lock:
            return self._flying[0][0] if self._flying else None

    def clear(self) -> None:
        with self._lock:
            self._flying.clear()


class _HeadEnd:
    """The end that implements `HeadEndWan`."""

    def __init__(self, down: _Direction, up: _Direction) -> None:
        self._down, self._up = down, up

    def send(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        self._down.send(hub, frame, now)

    def flush(self) -> frozenset[Eui64]:
        """Nothing to wait for: each frame went as it was sent."""
        return frozenset()

    def receive(self, now: Instant, limit: int) -> list[bytes]:
        return [frame for _, frame in self._up.receive(now, limit)]

    def settle(self, frames: int) -> None:
        """What was taken is gone from here anyway; hubs say again what was not acknowledged."""

    def give_back(self) -> None:
        """As with `settle`: a frame comes once."""

    def offer(self, image_hash: bytes, octets: Callable[[], bytes | None], *, anew: bool = False) -> None:
        """No image is kept here: hubs fetch from the head end, frame by frame."""

    def next_due(self) -> Instant | None:
        """When the next frame arrives here."""
        return self._up.next_due()


class _Premises:
    """The end that implements `PremisesWan`."""

    def __init__(self, down: _Direction, up: _Direction) -> None:
        self._down, self._up = down, up

    def send(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        self._up.send(hub, frame, now)

    def flush(self) -> None:
        """Nothing to wait for: each frame went as it was sent."""

    def receive(self, now: Instant, limit: int) -> list[tuple[Eui64, bytes]]:
        return self._down.receive(now, limit)

    def settle(self) -> None:
        """What was taken is gone from here anyway; the head end orders again what was not answered."""

    def next_due(self) -> Instant | None:
        """When the next frame arrives here."""
        return self._down.next_due()
