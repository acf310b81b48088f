"""The head end between its carriers: octets served, orders sent, alerts delivered under one identifier."""

import hashlib
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from hanota.app import head_end
from hanota.app.head_end import HeadEnd
from hanota.app.keywork import KeyWork
from hanota.app.messages import render
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import HOUR, SECOND, Instant
from hanota.base.vocabulary.devices import AlertCode, TransferResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.callbacks.port import CallbackError
from hanota.model.alerts import AlertKind
from hanota.model.policies import Policies, WanPolicy
from hanota.process import pipeline
from hanota.records.library.images import read_slice
from hanota.records.store import queries
from hanota.records.store import schema as t
from hanota.records.store.outgoing import READ_AT_ONCE_MAX, DueMessage
from hanota.wan.port import FrameTooLong
from hanota.wire.gbcs import Cra, MessageCode, TransferAlert, mac_holds, read_message, transfer_alert
from hanota.wire.wan import (
    Acknowledge,
    Cancel,
    Distribute,
    Fetch,
    GbcsDown,
    GbcsUp,
    ImageChunk,
    Receipt,
    ReceiptStatus,
    SignedOrder,
    open_order,
    read_frame,
    sign_uplink,
    write_frame,
)
from helpers.postgres import sqlite_is_enough
from helpers.premises import DCC, NEW, NOW
from helpers.world import HUB, PPMID, SUPPLIER_1, SUPPLIER_2, Bench, image, keys, opened, request, signed

pytestmark = pytest.mark.usefixtures("each_store")

HASH = hashlib.sha256(image()).digest()
DS, KA, ACB = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT, CertificateRole.ACCESS_CONTROL_BROKER


@dataclass
class Air:
    """A network that keeps what it is given."""

    arriving: list[bytes] = field(default_factory=list)
    sent: list[tuple[Eui64, bytes]] = field(default_factory=list)
    lacking: frozenset[Eui64] = frozenset()
    open: list[bytes] = field(default_factory=list)
    offered: list[tuple[bytes, Callable[[], bytes | None], bool]] = field(default_factory=list)

    def send(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        self.sent.append((hub, frame))

    def flush(self) -> frozenset[Eui64]:
        return self.lacking

    def receive(self, now: Instant, limit: int) -> list[bytes]:
        taken, self.arriving[:limit] = self.arriving[:limit], []
        self.open += taken
        return taken

    def settle(self, frames: int) -> None:
        del self.open[:frames]

    def give_back(self) -> None:
        self.arriving[:0] = self.open
        self.open.clear()

    def offer(self, image_hash: bytes, octets: Callable[[], bytes | None], *, anew: bool = False) -> None:
        self.offered.append((image_hash, octets, anew))

    def next_due(self) -> Instant | None:
        return None


@dataclass
class Posts:
    """Endpoints that take or refuse what is posted."""

    refusing: set[str] = field(default_factory=set)
    taken: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))
    tries: int = 0

    def post(self, endpoint: str, octets: bytes) -> Future[None]:
        self.tries += 1
        landed: Future[None] = Future()
        if endpoint in self.refusing:
            landed.set_exception(CallbackError(endpoint=endpoint, cause="no"))
        else:
            self.taken[endpoint].append(octets)
            landed.set_result(None)
        return landed


class Rig:
    """A head end over a bench's store."""

    def __init__(self, policies: Policies | None = None) -> None:
        self.bench = Bench(policies or Policies())
        self.air, self.posts = Air(), Posts()
        self.start()

    def start(self) -> None:
        """Start the head end, again if it ran: all it knows is in the store."""
        self.head_end = HeadEnd(
            self.bench.store, keys=keys(), dcc=DCC, wan=self.air, callback=self.posts, policies=self.bench.policies
        )

    def step(self, after_ms: int = 0) -> "Rig":
        self.bench.now = Instant(self.bench.now + after_ms)
        self.air.sent.clear()
        self.head_end.step(self.bench.now)
        return self

    def round(self) -> list[Any]:
        """Do one round, as a worker does between two looks at its clock; give the frames that left in it."""
        self.air.sent.clear()
        self.head_end.step(self.bench.now, whole=False)
        return self.frames

    def accept(self, **changes: Any) -> "Rig":
        answer = self.head_end.accept(signed(request(**changes)), "D", self.bench.now)
        assert answer.code.accepted
        return self

    def endpoint(self, party: Eui64, address: str) -> None:
        self.bench.change(t.party, {"endpoint": address}, eui=party.signed)

    def queue(self, kind: str) -> None:
        """Put a message for delivery 1 into the outbox."""
        row = {"kind": kind, "delivery": 1, "queued_at": self.bench.now, "due": self.bench.now}
        with self.bench.store.writing() as connection:
            connection.execute(t.outbox.insert().values(row))

    @property
    def frames(self) -> list[Any]:
        return [read_frame(frame) for _, frame in self.air.sent]


def receipt(status: ReceiptStatus = ReceiptStatus.ACCEPTED, event: int = 7) -> bytes:
    told = Receipt(order=1, status=status, offset=0, blocks=0, repeats=0)
    return write_frame(sign_uplink(told, keys().credential(HUB, DS).key, hub=HUB, event=event, sent=Instant(1)))


# --- to hubs -----------------------------------------------------------------------------------------------------


def test_an_accepted_request_becomes_a_signed_order_to_the_hub() -> None:
    rig = Rig().accept().step()
    ((hub, frame),) = rig.air.sent
    order = read_frame(frame)
    assert hub == HUB
    assert isinstance(order, SignedOrder)
    found = open_order(order, keys().certificate(DCC, DS, ACB).public_key)
    assert isinstance(found, Distribute)
    assert (found.order, found.device, found.device_type) == (1, PPMID, "PPMID")
    assert (found.image_hash, found.image_octets, found.file_version) == (HASH, len(image()), NEW)
    assert found.request == RequestId(SUPPLIER_1, DCC, 1)
    assert found.sent == rig.bench.now < found.expires


def test_an_order_is_sent_once_and_again_when_nobody_answers() -> None:
    rig = Rig().accept().step()
    assert rig.step().air.sent == []
    assert len(rig.step(after_ms=Policies().wan.order_retry_ms).air.sent) == 1


def test_a_restart_sends_what_had_not_left_and_nothing_twice() -> None:
    rig = Rig().accept()
    rig.start()
    assert len(rig.step().air.sent) == 1
    rig.start()
    assert rig.step().air.sent == []


def test_all_that_waits_leaves_in_one_step_however_much_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig().accept()
    monkeypatch.setattr("hanota.app.head_end._SENDINGS_MAX", 1)
    rig.step()
    for _ in range(3):
        rig.queue("read_version")
    assert len(rig.step().air.sent) == 3


def read_beside(monkeypatch: pytest.MonkeyPatch, least: int) -> None:
    """Have head ends treat `least` frames as much, and as read by others while they do something else."""
    monkeypatch.setattr(head_end, "_AHEAD_MIN", least)
    monkeypatch.setattr(KeyWork, "beside", True)


def test_while_more_is_to_come_what_was_taken_leaves_in_the_next_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_end, "HEARD_MAX", 1)
    monkeypatch.setattr(head_end, "_FRAMES_MAX", 1)
    read_beside(monkeypatch, least=1)
    rig = Rig().accept()
    rig.air.arriving.extend(receipt(event=number) for number in (1, 2))
    assert rig.round() == []
    assert [type(frame) for frame in rig.round()] == [Acknowledge, SignedOrder]
    assert [type(frame) for frame in rig.round()] == [Acknowledge]
    assert rig.round() == []


def test_what_is_much_is_kept_in_the_round_after_it_came_and_what_is_little_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read_beside(monkeypatch, least=2)
    rig = Rig().accept().step()
    rig.air.arriving.append(receipt(event=1))
    assert rig.round() == [Acknowledge(event=1)]
    rig.air.arriving.extend(receipt(event=number) for number in (2, 3))
    assert rig.round() == []
    rig.air.arriving.append(receipt(event=4))
    assert [frame.event for frame in rig.round()] == [2, 3, 4]
    assert rig.round() == []


def test_without_others_beside_all_is_kept_in_the_round_in_which_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_end, "_AHEAD_MIN", 1)
    rig = Rig().accept().step()
    rig.air.arriving.extend(receipt(event=number) for number in (1, 2))
    assert [frame.event for frame in rig.round()] == [1, 2]


@pytest.mark.parametrize("beside", [False, True])
def test_a_whole_step_hears_all_that_waits(monkeypatch: pytest.MonkeyPatch, beside: bool) -> None:
    monkeypatch.setattr(head_end, "HEARD_MAX", 2)
    monkeypatch.setattr(head_end, "_FRAMES_MAX", 2)
    monkeypatch.setattr(head_end, "_AHEAD_MIN", 1)
    monkeypatch.setattr(KeyWork, "beside", beside)
    rig = Rig().accept().step()
    rig.air.arriving.extend(receipt(event=number) for number in range(1, 6))
    rig.step()
    assert [frame.event for frame in rig.frames if isinstance(frame, Acknowledge)] == [1, 2, 3, 4, 5]


def test_of_two_lots_kept_in_a_round_the_first_is_settled_if_the_second_can_not_be_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read_beside(monkeypatch, least=2)
    rig = Rig().accept().step()
    rig.air.arriving.extend(receipt(event=number) for number in (1, 2))
    rig.round()
    rig.air.arriving.append(receipt(event=3))
    save, lots = pipeline.save_reports, iter(range(3))

    def save_the_first(*given: Any, **named: Any) -> Any:
        return save(*given, **named) if next(lots, 0) == 0 else 1 / 0

    monkeypatch.setattr(pipeline, "save_reports", save_the_first)
    with pytest.raises(ZeroDivisionError):
        rig.round()
    assert (rig.air.open, rig.air.arriving) == ([], [receipt(event=3)])
    assert rig.round() == [Acknowledge(event=3)]


def test_a_head_end_does_not_rest_before_all_it_heard_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    read_beside(monkeypatch, least=1)
    rig = Rig().accept().step()
    rig.air.arriving.append(receipt())
    assert [rig.head_end.step(rig.bench.now, whole=False) > 0 for _ in range(3)] == [True, True, False]
    assert rig.frames[-1] == Acknowledge(event=7)


def test_what_was_taken_for_the_next_round_leaves_before_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    read_beside(monkeypatch, least=1)
    rig = Rig().accept()
    rig.air.arriving.append(receipt())
    rig.round()
    rig.air.sent.clear()
    rig.head_end.leave(rig.bench.now)
    assert [type(frame) for frame in rig.frames] == [SignedOrder]
    rig.start()
    assert rig.step().air.sent == []


def test_what_the_carrier_did_not_take_is_due_still_with_all_that_was_taken_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(head_end, "_SENDINGS_MAX", 1)
    rig = Rig().accept().step()
    rig.air.lacking = frozenset({HUB})
    for _ in range(3):
        rig.queue("read_version")
    assert len(rig.step().air.sent) == 1
    rig.air.lacking = frozenset()
    assert len(rig.step().air.sent) == 3


def test_a_version_is_read_by_a_sealed_command_with_rising_counters() -> None:
    rig = Rig().accept().step()
    rig.queue("read_version")
    (down,) = rig.step().frames
    assert isinstance(down, GbcsDown)
    message = read_message(down.data)
    assert (message.header.cra, message.header.message_code) == (Cra.COMMAND, MessageCode(0x0129))
    assert (message.header.originator, message.header.recipient) == (DCC, PPMID)
    assert message.header.counter == down.message == 2
    assert (message.header.supplementary_party, message.header.supplementary_counter) == (SUPPLIER_1, 1)
    acb = keys().certificate(DCC, KA, ACB)
    assert mac_holds(message, keys().credential(PPMID, KA).key, acb.public_key)


def test_a_cancel_is_signed_like_an_order() -> None:
    rig = Rig().accept().step()
    rig.queue("cancel")
    (frame,) = rig.step().frames
    assert isinstance(frame, SignedOrder)
    key = keys().certificate(DCC, DS, ACB).public_key
    assert open_order(frame, key) == Cancel(order=1, sent=rig.bench.now)


def test_a_device_without_certificate_is_not_asked_and_holds_nobody_up() -> None:
    rig = Rig().accept().step()
    rig.bench.change(t.certificate, {"revoked_at": 1}, eui=PPMID.signed)
    rig.queue("read_version")
    assert rig.step().air.sent == []
    assert rig.bench.rows(t.outbox)[-1].sent_at == rig.bench.now


# --- images ------------------------------------------------------------------------------------------------------


def fetch(rig: Rig, offset: int, octets_max: int, digest: bytes = HASH) -> list[Any]:
    rig.air.arriving.append(write_frame(Fetch(hub=HUB, image_hash=digest, offset=offset, max_octets=octets_max)))
    return rig.step().frames


def test_octets_are_served_from_any_place_without_a_memory_of_it() -> None:
    rig = Rig().accept().step()
    for offset, octets_max in ((0, 100), (50, 100), (590, 100), (599, 1), (0, 600)):
        (chunk,) = fetch(rig, offset, octets_max)
        assert isinstance(chunk, ImageChunk)
        assert (chunk.offset, chunk.image_octets, chunk.image_hash) == (offset, 600, HASH)
        assert chunk.data == image()[offset : offset + octets_max]
    assert rig.bench.rows(t.report) == []


def test_a_chunk_is_no_larger_than_policy_says() -> None:
    rig = Rig(Policies(wan=WanPolicy(chunk_octets=64))).accept().step()
    assert len(fetch(rig, 0, 2**32 - 1)[0].data) == 64


@pytest.mark.parametrize(
    ("offset", "octets_max", "digest"), [(600, 1, HASH), (2**32 - 1, 2**32 - 1, HASH), (0, 0, HASH), (0, 1, bytes(32))]
)
def test_what_there_is_not_is_not_served(offset: int, octets_max: int, digest: bytes) -> None:
    rig = Rig().accept().step()
    assert fetch(rig, offset, octets_max, digest) == []


# --- from hubs ---------------------------------------------------------------------------------------------------


def test_a_report_is_acknowledged_once_it_is_durable_and_again_when_it_is_repeated() -> None:
    rig = Rig().accept().step()
    for _ in range(2):
        rig.air.arriving.append(receipt())
        assert rig.step().frames == [Acknowledge(event=7)]
        assert len(rig.bench.rows(t.report)) == 1


def test_a_report_that_could_not_be_kept_is_not_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig().accept().step()

    def fails(*_: object, **__: object) -> int:
        raise OSError("disk full")

    monkeypatch.setattr("hanota.process.pipeline.save_reports", fails)
    rig.air.arriving.append(receipt())
    with pytest.raises(OSError, match="disk full"):
        rig.step()
    assert rig.air.sent == []
    monkeypatch.undo()
    assert rig.step().frames == [Acknowledge(event=7)]  # the carrier was told to give it again


def test_what_the_carrier_did_not_take_is_due_still() -> None:
    rig = Rig().accept()
    rig.air.lacking = frozenset({HUB})
    assert rig.step().air.sent
    assert rig.step().air.sent
    rig.air.lacking = frozenset()
    assert rig.step().air.sent
    assert rig.step().air.sent == []


def test_an_image_is_offered_to_the_carrier_ahead_of_its_orders_and_anew_when_octets_of_it_are_asked_for() -> None:
    rig = Rig().accept().step()
    rig.air.arriving.append(write_frame(Fetch(hub=HUB, image_hash=HASH, offset=0, max_octets=100)))
    rig.step()
    assert [(offered, octets(), anew) for offered, octets, anew in rig.air.offered] == [
        (HASH, image(), False),
        (HASH, image(), True),
    ]


@pytest.mark.parametrize("frame", [b"", b"noise", bytes(100), b"\xa1\x81" + bytes(60)], ids=len)
def test_what_cannot_be_believed_is_not_answered(frame: bytes) -> None:
    rig = Rig().accept().step()
    rig.air.arriving.extend([frame, receipt()])
    assert rig.step().frames == [Acknowledge(event=7)]


@sqlite_is_enough
def test_more_frames_than_one_batch_are_all_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_end, "_FRAMES_MAX", 50)
    rig = Rig().accept().step()
    means_nothing = ReceiptStatus.DISCARDED  # it is told by CCS08, so that there is nothing to take here
    rig.air.arriving.extend(receipt(means_nothing, event=number) for number in range(1, 124))
    assert len(rig.step().frames) == 123


# --- alerts ------------------------------------------------------------------------------------------------------

HERE = "http://party.example/duis"


def test_a_party_with_an_endpoint_is_posted_a_signed_document() -> None:
    rig = Rig()
    rig.endpoint(SUPPLIER_2, HERE)
    rig.accept().step()
    (octets,) = rig.posts.taken[HERE]
    row = rig.bench.row(t.message)
    assert opened(octets).response_id == RequestId(DCC, SUPPLIER_2, row.id)
    assert (row.delivered_at, row.due) == (rig.bench.now, None)
    assert rig.bench.rows(t.inbox) == []
    assert rig.bench.story()[-1] == "alert_delivered"


def test_a_party_without_one_reads_it_from_the_store() -> None:
    rig = Rig().accept().step()
    kept = rig.bench.row(t.inbox)
    assert kept.party == SUPPLIER_2.signed
    assert str(opened(kept.octets).response_id) == kept.response_id
    with rig.bench.store.reading() as connection:
        assert [row.octets for row in queries.messages(connection, SUPPLIER_2)] == [kept.octets]
        assert queries.messages(connection, SUPPLIER_1) == []
    assert rig.posts.tries == 0
    assert rig.bench.row(t.message).delivered_at == rig.bench.now


def test_a_refusing_endpoint_is_tried_again_ever_later_under_one_identifier() -> None:
    rig = Rig()
    rig.endpoint(SUPPLIER_2, HERE)
    rig.posts.refusing.add(HERE)
    rig.accept().step()
    waits = []
    for tries in range(1, 7):
        row = rig.bench.row(t.message)
        assert (row.delivered_at, row.tries, rig.posts.tries) == (None, tries, tries)
        waits.append(row.due - rig.bench.now)
        rig.step(after_ms=row.due - rig.bench.now - 1)
        assert rig.posts.tries == tries  # not before its time
        rig.step(after_ms=1)
    assert waits == [5 * SECOND << number for number in range(6)]
    rig.posts.refusing.clear()
    rig.step(after_ms=HOUR)
    (octets,) = rig.posts.taken[HERE]
    assert opened(octets).response_id == RequestId(DCC, SUPPLIER_2, rig.bench.row(t.message).id)
    rig.step(after_ms=HOUR)
    assert len(rig.posts.taken[HERE]) == 1


def test_one_refusing_party_does_not_keep_the_others_from_theirs() -> None:
    rig = Rig()
    rig.endpoint(SUPPLIER_2, HERE)
    rig.posts.refusing.add(HERE)
    rig.accept().step()
    rig.air.arriving.append(receipt(ReceiptStatus.HELD))
    rig.step()
    assert [Eui64.from_signed(row.party) for row in rig.bench.rows(t.inbox)] == [SUPPLIER_1]


def test_a_party_that_does_not_answer_is_waited_for_once_in_a_round() -> None:
    """Each wait takes seconds; hundreds of them would hold up everybody's deliveries."""
    rig = Rig()
    rig.endpoint(SUPPLIER_1, HERE)
    rig.posts.refusing.add(HERE)
    rig.accept().step()
    for number, status in enumerate((ReceiptStatus.ACCEPTED, ReceiptStatus.HELD), 1):
        rig.air.arriving.append(receipt(status, event=number))
    rig.air.arriving.append(
        write_frame(sign_uplink(_transferred(), keys().credential(HUB, DS).key, hub=HUB, event=3, sent=rig.bench.now))
    )
    rig.step()
    waiting = [row for row in rig.bench.rows(t.message) if row.party == SUPPLIER_1.signed]
    assert [row.tries for row in waiting] == [1, 1]
    assert rig.posts.tries == 1
    assert all(row.due > rig.bench.now for row in waiting)
    rig.posts.refusing.clear()
    rig.step(after_ms=HOUR)
    assert len(rig.posts.taken[HERE]) == 2


def _transferred() -> GbcsUp:
    alert = TransferAlert(
        alert_code=AlertCode.FIRMWARE_TRANSFER_SUCCEEDED,
        at=NOW,
        device=PPMID,
        file_version=NEW,
        result=TransferResponseCode.FILE_TRANSFER_SUCCESS,
    )
    return GbcsUp(data=transfer_alert(alert, hub=keys().credential(HUB, DS), recipient=DCC, counter=1))


def test_an_alert_that_was_posted_just_before_a_crash_is_posted_again_under_the_same_identifier(
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # I6: recorded once, on the wire at least once
    rig = Rig()
    rig.endpoint(SUPPLIER_2, HERE)
    rig.accept()

    def dies(*_: object) -> None:
        raise OSError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr("hanota.app.posting.mark_delivered", dies)
        with pytest.raises(OSError, match="power cut"):
            rig.step()
    rig.start()
    rig.step()
    first, again = rig.posts.taken[HERE]
    assert opened(first).response_id == opened(again).response_id
    assert len(rig.bench.rows(t.message)) == 1


def test_the_head_end_says_when_it_wants_to_be_woken() -> None:
    rig = Rig()
    assert rig.head_end.next_due() is None
    rig.accept().step()
    assert rig.head_end.next_due() == rig.bench.now + Policies().wan.order_retry_ms


# --- one that fails does not stop the others -------------------------------------------------------------------------


def order(rig: Rig, kind: str = "read_version", count: int = 1) -> None:
    """Put messages to the hub into the outbox."""
    with rig.bench.store.writing() as connection:
        for _ in range(count):
            row = {"kind": kind, "delivery": 1, "queued_at": rig.bench.now, "due": rig.bench.now}
            connection.execute(t.outbox.insert().values(row))


def test_a_frame_that_cannot_be_built_counts_as_sent_and_the_others_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig().accept().step()
    order(rig, count=3)
    draft = rig.head_end._frames.draft

    def fails(sending: Any, *args: Any) -> Any:
        if sending.id == 3:
            raise RuntimeError("broken row")
        return draft(sending, *args)

    monkeypatch.setattr(rig.head_end._frames, "draft", fails)
    with capture_logs() as logs:
        assert len(rig.step().frames) == 2
    assert [(log["event"], log["sending"], log["delivery"]) for log in logs] == [("frame_not_built", 3, 1)]
    assert {row.sent_at for row in rig.bench.rows(t.outbox)} == {rig.bench.now}


def test_a_frame_too_long_for_the_network_does_not_keep_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig().accept().step()
    order(rig, count=2)
    send, failing = rig.air.send, [True]

    def fails(hub: Eui64, frame: bytes, now: Instant) -> None:
        if failing:
            failing.clear()
            raise FrameTooLong(octets=len(frame), hub=hub, limit=1)
        send(hub, frame, now)

    monkeypatch.setattr(rig.air, "send", fails)
    with capture_logs() as logs:
        assert len(rig.step().frames) == 1
    assert [log["event"] for log in logs] == ["frame_not_sent"]


def test_a_fetch_that_cannot_be_served_does_not_keep_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig().accept().step()

    def fails(connection: Any, digest: bytes, offset: int, octets_max: int) -> Any:
        if offset == 0:
            raise RuntimeError("broken image")
        return read_slice(connection, digest, offset, octets_max)

    monkeypatch.setattr("hanota.app.head_end.read_slice", fails)
    rig.air.arriving.append(write_frame(Fetch(hub=HUB, image_hash=HASH, offset=0, max_octets=9)))
    with capture_logs() as logs:
        assert [chunk.offset for chunk in fetch(rig, 100, 9)] == [100]
    assert [(log["event"], log["hub"], log["offset"]) for log in logs] == [("fetch_not_served", str(HUB), 0)]


def test_what_is_wrong_with_an_uplink_is_logged_and_the_uplink_acknowledged() -> None:
    rig = Rig().accept().step()
    rig.air.arriving.append(receipt(ReceiptStatus(99), event=8))
    with capture_logs() as logs:
        assert rig.step().frames == [Acknowledge(event=8)]
    ((event, hub, number),) = [(log["event"], log["hub"], log["uplink"]) for log in logs]
    assert (event, hub, number) == ("uplink_void", str(HUB), 8)


def due_alerts_of(rig: Rig, party: Eui64, count: int) -> list[int]:
    """Let a party be due alerts, each of a delivery of its own. Returns: their numbers."""
    now = rig.bench.now
    with rig.bench.store.writing() as connection:
        delivery = dict(connection.execute(select(t.delivery)).mappings().all()[0]) | {"due": None}
        first = 1 + (connection.execute(select(func.max(t.message.c.id))).scalar_one() or 0)
        numbers = list(range(first, first + count))
        for number in numbers:
            connection.execute(t.delivery.insert().values(delivery | {"id": 1000 + number}))
            row = {"id": number, "party": party.signed, "kind": AlertKind.GIVEN_UP.value, "delivery": 1000 + number}
            row["device"] = number  # a queue each
            times = {"at": now, "created_at": now, "deadline": now + HOUR, "due": now, "tries": 0}
            connection.execute(t.message.insert().values(row | times))
    return numbers


def test_after_its_first_refusal_a_party_is_left_alone_and_all_its_alerts_wait() -> None:
    rig = Rig()
    rig.endpoint(SUPPLIER_2, HERE)
    rig.posts.refusing.add(HERE)
    rig.accept().step()
    rig.step(after_ms=HOUR)
    tries = rig.posts.tries
    numbers = due_alerts_of(rig, SUPPLIER_2, 3 * READ_AT_ONCE_MAX)
    others = due_alerts_of(rig, SUPPLIER_1, 3)
    rig.step()
    assert rig.posts.tries == tries + 1
    rows = {row.id: row for row in rig.bench.rows(t.message)}
    assert {rows[number].due - rig.bench.now for number in numbers} == {5 * SECOND}
    assert {rows[number].tries for number in numbers} == {1}
    assert {rows[number].delivered_at for number in others} == {rig.bench.now}
    rig.bench.change(t.message, {"tries": 15, "due": rig.bench.now})
    rig.step()
    assert {row.due - rig.bench.now for row in rig.bench.rows(t.message) if row.id in numbers} == {HOUR}


def test_a_party_with_an_endpoint_gets_a_limited_number_at_a_time() -> None:
    rig = Rig()
    rig.endpoint(SUPPLIER_2, HERE)
    rig.accept().step()
    rig.posts.tries = 0
    due_alerts_of(rig, SUPPLIER_2, READ_AT_ONCE_MAX + 3)
    due_alerts_of(rig, SUPPLIER_1, READ_AT_ONCE_MAX + 3)
    assert rig.step().posts.tries == READ_AT_ONCE_MAX
    assert len(rig.bench.rows(t.inbox, party=SUPPLIER_1.signed)) == READ_AT_ONCE_MAX  # the other has its own turn
    assert rig.step().posts.tries == READ_AT_ONCE_MAX + 3
    assert len(rig.bench.rows(t.inbox, party=SUPPLIER_1.signed)) == READ_AT_ONCE_MAX + 3


def test_an_alert_that_cannot_be_rendered_waits_and_the_others_go_out(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    rig.endpoint(SUPPLIER_2, HERE)
    rig.accept().step()
    broken, good = due_alerts_of(rig, SUPPLIER_2, 2)

    def fails(message: DueMessage, **facts: Any) -> bytes:
        if message.id == broken:
            raise RuntimeError("broken row")
        return render(message, **facts)

    monkeypatch.setattr("hanota.app.posting.render", fails)
    with capture_logs() as logs:
        rig.step()
    assert [(log["event"], log["message"]) for log in logs] == [("message_not_rendered", broken)]
    assert rig.bench.row(t.message, id=good).delivered_at == rig.bench.now
    assert rig.bench.row(t.message, id=broken).due == rig.bench.now + 5 * SECOND


def test_a_carrier_that_breaks_is_like_a_party_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    rig.endpoint(SUPPLIER_2, HERE)

    def breaks(endpoint: str, octets: bytes) -> Future[None]:
        raise RuntimeError("broken carrier")

    monkeypatch.setattr(rig.posts, "post", breaks)
    rig.accept().step()
    row = rig.bench.row(t.message)
    assert (row.delivered_at, row.tries, row.due) == (None, 1, rig.bench.now + 5 * SECOND)


def test_a_thread_of_their_own_posts_and_the_next_step_records() -> None:
    rig = Rig()
    rig.endpoint(SUPPLIER_2, HERE)
    rig.accept()
    now = rig.bench.now
    rig.head_end.step(now, alerts=False)
    assert (rig.posts.tries, rig.head_end.next_due()) == (0, now)
    assert len(list(rig.head_end.post_alerts(now))) == 1
    list(rig.head_end.post_alerts(now))
    assert rig.posts.tries == 1  # what is not yet recorded is not posted again
    assert rig.bench.row(t.message).delivered_at is None
    rig.head_end.step(Instant(now + 1), alerts=False)
    assert rig.bench.row(t.message).delivered_at == now + 1
    assert list(rig.head_end.post_alerts(Instant(now + 1))) == []
    assert rig.posts.tries == 1
