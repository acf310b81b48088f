"""Envelopes on their way out: packed by region, published many at once, each until the server has acknowledged it."""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Final

from nats.errors import Error as ClientError
from nats.js import JetStreamContext
from nats.js.api import Header
from nats.js.errors import APIError

from hanota.base.eui import Eui64
from hanota.wire.wan import Entry, write_envelopes

PUBLISH_S_MAX: Final = 2.0
TRIES: Final = 2
AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One envelope: where it goes, its id for as long as it is tried, and the hubs whose frames are in it."""

    subject: str
    id: str
    octets: bytes
    hubs: tuple[Eui64, ...]


class Packer:
    """Makes envelopes whose ids no other sender uses."""

    def __init__(self) -> None:
        self._sender = secrets.token_hex(8)
        self._numbers = count(1)

    def pack(self, entries: Iterable[tuple[str, Entry]]) -> list[Outgoing]:
        """Put frames, each with its subject, into envelopes; the order within a subject stays."""
        by_subject: dict[str, list[Entry]] = defaultdict(list)
        for subject, entry in entries:
            by_subject[subject].append(entry)
        return [
            Outgoing(subject, f"{self._sender}.{next(self._numbers)}", octets, tuple(hubs))
            for subject, frames in by_subject.items()
            for octets, hubs in write_envelopes(frames)
        ]


async def publish(js: JetStreamContext, envelopes: list[Outgoing]) -> list[Outgoing]:
    """Publish envelopes and wait until the server has each. Returns: those that it has not acknowledged."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(envelope: Outgoing) -> bool:
        async with room:
            return await publish_one(js, envelope)

    there = await asyncio.gather(*map(one, envelopes))
    return [envelope for envelope, good in zip(envelopes, there, strict=True) if not good]


async def publish_one(js: JetStreamContext, envelope: Outgoing) -> bool:
    """Whether the server has it; it is tried again under the same id, so that it does not stand there twice."""
    for _ in range(TRIES):
        try:
            await js.publish(
                envelope.subject, envelope.octets, timeout=PUBLISH_S_MAX, headers={Header.MSG_ID: envelope.id}
            )
        except (ClientError, APIError, OSError):
            continue
        return True
    return False
