"""Facts of the requests behind a batch, read once each: a row of `request` holds megabytes, and many share one."""

from collections.abc import Iterable

import polars as pl
from sqlalchemy import Connection, select

from hanota.records.store import schema as t
from hanota.records.store.frames import name_set, read_frame
from hanota.records.store.segments import missing, octets_in_all


def request_facts(connection: Connection, requests: Iterable[int]) -> pl.DataFrame:
    """Give for each request: its originator, when it came, version and Manufacturer Image Hash of what it distributes,
    and how many segments of that have not come.

    Columns: request, originator, received_at, version_target, manufacturer_hash, segments_missing.
    """
    r, i = t.request, t.image
    named = name_set(connection, requests)
    query = (
        select(
            r.c.id.label("request"),
            r.c.originator,
            r.c.received_at,
            i.c.version.label("version_target"),
            i.c.manufacturer_hash,
            missing().label("segments_missing"),
        )
        .select_from(named.join(r, r.c.id == named.c.id))
        .join(i, i.c.hash == r.c.image)
    )
    return read_frame(connection, query)


def images_of(connection: Connection, requests: Iterable[int]) -> pl.DataFrame:
    """Give what each request distributes: columns request, image (its hash), octets (of all segments sent)."""
    r, i = t.request, t.image
    named = name_set(connection, requests)
    query = select(r.c.id.label("request"), r.c.image, octets_in_all().label("octets"))
    return read_frame(connection, query.select_from(named.join(r, r.c.id == named.c.id)).join(i, i.c.hash == r.c.image))
