"""The head end at work: the pipeline between its carriers. One `step` does all that is due; it may be killed anywhere.

Frames from hubs are acknowledged after they are durable; what leaves is taken from outbox and alert table after it was
committed there. Sending twice is harmless, forgetting is not, so rows are marked only after they were handed over.
"""

from typing import Final

import structlog

from hanota.app.frames import FrameBuilder
from hanota.app.messages import render, response_id
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.callbacks.port import Callback, CallbackError
from hanota.model.policies import Policies
from hanota.process.acceptance import Answer
from hanota.process.intake import Asked
from hanota.process.pipeline import Pipeline
from hanota.records.library.images import read_slice
from hanota.records.registry.certificates import CertificateFinder
from hanota.records.store import Store
from hanota.records.store.alerts import DueAlert, due_alerts, keep_for_reading, mark_delivered, mark_refused
from hanota.records.store.outbox import Sending, mark_sent, unsent
from hanota.records.store.work import next_due
from hanota.wan.port import HeadEndWan
from hanota.wire import duis
from hanota.wire.smki import KeyDirectory
from hanota.wire.wan import Acknowledge, ImageChunk, write_frame

_FRAMES_MAX: Final = 1000
_log = structlog.get_logger()


class HeadEnd:
    """The DCC side over one store and one carrier to the hubs."""

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
    ) -> None:
        self._store = store
        self._dcc = dcc
        self._wan = wan
        self._callback = callback
        self._policies = policies
        self._lane = lane
        self._frames = FrameBuilder(keys, dcc)
        self._xml_signer = keys.credential(dcc, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.DSP_XML_SIGN)
        self._pipeline = Pipeline(store, dcc=dcc, policies=policies, seal=self._sign, lane=lane)

    def _sign(self, octets: bytes) -> bytes:
        return duis.sign(octets, self._xml_signer)

    def accept(self, octets: bytes, service: str, now: Instant) -> Answer:
        """Answer one request; safe from any thread."""
        return self._pipeline.accept(octets, service, now)

    def step(self, now: Instant) -> None:
        """Hear hubs, move deliveries, hand out what is to leave."""
        self._hear(now)
        self._pipeline.run(now)
        self._drain_outbox(now)
        self._drain_alerts(now)

    def next_due(self) -> Instant | None:
        """When something will be due by time alone; None: only a request or a frame wakes the head end."""
        with self._store.reading() as connection:
            return next_due(connection)

    def _hear(self, now: Instant) -> None:
        while frames := self._wan.receive(now, _FRAMES_MAX):
            heard = self._pipeline.hear(frames, self._frames.mac_holds, now)
            for told in heard.told:
                self._wan.send(told.hub, write_frame(Acknowledge(event=told.event)), now)
            for asked in heard.asked:
                self._serve(asked, now)
            for ignored in heard.ignored:
                _log.warning("frame_ignored", why=ignored.why)

    def _serve(self, asked: Asked, now: Instant) -> None:
        fetch = asked.fetch
        octets_max = min(fetch.max_octets, self._policies.wan.chunk_octets)
        with self._store.reading() as connection:
            found = read_slice(connection, fetch.image_hash, fetch.offset, octets_max)
        if found is not None and found[0]:  # nothing is beyond the end of an image, whatever a stranger asks for
            data, size = found
            chunk = ImageChunk(image_hash=fetch.image_hash, offset=fetch.offset, image_octets=size, data=data)
            self._wan.send(fetch.hub, write_frame(chunk), now)

    def _drain_outbox(self, now: Instant) -> None:
        while built := self._next_frames(now):
            for sending, frame in built:
                if frame is None:
                    _log.warning("device_without_certificate", device=str(sending.device), delivery=sending.delivery)
                else:
                    self._wan.send(sending.hub, frame, now)
            with self._store.writing() as connection:
                mark_sent(connection, [sending.id for sending, _ in built], now)

    def _next_frames(self, now: Instant) -> list[tuple[Sending, bytes | None]]:
        with self._store.reading() as connection:
            find = CertificateFinder(connection)
            return [(sending, self._frames.build(sending, find, now)) for sending in unsent(connection, now)]

    def _drain_alerts(self, now: Instant) -> None:
        with self._store.reading() as connection:
            waiting = due_alerts(connection, now)
        deaf: set[Eui64] = set()  # a party that did not take one is not asked again in this round: others wait, too
        for alert in waiting:
            if alert.party in deaf or not self._deliver(alert, now):
                deaf.add(alert.party)
                with self._store.writing() as connection:
                    mark_refused(connection, alert, now)

    def _deliver(self, alert: DueAlert, now: Instant) -> bool:
        """Hand one alert to its party. Returns: whether it was taken."""
        octets = self._sign(render(alert, dcc=self._dcc, now=now))
        if alert.endpoint is not None:
            try:
                self._callback.post(alert.endpoint, octets)
            except CallbackError as error:
                _log.warning("alert_not_taken", alert=alert.id, party=str(alert.party), cause=str(error))
                return False
        with self._store.writing() as connection:
            if alert.endpoint is None:
                identifier = str(response_id(self._dcc, alert.party, alert.id))
                keep_for_reading(connection, alert, identifier, octets, now)
            mark_delivered(connection, self._lane, alert, now)
        return True
