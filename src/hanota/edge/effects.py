"""What a node of the premises wants done: effects as values, and the shape that every node has.

A node (hub or device) is sans-IO: a handler takes what happened and the instant, and gives the effects in order.
Whoever runs it applies all `Store` effects of one call together and before any of that call's sends, so a node can lose
power between any two calls and go on from what it had stored. Constructing a node again from its memory is a restart.
Effects are named tuples: a hub makes some for each of very many blocks, and these are made in a third of the time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

from hanota.base.eui import Eui64
from hanota.base.instant import Instant


class SendHan(NamedTuple):
    """Send one ZCL frame of `cluster` to a node of the same home."""

    to: Eui64
    cluster: int
    octets: bytes


class SendWan(NamedTuple):
    """Send one frame to the head end."""

    octets: bytes


class Store(NamedTuple):
    """Keep `value` under `key` through power loss; None forgets the key."""

    key: str
    value: bytes | None


class Wake(NamedTuple):
    """Set the node's one alarm clock. Without it the earlier setting stands; a wake for nothing is harmless."""

    at: Instant


class Note(NamedTuple):
    """Something worth telling a person who watches; never an input of the node itself."""

    kind: str
    facts: Mapping[str, object]


Effect: TypeAlias = SendHan | SendWan | Store | Wake | Note


@dataclass(slots=True)
class Turn:
    """One handler call: the instant it happens at, and the effects collected so far."""

    now: Instant
    effects: list[Effect] = field(default_factory=list)

    def send_han(self, to: Eui64, cluster: int, octets: bytes) -> None:
        """Send one ZCL frame over the HAN."""
        self.effects.append(SendHan(to, cluster, octets))

    def send_wan(self, octets: bytes) -> None:
        """Send one frame over the WAN."""
        self.effects.append(SendWan(octets))

    def store(self, key: str, value: bytes | None) -> None:
        """Keep `value` under `key`; None forgets it."""
        self.effects.append(Store(key, value))

    def note(self, kind: str, **facts: object) -> None:
        """Tell those who watch."""
        self.effects.append(Note(kind, facts))

    def wake_at(self, *dues: Instant | None) -> None:
        """Set the alarm clock to the earliest of `dues`; None is no due time."""
        earliest = min((due for due in dues if due is not None), default=None)
        if earliest is not None:
            self.effects.append(Wake(earliest))


class Node(Protocol):
    """A hub or a device, as whoever runs it sees it; a hub takes frames of the WAN besides (`on_wan`).

    Handlers never raise for what came over the air.
    """

    @property
    def address(self) -> Eui64:
        """Its EUI-64 on the HAN."""

    @property
    def listening(self) -> bool:
        """Whether its radio is on; a sleepy device's is, from when it wakes until it has nothing to wait for."""

    def start(self, now: Instant) -> list[Effect]:
        """Go on from memory after power came back."""

    def on_frame(self, sender: Eui64, cluster: int, octets: bytes, now: Instant) -> list[Effect]:
        """Take one ZCL frame from the HAN."""

    def on_wake(self, now: Instant) -> list[Effect]:
        """The alarm clock rang."""
