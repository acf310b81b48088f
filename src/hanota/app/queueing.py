"""Which message goes next to a party: in order for each device, side by side for different ones, never too many."""

from collections.abc import Iterable
from typing import Final

from hanota.records.store.outgoing import DueMessage

PARTY_FLIGHTS_MAX: Final = 8
"""How many messages to one party are under way at once; a party that takes its time holds up nobody else."""


class PartyQueue:
    """What one party waits for and what is under way to it.

    It begins with one message at a time; each one taken doubles that, up to PARTY_FLIGHTS_MAX, and silence ends it. So
    parties that are away cost one connection each, however much they are due.
    """

    def __init__(self) -> None:
        self.flying: dict[int, DueMessage] = {}
        self._waiting: dict[int, DueMessage] = {}
        self._pace = 1

    @property
    def waiting(self) -> int:
        """How many messages wait here for their turn."""
        return len(self._waiting)

    def knows(self, number: int) -> bool:
        """Whether a message waits here or is under way."""
        return number in self._waiting or number in self.flying

    def add(self, messages: Iterable[DueMessage]) -> None:
        """Let messages wait; their numbers give the order."""
        fresh = {message.id: message for message in messages if not self.knows(message.id)}
        self._waiting = dict(sorted((self._waiting | fresh).items()))

    def take(self) -> DueMessage | None:
        """Give the next message that may go, which then counts as under way; None: not now.

        A message goes after those about the same device that were made before. One with a list of devices goes alone:
        it is about many.
        """
        if len(self.flying) >= self._pace or any(message.listed for message in self.flying.values()):
            return None
        busy = {message.device for message in self.flying.values()}
        for place, message in enumerate(self._waiting.values()):
            if message.listed and (place or self.flying):
                return None
            if message.listed or message.device not in busy:
                self.flying[message.id] = self._waiting.pop(message.id)
                return message
        return None

    def taken(self, message: DueMessage) -> None:
        """Note that the party has taken a message."""
        self.flying.pop(message.id, None)
        self._pace = min(2 * self._pace, PARTY_FLIGHTS_MAX)

    def refused(self, message: DueMessage) -> None:
        """Note that one message was refused; the next ones may go."""
        self.flying.pop(message.id, None)

    def silent(self, message: DueMessage) -> None:
        """Note that the party took nothing: whatever waits is put off with it."""
        self.flying.pop(message.id, None)
        self._waiting.clear()
        self._pace = 1
