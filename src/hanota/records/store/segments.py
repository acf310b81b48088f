"""Images in segments (R7): what each Supplier has sent of a whole, and the deliveries that wait for the rest of one.

Segments of one whole from one Supplier are one delivery per device: the first request that names the device makes it,
the others join it. The library's row of a segment has the whole's Manufacturer Image hash.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from hanota.base.errors import HanotaError
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.records.store import schema as t
from hanota.wire.otaimage import OtaHeader, Tail, fit_header, read_header, read_image
from hanota.wire.otaimage.segments import OTA_HEADER_OCTETS_MAX, Segment, join


def contradiction(connection: Connection, party: Eui64, segment: Segment, file: bytes) -> str | None:
    """Say how a segment does not fit those of its whole that the party has sent before; None if it does.

    The last one to come has to make the whole that all of them speak of. Segments that no open delivery needs any more
    are forgotten rather than held against new ones.
    """
    found = _contradiction(connection, party, segment, file)
    if found is None or _needed(connection, party, segment.header.whole_hash):
        return found
    s = t.segment.c
    connection.execute(delete(t.segment).where(s.whole == segment.header.whole_hash, s.party == party.signed))
    return None


def _contradiction(connection: Connection, party: Eui64, segment: Segment, file: bytes) -> str | None:
    header, digest = segment.header, hashlib.sha256(file).digest()
    others = connection.execute(_sent(party, header.whole_hash)).all()
    for other in others:
        if (other.of, other.whole_octets) != (header.count, header.whole_octets):
            said = f"one of {header.count} of {header.whole_octets} octets"
            return f"it is {said}, the others are of {other.of} of {other.whole_octets}"
        if _whole_header(other.head, header.whole_octets) != segment.common[0]:
            return "its OTA header is not that of the others"
        if other.place == header.index and other.image != digest:
            return f"the segment of index {header.index} was another"
    places = {other.place for other in others}
    if header.index in places or len(places) + 1 < header.count:
        return None
    files = connection.execute(select(t.image.c.octets).where(t.image.c.hash.in_([other.image for other in others])))
    try:
        join(read_image(octets, Tail.NONE) for octets in (*files.scalars(), file))
    except HanotaError as error:
        return error.explain()
    return None


def _sent(party: Eui64, whole: bytes) -> Select[Any]:
    s, i = t.segment, t.image
    head = func.substr(i.c.octets, 1, OTA_HEADER_OCTETS_MAX)
    return (
        select(s.c.place, s.c.count.label("of"), s.c.whole_octets, s.c.image, head.label("head"))
        .join(i, i.c.hash == s.c.image)
        .where(s.c.whole == whole, s.c.party == party.signed)
    )


def _whole_header(head: bytes, whole_octets: int) -> OtaHeader:
    return fit_header(read_header(head), whole_octets, Tail.NONE)


def _needed(connection: Connection, party: Eui64, whole: bytes) -> bool:
    """Whether a delivery of a whole is open, or yet to be made."""
    d, r = t.delivery, t.request
    unended = exists().where(d.c.request == r.c.id, d.c.deadline.is_not(None))
    query = select(r.c.id).where(of_whole(party, whole), or_(~r.c.materialised, unended)).limit(1)
    return connection.execute(query).first() is not None


def of_whole(party: Eui64, whole: bytes) -> ColumnElement[bool]:
    """Whether a row of `request` is a party's for a segment of a whole."""
    r, s = t.request, t.segment
    return and_(
        r.c.originator == party.signed,
        r.c.image.in_(select(s.c.image).where(s.c.whole == whole, s.c.party == party.signed)),
    )


def keep_segment(
    connection: Connection, party: Eui64, segment: Segment, *, image: bytes, request: int, now: Instant
) -> None:
    """Note that a segment is in the library (`image`: SHA-256 of its file), and wake the deliveries that wait for it.

    A worker that has claimed one of them meanwhile loses its claim: it has not seen this segment.
    """
    s, d, r = t.segment, t.delivery, t.request
    header = segment.header
    key = {"whole": header.whole_hash, "party": party.signed, "place": header.index}
    known = select(s.c.place).where(*(s.c[name] == value for name, value in key.items()))
    if connection.execute(known).first() is not None:
        return
    sizes = {"count": header.count, "whole_octets": header.whole_octets}
    connection.execute(insert(s).values({**key, **sizes, "image": image, "request": request}))
    waiting = select(r.c.id).where(of_whole(party, header.whole_hash))
    connection.execute(update(d).where(d.c.state == "REQUESTED", d.c.request.in_(waiting)).values(due=now))


def under_way(requests: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether the open delivery of a row of `work` is of a request like those."""
    d, r = t.delivery, t.request
    return exists().where(d.c.id == t.work.c.delivery, r.c.id == d.c.request, requests)


def _with_others(figure: Callable[[FromClause, FromClause], ColumnElement[int]]) -> ColumnElement[int]:
    """A figure of the segments sent of a whole: those of the row of `request` and `image` around, itself among them.

    `figure` gets the row's own segment and every one sent; null for an image in one piece.
    """
    r, i, own, sent = t.request, t.image, t.segment.alias("own"), t.segment.alias("sent")
    same = and_(sent.c.whole == own.c.whole, sent.c.party == own.c.party)
    itself = (own.c.whole == i.c.manufacturer_hash, own.c.party == r.c.originator, own.c.image == i.c.hash)
    found = select(figure(own, sent)).select_from(own.join(sent, same)).where(*itself)
    return found.correlate(r, i).scalar_subquery()


def missing() -> ColumnElement[int]:
    """How many segments have not come of the image of a row of `request` and `image`; 0 for an image in one piece."""
    return func.coalesce(_with_others(lambda own, sent: func.max(own.c.count) - func.count(sent.c.place)), 0)


def octets_in_all() -> ColumnElement[int]:
    """How many octets travel for the image of a row of `request` and `image`: of its file, or of all segments sent."""
    file = t.image.alias("file")

    def size(_: FromClause, sent: FromClause) -> ColumnElement[int]:
        return func.sum(select(file.c.size).where(file.c.hash == sent.c.image).correlate(sent).scalar_subquery())

    return func.coalesce(_with_others(size), t.image.c.size)


def parts_of(connection: Connection, party: int, image: bytes) -> tuple[tuple[bytes, int], ...]:
    """Give SHA-256 and size of every segment's file, in order, of the whole that `image` is part of.

    None for an image in one piece. `party` as the store writes it.
    """
    s, i = t.segment, t.image
    whole = select(i.c.manufacturer_hash).where(i.c.hash == image).scalar_subquery()
    query = (
        select(s.c.image, i.c.size)
        .join(i, i.c.hash == s.c.image)
        .where(s.c.whole == whole, s.c.party == party)
        .order_by(s.c.place)
    )
    rows = connection.execute(query).all()
    return tuple((row.image, row.size) for row in rows) if image in {row.image for row in rows} else ()
