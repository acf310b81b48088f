"""Acceptance: stages 1 and 2 and the durable answer, in one serialised transaction.

Of two racing requests for one device exactly one wins, because each sees the decision of the one before it (design 2).
A request is answered when it and its decision are durable; what it sets going is done behind that.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.commands import COMMAND
from hanota.model.policies import Policies
from hanota.model.reasons import RequestReason
from hanota.model.refusals import REQUEST_REFUSALS
from hanota.process.check import Case, Preceding, judge_request
from hanota.process.intake import Opened, Refused, open_request
from hanota.process.quarantine import exceeded, held_alert, released
from hanota.process.report import answer, split_warning
from hanota.process.services import SERVICES, Broker, Outcome, Work
from hanota.records.registry.certificates import find_certificate
from hanota.records.registry.lookups import Party, find_party, remember_version
from hanota.records.store import Connection, Store, serialise
from hanota.records.store.acceptance import (
    RequestRecord,
    accepted_variants,
    forget_octets,
    forget_strangers,
    save_request,
    settle_request,
    standing_of,
    stored_answer,
)
from hanota.records.store.messages import Document, queue_document
from hanota.records.store.quarantine import Quarantine, decide, held_of, hold
from hanota.wire.duis import SIGNED_PRE_COMMAND_VARIANTS, RequestHeader, parse_safely, read_header

NOBODY: Final = Eui64(0)
"""Stands for the originator of a document whose header could not be read."""

# What is kept of the words of a stranger, who may write anything of any length.
_SERVICE_CHARS_MAX: Final = 16
_DETAIL_CHARS_MAX: Final = 1000
_VARIANT_MAX: Final = 255
_ACCEPTANCE: Final = "acceptance"
_TRANSFORM: Final = 4  # the command variant that gives a Pre-Command


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender gets: a DUIS Response document and the code in it."""

    octets: bytes
    code: ResponseCode


class Acceptance:
    """Answers requests over one store. `seal` signs answers as the DCC, `broker` acts as its Access Control Broker."""

    def __init__(
        self,
        store: Store,
        *,
        dcc: Eui64,
        policies: Policies,
        seal: Callable[[bytes], bytes],
        broker: Broker,
        lane: str,
    ) -> None:
        self._store = store
        self._dcc = dcc
        self._policies = policies
        self._seal = seal
        self._broker = broker
        self._lane = lane

    def accept(self, octets: bytes, service: str, now: Instant) -> Answer:
        """Answer a request once it and its decision are durable. `service` is D, S or T, by the web service used."""
        with self._store.reading() as connection:
            opened = open_request(octets, lambda issuer, serial: find_certificate(connection, issuer, serial), now)
        with self._store.writing() as connection:
            serialise(connection, _ACCEPTANCE)
            if isinstance(opened, Refused):
                return self._refuse(connection, octets, opened, now)
            key = f"{opened.request.header.request_id}/{opened.request.header.command_variant}"
            standing = stored_answer(connection, key)
            if standing is None and _may_share(connection, opened.request.header):
                return self._decide(connection, octets, opened, key=key, service=service, now=now)
            if standing is not None and standing.digest == hashlib.sha256(octets).digest():
                return Answer(standing.answer, ResponseCode(standing.code))
            reused = Refused(reason=RequestReason.REQUEST_ID_REUSED, detail=key, header=opened.request.header)
            return self._refuse(connection, octets, reused, now)

    def release(self, number: int, now: Instant) -> None:
        """Serve a request that was held in quarantine, as of now; its User gets the outcome as a message.

        Signer, roles and all other rules are judged again as of now. Raises NotHeld.
        """
        with self._store.writing() as connection:
            serialise(connection, _ACCEPTANCE)
            held = decide(connection, self._lane, number, Quarantine.RELEASED, now)
            opened = open_request(held.octets, lambda issuer, serial: find_certificate(connection, issuer, serial), now)
            header = read_header(parse_safely(held.octets))
            if isinstance(opened, Refused):
                outcome = _refusal(header, opened.reason, opened.detail)
            else:
                party = find_party(connection, header.request_id.originator)
                failed = judge_request(self._case(connection, opened, party, held.service))
                outcome = _refusal(header, *failed) if failed else self._serve(connection, opened, party, now)
            self._settle(connection, number, header, outcome, now)

    def drop(self, number: int, now: Instant) -> None:
        """Refuse a request that was held in quarantine; its User gets the refusal as a message. Raises NotHeld."""
        with self._store.writing() as connection:
            serialise(connection, _ACCEPTANCE)
            held = decide(connection, self._lane, number, Quarantine.DROPPED, now)
            header = read_header(parse_safely(held.octets))
            self._settle(connection, number, header, _refusal(header, RequestReason.QUARANTINE_DROPPED), now)
            forget_octets(connection, number)

    def _decide(
        self, connection: Connection, octets: bytes, opened: Opened, *, key: str, service: str, now: Instant
    ) -> Answer:
        header = opened.request.header
        sender = header.request_id.originator
        party = find_party(connection, sender)
        if failed := judge_request(self._case(connection, opened, party, service)):
            reason, detail = failed
            refused = Refused(reason=reason, detail=detail, header=header)
            # By which service it came is not signed: whoever has a copy could use the RequestID up.
            bound = None if reason is RequestReason.WRONG_WEB_SERVICE else key
            return self._refuse(connection, octets, refused, now, key=bound)
        assert party is not None  # a rule of REQUEST_CHECKS
        remember_version(connection, party, header.schema_version)
        if exceeded(connection, sender, opened.row.srv, self._policies, now):
            if held_of(connection, sender) >= self._policies.anomaly.held_max:
                full = Refused(reason=RequestReason.QUARANTINE_FULL, detail=f"{sender}", header=header)
                return self._refuse(connection, octets, full, now)
            given, number = self._save(connection, octets, opened, Outcome(code=ResponseCode.I99), key=key, now=now)
            hold(connection, self._lane, number, party=sender, service=service, now=now)
            self._queue(connection, held_alert(header, number, now), now)
            return given
        outcome = self._serve(connection, opened, party, now)
        given, number = self._save(connection, octets, opened, outcome, key=key, now=now)
        if outcome.then is not None:
            outcome.then(number)
        return given

    def _case(self, connection: Connection, opened: Opened, party: Party | None, service: str) -> Case:
        sender = opened.request.header.request_id.originator
        return Case(
            request=opened.request,
            row=opened.row,
            service=service,
            dcc=self._dcc,
            roles=None if party is None else party.roles,
            preceding=lambda named: _preceding(connection, sender, named),
        )

    def _serve(self, connection: Connection, opened: Opened, party: Party | None, now: Instant) -> Outcome:
        work = Work(
            connection=connection,
            request=opened.request,
            row=opened.row,
            roles=frozenset() if party is None else party.roles,
            policies=self._policies,
            broker=self._broker,
            dcc=self._dcc,
            lane=self._lane,
            now=now,
        )
        return SERVICES[type(opened.request)](work)

    def _save(
        self, connection: Connection, octets: bytes, opened: Opened, outcome: Outcome, *, key: str, now: Instant
    ) -> tuple[Answer, int]:
        header = opened.request.header
        sealed = self._seal(answer(outcome.code, now=now, header=header, content=outcome.content))
        number = save_request(
            connection,
            self._lane,
            RequestRecord(
                key=key,
                request_id=str(header.request_id),
                variant=header.command_variant,
                service_reference=opened.row.srv,
                originator=header.request_id.originator,
                received_at=now,
                digest=hashlib.sha256(octets).digest(),
                octets=octets,
                answer=sealed,
                code=outcome.code.value,
                reason=None if outcome.reason is None else outcome.reason.value,
                detail=outcome.detail[:_DETAIL_CHARS_MAX] or None,
                image=outcome.image,
                version_text=outcome.version_text,
                decision=outcome.decision,
            ),
        )
        return Answer(sealed, outcome.code), number

    def _settle(
        self, connection: Connection, number: int, header: RequestHeader, outcome: Outcome, now: Instant
    ) -> None:
        """Enter what became of a held request, and tell its User; a command tells by its own answer."""
        settle_request(
            connection,
            self._lane,
            number,
            code=outcome.code.value,
            reason=None if outcome.reason is None else outcome.reason.value,
            detail=outcome.detail[:_DETAIL_CHARS_MAX] or None,
            image=outcome.image,
            version_text=outcome.version_text,
            decision=outcome.decision,
            now=now,
        )
        if outcome.then is not None:
            outcome.then(number)
        if outcome.code is ResponseCode.I99 and outcome.content is None:
            return
        warnings = () if outcome.decision is None else split_warning(outcome.decision)
        for content in warnings or (outcome.content,):
            self._queue(connection, released(header, number, outcome.code, content, now), now)

    def _queue(self, connection: Connection, document: Document, now: Instant) -> None:
        level = self._policies.alert.service_level_ms
        queue_document(connection, self._lane, document, dcc=self._dcc, now=now, service_level_ms=level)

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
        if key is None:
            forget_strangers(connection)
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


def _may_share(connection: Connection, header: RequestHeader) -> bool:
    """Say whether a request may use its RequestID: only a Signed Pre-Command shares one, that of its transform."""
    used = accepted_variants(connection, str(header.request_id))
    return not used or (used == {_TRANSFORM} and header.command_variant in SIGNED_PRE_COMMAND_VARIANTS)


def _refusal(header: RequestHeader, reason: RequestReason, detail: str = "") -> Outcome:
    code = REQUEST_REFUSALS[reason].code_for(header.service_reference_variant)
    return Outcome(code=code, reason=reason, detail=detail)


def _preceding(connection: Connection, sender: Eui64, named: RequestId) -> Preceding:
    """Say how the request stands that another names as the one before it; only a User's own counts."""
    standing = standing_of(connection, str(named)) if named.originator == sender else None
    if standing is None:
        return Preceding.UNKNOWN
    code, state, deliveries_open = standing
    if not ResponseCode(code).accepted or state in ("UNANSWERED", "CANCELLED"):
        return Preceding.FAILED
    unended = state is not None and state not in COMMAND.terminal
    return Preceding.OPEN if unended or deliveries_open else Preceding.DONE
