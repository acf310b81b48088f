"""What accepting a request reads and writes: the stored answer, facts of the devices named, the durable decision.

Acceptance is serialised by its caller (`serialise`). A decision is kept as one stream of columns with its request;
`materialising` makes the delivery rows of it later, so facts count the devices of decisions that still wait for that.
"""

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    Table,
    and_,
    delete,
    func,
    insert,
    select,
    true,
    update,
)

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.delivery import State
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t
from hanota.records.store.displacement import displaceable
from hanota.records.store.frames import name_set, read_frame
from hanota.records.store.quarantine import Quarantine
from hanota.records.store.refusals import refused
from hanota.records.store.segments import of_whole, under_way

_MODEL: Final = ["manufacturer", "image_type", "hardware"]
DECISION = pl.Schema({"device": pl.Int64, "reason": pl.String, "version_before": pl.Int64})
"""A decision: every device named, the reason why it is left out (null: it goes on), and the version it ran."""

ANONYMOUS_MAX: Final = 10_000
"""How many refusals are kept of what nobody is proved to have sent; each stays in the log all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """A request with its answer, as it is kept."""

    key: str | None
    request_id: str
    variant: int
    service_reference: str
    originator: Eui64
    received_at: Instant
    digest: bytes
    octets: bytes
    answer: bytes
    code: str
    reason: str | None
    detail: str | None
    image: bytes | None
    version_text: str | None
    decision: pl.DataFrame | None


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What was answered to a request before."""

    digest: bytes
    code: str
    answer: bytes


def stored_answer(connection: Connection, key: str) -> StoredAnswer | None:
    """Give the answer to the authentic request of this RequestID and command variant, if there was one."""
    r, q = t.request, t.quarantine.c
    query = select(r.c.digest, r.c.code, r.c.answer, q.state).outerjoin(t.quarantine, q.request == r.c.id)
    row = connection.execute(query.where(r.c.key == key)).first()
    if row is None:
        return None
    # One that was held was acknowledged, whatever became of it.
    return StoredAnswer(row.digest, row.code if row.state is None else ResponseCode.I99.value, row.answer)


def forget_strangers(connection: Connection) -> None:
    """Keep only the newest ANONYMOUS_MAX refusals of what nobody is proved to have sent: anybody can cause them."""
    r = t.request.c
    newest = select(r.id).where(r.key.is_(None)).order_by(r.id.desc()).offset(ANONYMOUS_MAX).limit(1).scalar_subquery()
    connection.execute(delete(t.request).where(r.key.is_(None), r.id <= newest))


def accepted_variants(connection: Connection, request_id: str) -> set[int]:
    """Give the command variants under which a RequestID was accepted."""
    r = t.request.c
    query = select(r.variant).where(r.request_id == request_id, r.key.is_not(None), r.code.not_like("E%"))
    return set(connection.execute(query).scalars())


def forget_octets(connection: Connection, number: int) -> None:
    """Forget a document that nobody will read again; its digest stays."""
    connection.execute(update(t.request).where(t.request.c.id == number).values(octets=b""))


def device_facts(
    connection: Connection,
    devices: Iterable[int],
    *,
    sender: Eui64,
    manufacturer_hash: bytes,
    now: Instant,
    in_segments: bool = False,
) -> pl.DataFrame:
    """Give one row of facts for every device named, in the order named, by as many queries whatever their number.

    A segment joins the sender's open delivery of its whole: such a device does not count as `open`.

    Columns: device, known, device_type, status, region, hub, manufacturer, image_type, hardware, gbcs_version,
    capacity_octets, version, eligible, open, displaceable (what is open is the sender's own and may be displaced, R12),
    refused (the consumer's no to this image stands), product (the Active one of this hash for its model), predecessors
    (how many the list names for it), follows (the version it runs is among them), updated_ms_ago (since its last update
    was confirmed).
    """
    wanted = pl.Series("device", list(devices), pl.Int64).unique(maintain_order=True)
    named = name_set(connection, wanted)
    joins = of_whole(sender, manufacturer_hash) if in_segments else None
    query = _facts_query(named, sender, manufacturer_hash, now, joins)
    found = _with_products(connection, read_frame(connection, query), manufacturer_hash)
    facts = wanted.to_frame().join(found, on="device", how="left", maintain_order="left")
    waiting = _devices_of_waiting_decisions(connection, joins)
    waits = pl.col("device").is_in(waiting.implode())
    return facts.with_columns(pl.col("open") | waits, pl.col("displaceable") & ~waits)


def _facts_query(
    named: Table, sender: Eui64, manufacturer_hash: bytes, now: Instant, joins: ColumnElement[bool] | None
) -> Select[Any]:
    d, e = t.device, t.eligibility
    eligible = (
        select(e.c.device)
        .where(e.c.device == d.c.eui, e.c.party == sender.signed, e.c.since <= now, e.c.until > now)
        .exists()
    )
    return select(
        named.c.id.label("device"),
        d.c.eui.is_not(None).label("known"),
        d.c.device_type,
        d.c.status,
        t.premises.c.region,
        d.c.hub,
        d.c.manufacturer,
        d.c.image_type,
        d.c.hardware,
        d.c.gbcs_version,
        d.c.capacity_octets,
        d.c.version,
        eligible.label("eligible"),
        and_(t.work.c.device.is_not(None), true() if joins is None else ~under_way(joins)).label("open"),
        displaceable(sender).label("displaceable"),
        refused(manufacturer_hash, now).label("refused"),
        (now - _confirmed_at(named)).label("updated_ms_ago"),
    ).select_from(
        named.outerjoin(d, d.c.eui == named.c.id)
        .outerjoin(t.premises, t.premises.c.id == d.c.premises)
        .outerjoin(t.work, t.work.c.device == named.c.id)
    )


def _with_products(connection: Connection, devices: pl.DataFrame, manufacturer_hash: bytes) -> pl.DataFrame:
    """Put beside devices what the Certified Product List says of an image for their model: the list has few of it."""
    p, before = t.product.c, t.predecessor.c
    active = p.manufacturer_hash == manufacturer_hash, p.status == "Active"
    models = (p.manufacturer, p.image_type, p.hardware)
    listed = select(*models, func.max(p.id).label("product")).where(*active).group_by(*models)
    named = select(before.product, before.version).join(t.product, p.id == before.product).where(*active)
    products, versions = read_frame(connection, listed), read_frame(connection, named)
    counts = versions.group_by("product").agg(predecessors=pl.len().cast(pl.Int64))
    known = devices.join(products, on=_MODEL, how="left", maintain_order="left")
    return (
        known.join(counts, on="product", how="left", maintain_order="left")
        .join(versions.with_columns(follows=True), on=["product", "version"], how="left", maintain_order="left")
        .with_columns(pl.col("predecessors").fill_null(0), pl.col("follows").fill_null(value=False))
        .select(pl.exclude("updated_ms_ago"), "updated_ms_ago")  # in the order that `device_facts` tells
    )


def _confirmed_at(devices: Table) -> ScalarSelect[int]:
    d = t.delivery.c
    confirmed = (d.device == devices.c.id, d.state == State.CONFIRMED)
    return select(func.max(d.since)).where(*confirmed).correlate(devices).scalar_subquery()


def _devices_of_waiting_decisions(connection: Connection, joins: ColumnElement[bool] | None) -> pl.Series:
    others = true() if joins is None else ~joins
    rows = connection.execute(select(t.request.c.decision).where(~t.request.c.materialised, others))
    taken = [read_decision(row.decision).filter(pl.col("reason").is_null())["device"] for row in rows]
    return pl.concat(taken) if taken else pl.Series("device", [], pl.Int64)


def save_request(connection: Connection, lane: str, record: RequestRecord) -> int:
    """Keep a request, its decision and its answer, with their event. Returns: its number."""
    decision = record.decision if record.decision is not None else DECISION.to_frame()
    accepted = decision["reason"].null_count()
    number: int = connection.execute(
        insert(t.request)
        .values(
            key=record.key,
            request_id=record.request_id,
            variant=record.variant,
            service_reference=record.service_reference,
            originator=record.originator.signed,
            received_at=record.received_at,
            digest=record.digest,
            octets=record.octets,
            answer=record.answer,
            code=record.code,
            reason=record.reason,
            detail=record.detail,
            image=record.image,
            version_text=record.version_text,
            named=decision.height,
            accepted=accepted,
            decision=_write_decision(decision) if decision.height else None,
            materialised=not accepted,
        )
        .returning(t.request.c.id)
    ).scalar_one()
    facts: dict[str, int | str | None] = {
        "request_id": record.request_id,
        "variant": record.variant,
        "code": record.code,
        "reason": record.reason,
        "digest": record.digest.hex(),
        "answer_digest": hashlib.sha256(record.answer).hexdigest(),
        "named": decision.height,
        "accepted": accepted,
    }
    append(connection, lane, [Event(kind="request_answered", at=record.received_at, request=number, facts=facts)])
    return number


def settle_request(
    connection: Connection,
    lane: str,
    number: int,
    *,
    code: str,
    reason: str | None,
    detail: str | None,
    image: bytes | None,
    version_text: str | None,
    decision: pl.DataFrame | None,
    now: Instant,
) -> None:
    """Enter the decision on a request that was acknowledged before, with its event; its answer stays as given."""
    decided = decision if decision is not None else DECISION.to_frame()
    accepted = decided["reason"].null_count()
    connection.execute(
        update(t.request)
        .where(t.request.c.id == number)
        .values(
            code=code,
            reason=reason,
            detail=detail,
            image=image,
            version_text=version_text,
            named=decided.height,
            accepted=accepted,
            decision=_write_decision(decided) if decided.height else None,
            materialised=not accepted,
        )
    )
    facts: dict[str, int | str | None] = {
        "code": code,
        "reason": reason,
        "named": decided.height,
        "accepted": accepted,
    }
    append(connection, lane, [Event(kind="request_settled", at=now, request=number, facts=facts)])


def standing_of(connection: Connection, request_id: str) -> tuple[str, str | None, bool] | None:
    """Give how an authentic request stands: its code, the state of its command if any, whether it waits otherwise:
    for its deliveries, or for a decision on its quarantine.
    """
    r, c, d, q = t.request, t.command, t.delivery, t.quarantine
    row = connection.execute(
        select(r.c.id, r.c.code, c.c.state, r.c.materialised, q.c.state.label("quarantine"))
        .outerjoin(c, c.c.request == r.c.id)
        .outerjoin(q, q.c.request == r.c.id)
        .where(r.c.request_id == request_id, r.c.key.is_not(None))
        .order_by(r.c.id.desc())
        .limit(1)
    ).first()
    if row is None:
        return None
    waits = not row.materialised or row.quarantine == Quarantine.HELD
    unended = select(d.c.id).where(d.c.request == row.id, d.c.deadline.is_not(None)).limit(1)
    return row.code, row.state, waits or connection.execute(unended).first() is not None


def _write_decision(decision: pl.DataFrame) -> bytes:
    stream = io.BytesIO()
    decision.select(DECISION.names()).write_ipc_stream(stream, compression="zstd")
    return stream.getvalue()


def read_decision(octets: bytes | None) -> pl.DataFrame:
    """Read a decision as it is kept with its request; one without devices is empty."""
    return pl.read_ipc_stream(io.BytesIO(octets)) if octets else DECISION.to_frame()
