"""Images by the SHA-256 of their whole OTA file: put in once, given out by the slice."""

import hashlib

from sqlalchemy import Connection, func, insert, select

from hanota.records.store.schema import image


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
    part = func.substr(image.c.octets, offset + 1, octets_max)
    row = connection.execute(select(part.label("part"), image.c.size).where(image.c.hash == digest)).first()
    if row is None:
        return None
    # SQLite counts in 32 bits here: an offset far beyond the end would begin again from the start.
    return (bytes(row.part) if offset < row.size else b"", row.size)
