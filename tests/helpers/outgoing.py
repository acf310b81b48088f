"""Messages on the bench: made by hand, for parties of the registry; and carriers that land when the test says so."""

from collections import defaultdict
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from sqlalchemy import select

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import HOUR, Instant
from hanota.base.vocabulary.duis import DccAlertCode, ResponseCode
from hanota.callbacks.port import CallbackError, MessageRefused
from hanota.model.alerts import AlertKind
from hanota.model.step import ALERTS as COLUMNS
from hanota.records.store import schema as t
from hanota.records.store.alerts import Grouping, write_alerts
from hanota.records.store.bulk import staged
from hanota.records.store.messages import Document, queue_documents
from hanota.records.store.outgoing import DueMessage, due_messages
from hanota.wire import duis
from helpers.premises import DCC, NOW
from helpers.world import LANE, PPMID, SUPPLIER_1, SUPPLIER_2, Bench

LEVEL = 24 * HOUR


def document(identifier: RequestId) -> bytes:
    """A small DUIS document under a ResponseID."""
    body = duis.CommandFailure(request_id=RequestId(SUPPLIER_1, DCC, 1), schedule_id=None, device=PPMID)
    alert = duis.DccAlertMessage(code=DccAlertCode.N53, alert=body)
    response = duis.Response(request_id=None, response_id=identifier, code=ResponseCode.I0, at=Instant(0), body=alert)
    return duis.write_response(response)


def queue(
    bench: Bench, *devices: Eui64 | None, party: Eui64 = SUPPLIER_1, counters: list[int] | None = None, **changes: Any
) -> list[int]:
    """Queue one message about each of `devices`. Returns: the numbers of those that are new."""
    names = [None] * len(devices) if counters is None else [RequestId(PPMID, party, number) for number in counters]
    facts = {"kind": "Response", "render": document} | changes
    documents = [
        Document(party=party, device=device, response_id=name, **facts)
        for device, name in zip(devices, names, strict=True)
    ]
    before = {row.id for row in bench.rows(t.message)}
    with bench.store.writing() as connection:
        queue_documents(connection, LANE, documents, dcc=DCC, now=bench.now, service_level_ms=LEVEL)
    return [row.id for row in bench.rows(t.message) if row.id not in before]


def crowd(bench: Bench, count: int, first: int = 1000) -> list[int]:
    """Let delivery 1 have so many like it, each of a device of its own that SUPPLIER_2 supplies too.

    Returns: the numbers of the deliveries, which are those of their devices, too.
    """
    numbers = list(range(first, first + count))
    delivery, device = bench.row(t.delivery, id=1), bench.row(t.device, eui=PPMID.signed)
    with bench.store.writing() as connection:
        connection.execute(t.device.insert(), [dict(device._mapping) | {"eui": number} for number in numbers])
        like = dict(delivery._mapping) | {"due": None}
        connection.execute(t.delivery.insert(), [like | {"id": number, "device": number} for number in numbers])
        seen = {"party": SUPPLIER_2.signed, "since": 0, "until": bench.now + 1}
        connection.execute(t.eligibility.insert(), [seen | {"device": number} for number in numbers])
    return numbers


def tell(
    bench: Bench, numbers: list[int], kind: AlertKind, grouping: Grouping = "device", **facts: Any
) -> pl.DataFrame:
    """Let deliveries tell something of this kind."""
    same = {"kind": kind.value, "at": NOW} | facts
    d, r, v = t.delivery.c, t.request.c, t.device.c
    columns = (d.id.label("delivery"), d.request, d.device, r.originator, v.device_type)
    named = select(*columns).join(t.request).join(t.device, v.eui == d.device).where(d.id.in_(numbers)).order_by(d.id)
    with bench.store.writing() as connection:
        found = connection.execute(named).mappings()
        frame = pl.DataFrame([{**row, **same} for row in found], schema=COLUMNS, orient="row")
        moved = staged(connection, "told", frame.select("delivery"))
        return write_alerts(connection, frame, moved, now=bench.now, service_level_ms=LEVEL, grouping=grouping)


def due(bench: Bench, **facts: Any) -> list[DueMessage]:
    """What may go now."""
    with bench.store.reading() as connection:
        return due_messages(connection, bench.now, **facts)[0]


@dataclass
class Air:
    """A carrier whose posts land when the test lets them; `at_once`: they are taken as they are posted."""

    at_once: bool = False
    posted: list[tuple[str, bytes]] = field(default_factory=list)
    flying: dict[str, list[Future[None]]] = field(default_factory=lambda: defaultdict(list))

    def post(self, endpoint: str, octets: bytes) -> Future[None]:
        landed: Future[None] = Future()
        self.posted.append((endpoint, octets))
        if self.at_once:
            landed.set_result(None)
        else:
            self.flying[endpoint].append(landed)
        return landed

    def take(self, endpoint: str, count: int | None = None) -> None:
        """Let the party take the oldest of what is under way to it, or all."""
        for landed in self._oldest(endpoint, count):
            landed.set_result(None)

    def refuse(self, endpoint: str) -> None:
        """Let the party refuse the oldest."""
        for landed in self._oldest(endpoint, 1):
            landed.set_exception(MessageRefused(endpoint=endpoint, cause="HTTP 400"))

    def lose(self, endpoint: str) -> None:
        """Let the oldest never be answered."""
        for landed in self._oldest(endpoint, 1):
            landed.set_exception(CallbackError(endpoint=endpoint, cause="no answer"))

    def _oldest(self, endpoint: str, count: int | None) -> list[Future[None]]:
        all_of_it = self.flying[endpoint]
        oldest = all_of_it[:count]
        del all_of_it[: len(oldest)]
        return oldest

    def bodies(self, endpoint: str) -> list[bytes]:
        """What was posted to an endpoint so far."""
        return [octets for where, octets in self.posted if where == endpoint]
