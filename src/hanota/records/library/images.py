"""Images by the SHA-256 of their whole OTA file: put in once, given out by the slice."""

import hashlib
from typing import Final

from sqlalchemy import Connection, Integer, func, insert, literal, select

from hanota.records.store.schema import image

_OFFSET_MAX: Final = (1 << 31) - 1  # databases count octets in 32 bits; no image has as many


def put_image(
    connection: Connection,
    octets: bytes,
    *,
    manufacturer_hash: bytes,
    manufacturer: int,
    image_type: int,
    version: int,
    hardware_min: int | None,
    hardware_max: int | None,
    force_replace: int | None = None,
) -> bytes:
    """Keep an image unless it is there already. Returns: its SHA-256."""
    digest = hashlib.sha256(octets).digest()
    if connection.execute(select(image.c.size).where(image.c.hash == digest)).first() is None:
        connection.execute(
            insert(image).values(
                hash=digest,
                manufacturer_hash=manufacturer_hash,
                octets=octets,
                size=len(octets),
                manufacturer=manufacturer,
                image_type=image_type,
                version=version,
                hardware_min=hardware_min,
                hardware_max=hardware_max,
                force_replace=force_replace,
            )
        )
    return digest


def read_slice(connection: Connection, digest: bytes, offset: int, octets_max: int) -> tuple[bytes, int] | None:
    """Give at most `octets_max` octets from `offset` on, and the size of the whole; None if there is no such image."""
    first, most = (literal(min(number, _OFFSET_MAX), Integer) for number in (offset + 1, octets_max))
    part = func.substr(image.c.octets, first, most)
    row = connection.execute(select(part.label("part"), image.c.size).where(image.c.hash == digest)).first()
    if row is None:
        return None
    return (bytes(row.part) if offset < row.size else b"", row.size)
