"""The head end at work: the pipeline between its carriers. One `step` does all that is due; it may be killed anywhere.

Frames from hubs are acknowledged after they are durable; what leaves is taken from outbox and alert table after it was
committed there. Sending twice is harmless, forgetting is not, so rows are marked only after they were handed over.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

import structlog

from hanota.app.frames import FindCertificate, FrameBuilder
from hanota.app.posting import Posting, Turns
from hanota.app.wan_meter import WanMeter
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.limits import IMAGE_OCTETS_MAX_SCHEMA
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.callbacks.port import Callback
from hanota.model.policies import Policies
from hanota.process.acceptance import Answer
from hanota.process.intake import Asked
from hanota.process.pipeline import Heard, Pipeline
from hanota.records.library.images import read_slice
from hanota.records.registry.certificates import CertificateFinder
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
HEARD_MAX: Final = 4 * _FRAMES_MAX
"""After so many frames heard, deliveries move: hubs that repeat themselves in a flood must not keep them standing."""
ROWS_MAX: Final = 2_000
"""After so many rows moved, what has been decided leaves: in a flood it does not wait until all is decided."""
_POST_S_MAX: Final = 0.25
_log = structlog.get_logger()


class HeadEnd:
    """The DCC side over one store and one carrier to the hubs. With `turns`, other processes post alerts, too."""

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
    ) -> None:
        self._store = store
        self._wan = wan
        self._policies = policies
        self._meter = WanMeter()
        self._frames = FrameBuilder(keys, dcc)
        self._xml_signer = keys.credential(dcc, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.DSP_XML_SIGN)
        self._pipeline = Pipeline(store, dcc=dcc, policies=policies, seal=self._sign, broker=self._frames, lane=lane)
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
        done = 0
        while True:
            heard, moved = self._hear(now, going), self._pipeline.run(now, going, ROWS_MAX)
            done += heard + moved + self._drain_outbox(now, going)
            if (heard < HEARD_MAX and moved < ROWS_MAX) or not whole or not going():
                break
        if alerts:
            self.drain_alerts(now)
        return done

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

    def record_alerts(self, now: Instant) -> None:
        """Record what came of alerts so far."""
        self._posting.record(now)

    def next_due(self) -> Instant | None:
        """When something will be due by time alone; None: only a request or a frame wakes the head end."""
        with self._store.reading() as connection:
            return next_due(connection, self._policies.alert.window)

    def _hear(self, now: Instant, going: Callable[[], bool]) -> int:
        count = 0
        while count < HEARD_MAX and going() and (frames := self._wan.receive(now, _FRAMES_MAX)):
            count += len(frames)
            try:
                heard = self._heard(frames, now)
            except BaseException:
                self._wan.give_back()
                raise
            self._wan.settle()
            for told in heard.told:
                if told.why is not None:
                    _log.warning("uplink_void", hub=str(told.hub), uplink=told.event, why=told.why)
                said = told.report.octets if told.report is not None else b""
                self._meter.up(told.hub, "report", len(said))
                done = write_frame(Acknowledge(event=told.event))
                self._wan.send(told.hub, done, now)
                self._meter.down(told.hub, "acknowledge", len(done))
            for failure in heard.failures:
                _log.error("message_not_taken", exc_info=failure)
            for asked in heard.asked:
                self._serve(asked, now)
            for ignored in heard.ignored:
                _log.warning("frame_ignored", why=ignored.why)
        self._wan.flush()  # what could not be handed over is asked for again: uplinks are repeated, and so are fetches
        return count

    def _heard(self, frames: list[bytes], now: Instant) -> Heard:
        """Take frames. Evidence comes first: what can't be decided now is kept all the same."""
        try:
            return self._pipeline.hear(frames, now)
        except Exception:  # if it is a stage that fails, it does so again in the next run; the report is kept by then
            _log.exception("reports_not_decided", frames=len(frames))
            return self._pipeline.hear(frames, now, at_once=False)

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

    def _drain_outbox(self, now: Instant, going: Callable[[], bool]) -> int:
        sent = 0
        while going() and (built := self._next_frames(now)):
            self._offer_images(sending for sending, _ in built)
            for sending, frame in built:
                if frame is not None:
                    self._send(sending, frame, now)
            failed = self._wan.flush()
            gone = [sending.id for sending, _ in built if sending.hub not in failed]
            with self._store.writing() as connection:
                mark_sent(connection, gone, now)
                put_back(connection, [sending.id for sending, _ in built if sending.hub in failed], now)
                self._meter.write(connection, now)
            sent += len(gone)
            if failed:  # what was not handed over is due still; the next step tries again
                _log.warning("not_handed_over", sendings=len(built) - len(gone))
                break
        return sent

    def _offer_images(self, sendings: Iterable[Sending | CommandSending]) -> None:
        """Let agents of hubs have the images of orders ahead of them, where the carrier keeps images."""
        orders = {it.order for it in sendings if isinstance(it, Sending) and it.kind == "distribute"}
        for image in {image for order in orders for image in (order.image_hash, *(part for part, _ in order.parts))}:
            self._wan.offer(image, partial(self._image, image))

    def _next_frames(self, now: Instant) -> list[tuple[Sending | CommandSending, bytes | None]]:
        with self._store.reading() as connection:
            if not anything_unsent(connection, now):
                return []
        with self._store.writing() as connection:
            claimed = claim_unsent(connection, now)
        with self._store.reading() as connection:
            waiting: list[Sending | CommandSending] = [
                *unsent(connection, now, claimed=claimed),
                *unsent_commands(connection, now, claimed=claimed),
            ]
            asked = (it.hub for it in waiting if isinstance(it, CommandSending) or it.kind == "read_version")
            find = CertificateFinder(connection, asked)
            return [(sending, self._build(sending, find, now)) for sending in waiting]

    def _build(self, sending: Sending | CommandSending, find: FindCertificate, now: Instant) -> bytes | None:
        """Give the frame of a message; None if there can be none, which is logged. Its stage repeats it in any case."""
        try:
            frame = self._frames.build(sending, find, now)
        except Exception:  # one that can't be built counts as sent, so that it does not keep the others
            _log.exception("frame_not_built", **_ids(sending))
            return None
        if frame is None:
            _log.warning("device_without_certificate", **_ids(sending))
        return frame

    def _send(self, sending: Sending | CommandSending, frame: bytes, now: Instant) -> None:
        try:
            self._wan.send(sending.hub, frame, now)
            self._meter.down(
                sending.hub, "command" if isinstance(sending, CommandSending) else sending.kind, len(frame)
            )
        except FrameTooLong:  # it will not get shorter; any other failure is the carrier's, and all are tried again
            _log.exception("frame_not_sent", **_ids(sending))


def _ids(sending: Sending | CommandSending) -> dict[str, str | int]:
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
