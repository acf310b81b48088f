"""What accepting a request reads and writes: the stored answer, and the durable decision.

Acceptance is serialised by its caller (`serialise`). A decision is kept as one stream of columns with its request;
`materialising` makes the delivery rows of it later. What it is made of is in `device_facts`.
"""

import hashlib
import io
from dataclasses import dataclass
from typing import Final

import polars as pl
from sqlalchemy import Connection, delete, insert, select, update

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.duis import ResponseCode
from hanota.records.ledger import Event, append
from hanota.records.store import schema as t
from hanota.records.store.quarantine import Quarantine

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
