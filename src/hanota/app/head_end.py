"""The head end at work: the pipeline between its carriers. One `step` does all that is due; it may be killed anywhere.

Frames from hubs are acknowledged after they are durable; what leaves is taken from outbox and alert table after it was
committed there. Sending twice is harmless, forgetting is not, so rows are marked only after they were handed over.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from hanota.app.frames import Draft, FindKey, FrameBuilder
from hanota.app.keywork import KeyWork, broker_keys
from hanota.app.posting import Posting, Turns
from hanota.app.wan_meter import WanMeter
from hanota.base.errors import HanotaError
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.limits import IMAGE_OCTETS_MAX_SCHEMA
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.callbacks.port import Callback
from hanota.model.policies import Policies
from hanota.process.acceptance import Answer
from hanota.process.hearing import Listened
from hanota.process.intake import Asked
from hanota.process.pipeline import Heard, Pipeline
from hanota.records.library.images import read_slice
from hanota.records.registry.certificates import keys_of
from hanota.records.store import Store
from hanota.records.store.commands import CommandSending, unsent_commands
from hanota.records.store.outbox import Sending, anything_unsent, claim_unsent, mark_sent, put_back, unsent
from hanota.records.store.wan_use import IMAGE
from hanota.records.store.work import next_due
from hanota.wan.port import FrameTooLong, HeadEndWan
from hanota.wire import duis
from hanota.wire.smki import KeyDirectory
from hanota.wire.wan import Acknowledge, ImageChunk, write_frame

_FRAMES_MAX: Final = 1000
HEARD_MAX: Final = 12 * _FRAMES_MAX
"""After so many frames heard, which are kept together, deliveries move: hubs that repeat themselves in a flood must not
keep them standing, nor whoever else would write for longer than half a second.
"""
_AHEAD_MIN: Final = 500  # frames that take longer to read than it takes to see that there is nothing else to do
ROWS_MAX: Final = 2_000
"""After so many rows moved, what has been decided leaves: in a flood it does not wait until all is decided."""
_SENDINGS_MAX: Final = 4_000
_LEAVING_MAX: Final = 4  # times _SENDINGS_MAX messages are taken before the first of them is handed over
_POST_S_MAX: Final = 0.25
AnySending = Sending | CommandSending
_log = structlog.get_logger()


class HeadEnd:
    """The DCC side over one store and one carrier to the hubs. With `turns`, other processes post alerts, too.

    `work` does what takes keys and much of the processor; by default at once, in this process. Who gave it closes it.
    """

    def __init__(
        self,
        store: Store,
        *,
        keys: KeyDirectory,
        dcc: Eui64,
        wan: HeadEndWan,
        callback: Callback,
        policies: Policies,
        lane: str = "0",
        turns: Turns | None = None,
        work: KeyWork | None = None,
    ) -> None:
        self._store = store
        self._wan = wan
        self._policies = policies
        self._meter = WanMeter()
        work = work or KeyWork(broker_keys(keys, dcc))
        self._beside = work.beside
        self._frames = FrameBuilder(keys, dcc, work)
        self._ahead: Listened | None = None
        self._leaving: deque[_Leaving] = deque()
        self._xml_signer = keys.credential(dcc, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.DSP_XML_SIGN)
        self._pipeline = Pipeline(
            store, dcc=dcc, policies=policies, seal=self._sign, broker=self._frames, read=work.read, lane=lane
        )
        self._posting = Posting(
            store, dcc=dcc, callback=callback, sign=self._sign, lane=lane, policy=policies.alert, turns=turns
        )

    def _sign(self, octets: bytes) -> bytes:
        return duis.sign(octets, self._xml_signer)

    def accept(self, octets: bytes, service: str, now: Instant) -> Answer:
        """Answer one request; safe from any thread."""
        return self._pipeline.accept(octets, service, now)

    def release(self, number: int, now: Instant) -> None:
        """Serve a request that was held in quarantine; safe from any thread. Raises NotHeld."""
        self._pipeline.release(number, now)

    def drop(self, number: int, now: Instant) -> None:
        """Refuse a request that was held in quarantine; safe from any thread. Raises NotHeld."""
        self._pipeline.drop(number, now)

    def attest(self, octets: bytes, now: Instant) -> bool:
        """Take a signed statement about a local upgrade; safe from any thread. Raises StatementRefused."""
        return self._pipeline.attest(octets, now)

    def step(
        self, now: Instant, *, alerts: bool = True, going: Callable[[], bool] = lambda: True, whole: bool = True
    ) -> int:
        """Hear hubs, move deliveries, hand out what is to leave. Without `alerts`, another thread posts those.

        It leaves off between two batches once `going` says no, and unless it is to be `whole`, after one round of each:
        whoever goes by a clock then looks at it again. Returns: how many frames and rows it had to do with; with none,
        there is time to rest.
        """
        self._posting.record(now)
        done, more = 0, True
        while more:
            heard, moved = self._hear(now, going), self._pipeline.run(now, going, ROWS_MAX)
            more = (heard >= HEARD_MAX or self._ahead is not None or moved >= ROWS_MAX) and going()
            done += heard + moved + self._drain_outbox(now, going, more=more)
            if not whole:
                break
        if alerts:
            self.drain_alerts(now)
        return done + (0 if self._ahead is None else len(self._ahead))

    def drain_alerts(self, now: Instant) -> None:
        """Hand alerts that are due to their parties, and record at once what came of it."""
        for _ in self._posting.post(now):
            self._posting.record(now)

    def post_alerts(self, now: Instant) -> Iterator[None]:
        """Hand alerts that are due to their parties, many at once; the next step records what came of it.

        This is for a thread of its own, which calls it again and again: each time it leaves off soon, and what a slow
        party has not answered by then goes on. It changes nothing in the store.
        """
        return self._posting.post(now, within_s=_POST_S_MAX)

    def settle_alerts(self, within_s: float) -> None:
        """Wait for alerts that are under way; for whoever stops, once `post_alerts` is called no more."""
        self._posting.settle(within_s)

    def leave(self, now: Instant) -> None:
        """Hand over what was taken for the next round; for whoever stops before there is one."""
        self._drain_outbox(now, lambda: False)

    def record_alerts(self, now: Instant) -> None:
        """Record what came of alerts so far."""
        self._posting.record(now)

    def next_due(self) -> Instant | None:
        """When something will be due by time alone; None: only a request or a frame wakes the head end."""
        with self._store.reading() as connection:
            return next_due(connection, self._policies.alert.window)

    def _hear(self, now: Instant, going: Callable[[], bool]) -> int:
        """Keep what hubs say, and answer. What is much is kept in the round after that in which it came: it is read
        beside all that is done until then. Returns: how many frames are kept.
        """
        try:
            heard = [self._ahead, self._listen(now, going)]
            self._ahead = heard.pop() if self._is_much(heard[-1]) else None
            count = 0
            for listened in heard:
                if listened is not None:
                    self._answer(self._kept(listened, now), now)
                    self._wan.settle(len(listened))
                    count += len(listened)
        except BaseException:
            self._ahead = None
            self._wan.give_back()
            raise
        self._wan.flush()  # what could not be handed over is asked for again: uplinks are repeated, and so are fetches
        return count

    def _is_much(self, listened: Listened | None) -> bool:
        return self._beside and listened is not None and len(listened) >= _AHEAD_MIN

    def _listen(self, now: Instant, going: Callable[[], bool]) -> Listened | None:
        frames: list[bytes] = []
        while len(frames) < HEARD_MAX and going() and (received := self._wan.receive(now, _FRAMES_MAX)):
            frames += received
        return self._pipeline.listen(frames) if frames else None

    def _kept(self, listened: Listened, now: Instant) -> Heard:
        """Keep what was listened to. Evidence comes first: what can't be decided now is kept all the same."""
        try:
            return self._pipeline.keep(listened, now)
        except Exception:  # if it is a stage that fails, it does so again in the next run; the report is kept by then
            _log.exception("reports_not_decided", frames=len(listened))
            return self._pipeline.keep(listened, now, at_once=False)

    def _answer(self, heard: Heard, now: Instant) -> None:
        for taken in heard.judged.taken:
            if taken.why is not None:
                _log.warning("uplink_void", hub=str(taken.hub), uplink=taken.event, why=taken.why)
            self._meter.up(taken.hub, "report", taken.octets)
            done = write_frame(Acknowledge(event=taken.event))
            self._wan.send(taken.hub, done, now)
            self._meter.down(taken.hub, "acknowledge", len(done))
        for failure in heard.failures:
            _log.error("message_not_taken", exc_info=failure)
        for asked in heard.judged.asked:
            self._serve(asked, now)
        for ignored in heard.judged.ignored:
            _log.warning("frame_ignored", why=ignored.why)

    def _serve(self, asked: Asked, now: Instant) -> None:
        try:
            self._serve_octets(asked, now)
        except Exception:  # one that can't be served is asked for again; the others are served meanwhile
            fetch = asked.fetch
            _log.exception("fetch_not_served", hub=str(fetch.hub), image=fetch.image_hash.hex(), offset=fetch.offset)

    def _serve_octets(self, asked: Asked, now: Instant) -> None:
        fetch = asked.fetch
        octets_max = min(fetch.max_octets, self._policies.wan.chunk_octets)
        with self._store.reading() as connection:
            found = read_slice(connection, fetch.image_hash, fetch.offset, octets_max)
        self._wan.offer(fetch.image_hash, lambda: self._image(fetch.image_hash), anew=True)
        if found is not None and found[0]:  # nothing is beyond the end of an image, whatever a stranger asks for
            data, size = found
            chunk = ImageChunk(image_hash=fetch.image_hash, offset=fetch.offset, image_octets=size, data=data)
            self._wan.send(fetch.hub, write_frame(chunk), now)
            self._meter.down(fetch.hub, IMAGE, len(data), fetch.image_hash)

    def _image(self, image_hash: bytes) -> bytes | None:
        with self._store.reading() as connection:
            found = read_slice(connection, image_hash, 0, IMAGE_OCTETS_MAX_SCHEMA)
        return None if found is None else found[0]

    def _drain_outbox(self, now: Instant, going: Callable[[], bool], *, more: bool = False) -> int:
        sent = 0
        for leaving in self._in_turn(now, going, more=more):
            gone, failed = self._hand_over(leaving, now)
            back = [*failed, *(sending for other in self._leaving for sending in other.sendings)] if failed else []
            with self._store.writing() as connection:
                mark_sent(connection, [sending.id for sending in gone], now)
                put_back(connection, [sending.id for sending in back], now)
                self._meter.write(connection, now)
            sent += len(gone)
            if failed:  # what was not handed over is due still; the next step tries again
                self._leaving.clear()
                _log.warning("not_handed_over", sendings=len(failed))
                break
        return sent

    def _in_turn(self, now: Instant, going: Callable[[], bool], *, more: bool) -> Iterator["_Leaving"]:
        """Take what is to leave, and give what is to be handed over now. With `more` to come, that is what was taken in
        the round before: the frames taken in this one are signed beside the next.
        """
        before = len(self._leaving)
        while going() and (taken := self._next_frames(now)) is not None:
            self._leaving.append(taken)
            if len(self._leaving) > _LEAVING_MAX:
                before -= 1
                yield self._leaving.popleft()
        for _ in range(before if more else len(self._leaving)):
            yield self._leaving.popleft()

    def _hand_over(self, leaving: "_Leaving", now: Instant) -> tuple[list[AnySending], list[AnySending]]:
        """Give frames to the carrier. Returns: what it took, or will never take; and what is to be sent again."""
        self._offer_images(leaving.sendings)
        for sending, frame in zip(leaving.drafted, leaving.frames(), strict=True):
            if isinstance(frame, HanotaError):
                _log.error("frame_not_built", exc_info=frame, **_ids(sending))
            else:
                self._send(sending, frame, now)
        missing = self._wan.flush()
        gone: list[AnySending] = [sending for sending in leaving.sendings if sending.hub not in missing]
        return gone, [sending for sending in leaving.sendings if sending.hub in missing]

    def _offer_images(self, sendings: Iterable[AnySending]) -> None:
        """Let agents of hubs have the images of orders ahead of them, where the carrier keeps images."""
        orders = {it.order for it in sendings if isinstance(it, Sending) and it.kind == "distribute"}
        for image in {image for order in orders for image in (order.image_hash, *(part for part, _ in order.parts))}:
            self._wan.offer(image, partial(self._image, image))

    def _next_frames(self, now: Instant) -> "_Leaving | None":
        with self._store.reading() as connection:
            if not anything_unsent(connection, now):
                return None
        with self._store.writing() as connection:
            claimed = claim_unsent(connection, now, _SENDINGS_MAX)
        with self._store.reading() as connection:
            waiting: list[AnySending] = [*unsent(connection, now, _SENDINGS_MAX, claimed=claimed)]
            if len(waiting) < len(claimed):  # else no command is among them
                waiting += unsent_commands(connection, now, _SENDINGS_MAX, claimed=claimed)
            asked = (it.device for it in waiting if isinstance(it, CommandSending) or it.kind == "read_version")
            key_of = keys_of(connection, asked, KeyUsage.KEY_AGREEMENT)
            drafts = [(sending, self._draft(sending, key_of, now)) for sending in waiting]
        drafted = [(sending, draft) for sending, draft in drafts if draft is not None]
        frames = self._frames.finish([draft for _, draft in drafted])
        return _Leaving(waiting, [sending for sending, _ in drafted], frames) if waiting else None

    def _draft(self, sending: AnySending, key_of: FindKey, now: Instant) -> Draft | None:
        """Give the frame of a message but for what keys do to it; None if there can be none, which is logged. Its stage
        repeats it in any case.
        """
        try:
            draft = self._frames.draft(sending, key_of, now)
        except Exception:  # one that can't be built counts as sent, so that it does not keep the others
            _log.exception("frame_not_built", **_ids(sending))
            return None
        if draft is None:
            _log.warning("device_without_certificate", **_ids(sending))
        return draft

    def _send(self, sending: AnySending, frame: bytes, now: Instant) -> None:
        try:
            self._wan.send(sending.hub, frame, now)
            self._meter.down(
                sending.hub, "command" if isinstance(sending, CommandSending) else sending.kind, len(frame)
            )
        except FrameTooLong:  # it will not get shorter; any other failure is the carrier's, and all are tried again
            _log.exception("frame_not_sent", **_ids(sending))


@dataclass(frozen=True, slots=True)
class _Leaving:
    """What was taken from the outbox; `frames` gives the frame of each that is `drafted`, and waits if it must."""

    sendings: list[AnySending]
    drafted: list[AnySending]
    frames: Callable[[], list[bytes | HanotaError]]


def _ids(sending: AnySending) -> dict[str, str | int]:
    what: dict[str, str | int] = (
        {"kind": "command", "command": sending.command}
        if isinstance(sending, CommandSending)
        else {"kind": sending.kind, "delivery": sending.delivery}
    )
    return {
        "sending": sending.id,
        **what,
        "device": str(sending.device),
        "hub": str(sending.hub),
    }
