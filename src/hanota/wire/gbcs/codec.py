"""What every encoding of payloads offers, so that `payload.py` and `describe.py` need not know which one it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from hanota.base.errors import require
from hanota.base.instant import SECOND, Instant, from_generalized
from hanota.wire.gbcs.errors import MessageUnwritable
from hanota.wire.gbcs.message import Header
from hanota.wire.gbcs.values import Payload

HASH_OCTETS: Final = 32
VERSION_OCTETS: Final = 4
LATEST: Final = from_generalized("99991231235959Z") + SECOND - 1

_VERSION_MAX: Final = (1 << 8 * VERSION_OCTETS) - 1


class Part(NamedTuple):
    """One field of a payload as it stands there: where it begins in the payload, its octets, what they say."""

    field: str
    offset: int
    octets: bytes
    meaning: str


@dataclass(frozen=True, slots=True)
class Codec:
    """One use case's payload in one direction.

    The header is given because DLMS repeats a part of the originator counter. `read` raises HanotaError for octets
    that are no such payload, or not as `write` would give them, with `offset` among its facts where that is known;
    `write` raises MessageUnwritable, DerUnwritable. `parts` expects octets that were read without error.
    """

    kinds: tuple[type[Payload], ...]
    read: Callable[[bytes, Header], Payload]
    write: Callable[[Any, Header], bytes]
    parts: Callable[[bytes], list[Part]]


def version_octets(file_version: int | None) -> bytes:
    """Write a firmware version: the File Version of its OTA header, big-endian. Raises MessageUnwritable."""
    if file_version is None or not 0 <= file_version <= _VERSION_MAX:
        raise MessageUnwritable(field="file version", got=file_version, expected="32 bits")
    return file_version.to_bytes(VERSION_OCTETS, "big")


def require_time(at: Instant) -> None:
    """Refuse an instant that calendars have no date for. Raises MessageUnwritable."""
    require(0 <= at <= LATEST, MessageUnwritable, field="time", got=at, expected="a time of the years 1970…9999")
