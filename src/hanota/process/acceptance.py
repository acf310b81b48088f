"""Acceptance: stages 1 and 2 and the durable answer, in one serialised transaction.

Of two racing requests for one device exactly one wins, because each sees the decision of the one before it (design 2).
A request is answered when it and its decision are durable; its deliveries are made behind that.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import CplStatus
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.policies import Policies
from hanota.model.reasons import REQUEST_REFUSALS, RequestReason
from hanota.process.check import Case, Terms, judge_devices, judge_request
from hanota.process.intake import Opened, Refused, open_request
from hanota.process.report import answer
from hanota.records.library.images import put_image
from hanota.records.registry.certificates import find_certificate
from hanota.records.registry.lookups import find_party, product_standing
from hanota.records.store import Connection, Store
from hanota.records.store.acceptance import RequestRecord, device_facts, save_request, stored_answer
from hanota.wire.otaimage import GbImage

NOBODY: Final = Eui64(0)
"""Stands for the originator of a document whose header could not be read."""

# What is kept of the words of a stranger, who may write anything of any length.
_SERVICE_CHARS_MAX: Final = 16
_DETAIL_CHARS_MAX: Final = 1000
_VARIANT_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender gets: a DUIS Response document and the code in it."""

    octets: bytes
    code: ResponseCode


class Acceptance:
    """Answers requests over one store. `seal` signs answers as the DCC: the only thing here that knows a key."""

    def __init__(
        self, store: Store, *, dcc: Eui64, policies: Policies, seal: Callable[[bytes], bytes], lane: str
    ) -> None:
        self._store = store
        self._dcc = dcc
        self._policies = policies
        self._seal = seal
        self._lane = lane

    def accept(self, octets: bytes, service: str, now: Instant) -> Answer:
        """Answer a request once it and its decision are durable. `service` is D, S or T, by the web service used."""
        with self._store.reading() as connection:
            opened = open_request(octets, lambda issuer, serial: find_certificate(connection, issuer, serial), now)
        with self._store.writing() as connection:
            if isinstance(opened, Refused):
                return self._refuse(connection, octets, opened, now)
            key = f"{opened.request.header.request_id}/{opened.request.header.command_variant}"
            standing = stored_answer(connection, key)
            if standing is None:
                return self._decide(connection, octets, opened, key=key, service=service, now=now)
            if standing.digest == hashlib.sha256(octets).digest():
                return Answer(standing.answer, ResponseCode(standing.code))
            reused = Refused(reason=RequestReason.REQUEST_ID_REUSED, detail=key, header=opened.request.header)
            return self._refuse(connection, octets, reused, now)

    def _decide(
        self, connection: Connection, octets: bytes, opened: Opened, *, key: str, service: str, now: Instant
    ) -> Answer:
        request, sender = opened.request, opened.request.header.request_id.originator
        party = find_party(connection, sender)
        case = Case(
            request=request,
            row=opened.row,
            service=service,
            dcc=self._dcc,
            roles=None if party is None else party.roles,
            policies=self._policies,
            product=lambda image: _standing(connection, image),
        )
        if failed := judge_request(case):
            reason, detail = failed
            return self._refuse(
                connection, octets, Refused(reason=reason, detail=detail, header=request.header), now, key=key
            )
        facts = device_facts(
            connection,
            _device_column(request.device_list),
            sender=sender,
            manufacturer_hash=case.image.manufacturer_hash,
            now=now,
        )
        terms = Terms(
            srv=opened.row.srv, header=case.image.header, image_octets=len(request.image), policies=self._policies
        )
        decision = judge_devices(facts, terms)
        return self._save_decision(connection, octets, opened, key=key, image=case.image, decision=decision, now=now)

    def _save_decision(
        self,
        connection: Connection,
        octets: bytes,
        opened: Opened,
        *,
        key: str,
        image: GbImage,
        decision: pl.DataFrame,
        now: Instant,
    ) -> Answer:
        refused = decision.height - decision["reason"].null_count()
        none_left, srv = refused == decision.height, opened.row.srv
        reason = RequestReason.NO_VALID_DEVICE if none_left else None
        code = ResponseCode.I0 if not refused else opened.row.warning_code
        if reason is not None:
            code = REQUEST_REFUSALS[reason].code_for(srv)
        header = opened.request.header
        sealed = self._seal(answer(code, now=now, header=header, decision=decision))
        digest = None if none_left else _put_image(connection, opened.request.image, image)
        save_request(
            connection,
            self._lane,
            RequestRecord(
                key=key,
                request_id=str(header.request_id),
                variant=header.command_variant,
                service_reference=srv,
                originator=header.request_id.originator,
                received_at=now,
                digest=hashlib.sha256(octets).digest(),
                octets=octets,
                answer=sealed,
                code=code.value,
                reason=None if reason is None else reason.value,
                detail=None,
                image=digest,
                version_text=image.header.version_text,
                decision=decision,
            ),
        )
        return Answer(sealed, code)

    def _refuse(
        self, connection: Connection, octets: bytes, refused: Refused, now: Instant, *, key: str | None = None
    ) -> Answer:
        """Keep a refusal with its reason. Without `key` nobody is proved to have sent it: it binds no RequestID."""
        header = refused.header
        srv = header.service_reference_variant[:_SERVICE_CHARS_MAX] if header else ""
        variant = header.command_variant if header else 0
        code = REQUEST_REFUSALS[refused.reason].code_for(srv)
        request_id = header.request_id if header else None
        sealed = self._seal(answer(code, now=now, header=header))
        save_request(
            connection,
            self._lane,
            RequestRecord(
                key=key,
                request_id=str(request_id or ""),
                variant=variant if 0 <= variant <= _VARIANT_MAX else 0,
                service_reference=srv,
                originator=request_id.originator if request_id else NOBODY,
                received_at=now,
                digest=hashlib.sha256(octets).digest(),
                octets=octets if key else b"",
                answer=sealed,
                code=code.value,
                reason=refused.reason.value,
                detail=refused.detail[:_DETAIL_CHARS_MAX],
                image=None,
                version_text=None,
                decision=None,
            ),
        )
        return Answer(sealed, code)


def _device_column(device_list: str) -> pl.Series:
    """The devices named, as signed 64-bit numbers, in one go."""
    texts = pl.Series("device", device_list.split(","))
    return (
        texts.str.replace_all("-", "", literal=True).str.to_integer(base=16, dtype=pl.UInt64).reinterpret(signed=True)
    )


def _standing(connection: Connection, image: GbImage) -> CplStatus | None:
    header = image.header
    return product_standing(
        connection,
        manufacturer_hash=image.manufacturer_hash,
        manufacturer=header.manufacturer,
        image_type=header.image_type,
        version=header.file_version,
    )


def _put_image(connection: Connection, octets: bytes, image: GbImage) -> bytes:
    header = image.header
    return put_image(
        connection,
        octets,
        manufacturer_hash=image.manufacturer_hash,
        manufacturer=header.manufacturer,
        image_type=header.image_type,
        version=header.file_version,
        hardware_min=header.hardware_min,
        hardware_max=header.hardware_max,
    )
