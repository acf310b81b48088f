"""The homes behind the port: frames in and out as of `Estate`, whatever the carrier."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
from cryptography.hazmat.primitives.asymmetric import ec

from hanota.base.errors import HanotaError
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.backoff import Backoff
from hanota.edge.estate.flow.homes import FlowHomes
from hanota.edge.estate.flow.journal import FlowJournal
from hanota.edge.estate.flow.saying import PLACE, PLACES, FindCredential, Said, Sayer
from hanota.edge.estate.flow.told import Told
from hanota.edge.hub.outbox import RESEND
from hanota.wan.port import PremisesWan
from hanota.wire.gbcs import Message, ReadVersion, read_message, read_payload
from hanota.wire.smki.certificate import Certificate
from hanota.wire.wan import (
    Acknowledge,
    Cancel,
    Distribute,
    GbcsDown,
    ReadDevice,
    SignedOrder,
    open_order,
    read_frame,
)

FRAMES_MAX: Final = 10_000  # of one `advance`, unless told otherwise


@dataclass(slots=True)
class _Waiting:
    """An uplink that the head end has not acknowledged."""

    said: Said
    tries: int = 0


@dataclass(slots=True)
class _Arrived:
    """What one batch of frames asks for, as rows."""

    orders: list[tuple[int, int, int, int]]
    cancels: list[tuple[int, int]]  # order and hub
    questions: list[tuple[int, int]]


class FlowEstate:
    """Homes at flow level. Not safe between threads: one thread drives it.

    Orders count only with the DCC's signature (`acb_signing`), as at a hub. What is said is sent again until it is
    acknowledged. With a `journal` an estate goes on where an earlier one stopped. No home at flow level fails: image,
    transfer and activation go well, and the image's octets are not fetched, only the time for it passes.
    """

    def __init__(
        self,
        homes: FlowHomes,
        *,
        wan: PremisesWan,
        credential: FindCredential,
        acb: Certificate,
        acb_signing: ec.EllipticCurvePublicKey,
        journal: FlowJournal | None = None,
        resend: Backoff = RESEND,
    ) -> None:
        self._resend = resend
        self._homes, self._wan, self._acb_signing = homes, wan, acb_signing
        self._sayer = Sayer(credential, acb)
        self._journal = journal or FlowJournal()
        self._asked: dict[int, Message | None] = {}
        self._waiting: dict[int, _Waiting] = {}
        self._again: list[tuple[Instant, int]] = []
        self._open: dict[int, int] = {}  # uplinks of an order that wait
        self._told: dict[int, bool] = {}  # orders of which all is told; whether the device ran the image
        recalled = self._journal.recall()
        self._heard = recalled.heard
        homes.runs(recalled.ran.select("device", "version"))
        homes.recall(recalled.under_way)

    def advance(self, now: Instant, limit: int = FRAMES_MAX) -> Instant | None:
        """Take at most `limit` frames, say what is due by `now`; give when something is due next, None if nothing is.

        `now` means that the limit was reached: call again. Raises WanError where the carrier fails.
        """
        frames = self._wan.receive(now, limit)
        self._take(frames, now)
        self._say(now)
        self._journal.commit()
        self._wan.settle()
        self._send_due(now)
        self._wan.flush()
        return now if len(frames) >= limit else self.next_due()

    def next_due(self) -> Instant | None:
        """When something is due of itself; None if nothing is."""
        dues = [self._homes.next_due, self._again[0][0] if self._again else None]
        return min((due for due in dues if due is not None), default=None)

    @property
    def unacknowledged(self) -> int:
        """How many uplinks the head end has not acknowledged."""
        return len(self._waiting)

    def _take(self, frames: list[tuple[Eui64, bytes]], now: Instant) -> None:
        arrived = _Arrived([], [], [])
        for hub, octets in frames:
            try:
                self._read(hub, octets, arrived)
            except HanotaError:
                continue  # as at a hub: what can't be read, or is not the DCC's, changes nothing
        if arrived.orders:
            names = ["order", "device", "version", "octets"]
            taken = self._homes.order(_frame(names, arrived.orders), now)
            self._journal.take(taken, now)
        if arrived.cancels:
            self._homes.cancel(_frame(["order", "hub"], arrived.cancels), now)
        if arrived.questions:
            self._homes.read(_frame(["message", "device"], arrived.questions), now)

    def _read(self, hub: Eui64, octets: bytes, arrived: _Arrived) -> None:
        frame = read_frame(octets)
        match frame:
            case Acknowledge():
                self._acknowledged(frame.event)
            case SignedOrder():
                order = open_order(frame, self._acb_signing)
                if isinstance(order, Distribute):
                    row = (order.order, order.device.signed, order.file_version, order.image_octets)
                    arrived.orders.append(row)
                elif isinstance(order, Cancel):
                    arrived.cancels.append((order.order, hub.signed))
                elif isinstance(order, ReadDevice):
                    self._asked[order.message] = None
                    arrived.questions.append((order.message, order.device.signed))
            case GbcsDown():
                command = read_message(frame.data)
                if read_payload(command) == ReadVersion():
                    self._asked[frame.message] = command
                    arrived.questions.append((frame.message, frame.device.signed))

    def _say(self, now: Instant) -> None:
        for said in self._sayer.frames(self._unheard(self._homes.due(now)), self._asked):
            if said.order is not None:
                self._open[said.order] = self._open.get(said.order, 0) + (said.event not in self._waiting)
                if said.last:
                    self._told[said.order] = said.ran
            self._waiting[said.event] = _Waiting(said)
            heapq.heappush(self._again, (now, said.event))

    def _unheard(self, said: pl.DataFrame) -> pl.DataFrame:
        """Leave out what was acknowledged to the estate that was here before."""
        if self._heard.is_empty() or said.is_empty():
            return said
        heard = (pl.col("heard") // pl.lit(2, pl.Int64).pow(PLACE)) % 2 == 1
        found = said.join(self._heard, on="order", how="left", maintain_order="left").with_columns(heard=heard)
        known = found["heard"].fill_null(value=False)
        for order, told in found.filter(known & found["last"]).select("order", "told").iter_rows():
            self._told[order] = told != Told.CANCELLED.value
        return said.filter(~known)

    def _send_due(self, now: Instant) -> None:
        while self._again and self._again[0][0] <= now:
            _, event = heapq.heappop(self._again)
            waiting = self._waiting.get(event)
            if waiting is None:
                continue
            self._wan.send(waiting.said.hub, waiting.said.frame, now)
            heapq.heappush(self._again, (Instant(now + self._resend.wait_ms(waiting.tries)), event))
            waiting.tries += 1

    def _acknowledged(self, event: int) -> None:
        waiting = self._waiting.pop(event, None)
        if waiting is None:
            return
        order, message = waiting.said.order, waiting.said.message
        if message is not None:
            self._asked.pop(message, None)
        if order is not None:
            self._journal.heard(order, waiting.said.event % PLACES)
            self._open[order] -= 1
            if not self._open[order]:
                del self._open[order]
                if order in self._told:
                    self._journal.done(order, ran=self._told.pop(order))


def _frame(names: list[str], rows: Sequence[tuple[int, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Int64), orient="row")
