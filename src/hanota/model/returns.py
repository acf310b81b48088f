"""What comes back from a home, as one value whatever message carried it."""

from operator import attrgetter
from typing import Any, Final, NamedTuple

from hanota.base.eui import Eui64
from hanota.base.instant import Instant


class Return(NamedTuple):
    """One report of a hub or device: who numbered it (`source`), what happened (`event`), the evidence (`octets`).

    `reporter` is who proved to have said it: the device itself, or a hub, which may speak for its own home only.
    `delivery` is None for reports that name only a device: its delivery is found when the report is kept. `version` is
    what the device says that it runs; `image_version` or `image_hash`, the Manufacturer Image Hash, say which image the
    report is about. `until` is when a consumer's deferral or refusal ends.
    """

    source: str
    reporter: Eui64
    at: Instant
    event: str
    device: Eui64
    octets: bytes
    delivery: int | None = None
    version: int | None = None
    image_version: int | None = None
    image_hash: bytes | None = None
    result: int | None = None
    offset: int | None = None
    blocks: int | None = None
    repeats: int | None = None
    until: Instant | None = None


Row = tuple[Any, ...]
"""The fields of a Return in their order, EUIs as columns keep them."""

_AS_COLUMNS: Final = {"reporter": "reporter.signed", "device": "device.signed"}
_ROW: Final = attrgetter(*(_AS_COLUMNS.get(name, name) for name in Return._fields))


def row_of(report: Return) -> Row:
    """Give a report in plain values."""
    row: Row = _ROW(report)
    return row
