"""Documents that are refused, each for one reason: those of every service, whatever it asks. No test by itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hanota.base.ids import RequestId
from hanota.base.instant import DAY, Instant
from hanota.base.limits import REQUEST_OCTETS_MAX
from hanota.base.vocabulary.duis import ResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.model.policies import AnomalyPolicy, Policies
from hanota.model.reasons import RequestReason
from hanota.records.registry.certificates import revoke
from hanota.records.store import schema as t
from hanota.wire import duis
from helpers.pki import small_pki
from helpers.premises import DCC
from helpers.world import (
    PPMID_2,
    PPMID_3,
    READER,
    STRANGER,
    SUPPLIER_1,
    SUPPLIER_2,
    Bench,
    keys,
    request,
    signed,
)

_R = RequestReason
XML_SIGN, DS = CertificateRole.XML_SIGN, KeyUsage.DIGITAL_SIGNATURE


@dataclass(frozen=True)
class Bad:
    """A request that is refused for one reason: what is posted, after what was done to the bench.

    `read`: so far that the answer can name the request.
    """

    reason: RequestReason
    code: ResponseCode
    ask: Callable[[Bench], duis.Request | bytes]
    before: Callable[[Bench], object] = lambda bench: None
    service: str = "D"
    read: bool = True
    policies: Policies = field(default_factory=Policies)

    def __str__(self) -> str:
        return f"{self.reason}-{self.code}"

    def bench(self) -> Bench:
        """A bench on which it is to be refused."""
        return Bench(self.policies)

    def posted(self, bench: Bench) -> bytes:
        """Make the bench ready, and give what is posted."""
        self.before(bench)
        asked = self.ask(bench)
        return asked if isinstance(asked, bytes) else signed(asked)


def unsigned(**changes: Any) -> bytes:
    return duis.write_request(request(**changes))


def swapped(old: bytes, new: bytes, octets: bytes | None = None) -> bytes:
    document = octets or unsigned()
    assert document.count(old) == 1, document[:400]
    return document.replace(old, new)


def _signer(eui: Any, role: CertificateRole = XML_SIGN) -> Any:
    return keys().credential(eui, DS, role)


def _wait_until_expired(bench: Bench) -> None:
    bench.now = Instant(bench.now + 11 * 365 * DAY)


def _revoke_signer(bench: Bench) -> None:
    held = _signer(SUPPLIER_1).certificate
    with bench.store.writing() as connection:
        assert revoke(connection, held.issuer, held.serial, bench.now)


def _forget_stranger(bench: Bench) -> None:
    with bench.store.writing() as connection:
        connection.execute(t.party.delete().where(t.party.c.eui == STRANGER.signed))


def _use_the_number(bench: Bench) -> None:
    bench.submit(request(PPMID_2))  # refused, but its RequestID is proved to be used


BEFORE = RequestId(SUPPLIER_1, DCC, 500)

INTAKE = (  # of what nobody is proved to have sent, or to have sent first
    Bad(_R.TOO_LARGE_TO_READ, ResponseCode.E110405, lambda _: b"<a>" + bytes(REQUEST_OCTETS_MAX), read=False),
    Bad(_R.NOT_XML, ResponseCode.E100, lambda _: unsigned()[:-1], read=False),
    Bad(
        _R.SERVICE_NOT_HANDLED,
        ResponseCode.E12,
        lambda _: swapped(b"Variant>11.4</sr:ServiceReferenceVariant", b"Variant>8.11</sr:ServiceReferenceVariant"),
    ),
    Bad(_R.SCHEMA_INVALID, ResponseCode.E100, lambda _: swapped(b"00020000</sr:F", b"000200001</sr:F")),
    Bad(_R.UNSIGNED, ResponseCode.E100, lambda _: unsigned()),
    Bad(
        _R.SIGNATURE_BROKEN,
        ResponseCode.E100,
        lambda _: swapped(b"00020000</sr:F", b"00020001</sr:F", signed(request())),
    ),
    Bad(
        _R.SIGNER_UNKNOWN,
        ResponseCode.E100,
        lambda _: duis.sign(unsigned(), small_pki().credential(SUPPLIER_1, DS, XML_SIGN)),
    ),
    Bad(_R.SIGNER_OUT_OF_DATE, ResponseCode.E100, lambda _: request(), _wait_until_expired),
    Bad(_R.SIGNER_REVOKED, ResponseCode.E100, lambda _: request(), _revoke_signer),
    Bad(
        _R.SIGNER_NOT_XML_SIGNER,
        ResponseCode.E100,
        lambda _: duis.sign(unsigned(), _signer(SUPPLIER_1, CertificateRole.SUPPLIER)),
    ),
    Bad(_R.SIGNER_NOT_ORIGINATOR, ResponseCode.E100, lambda _: signed(request(), SUPPLIER_2)),
    Bad(_R.REQUEST_ID_REUSED, ResponseCode.E19, lambda _: request(), _use_the_number),
)
RULES = (  # that every request is held to
    Bad(_R.ORIGINATOR_UNKNOWN, ResponseCode.E1, lambda _: request(sender=STRANGER), _forget_stranger),
    Bad(_R.ROLE_NOT_ELIGIBLE, ResponseCode.E1, lambda _: request(sender=READER)),
    Bad(_R.WRONG_COMMAND_VARIANT, ResponseCode.E12, lambda _: request(command_variant=1)),
    Bad(_R.WRONG_WEB_SERVICE, ResponseCode.E12, lambda _: request(), service="T"),
    Bad(_R.WRONG_TARGET, ResponseCode.E12, lambda _: request(request_id=RequestId(SUPPLIER_1, SUPPLIER_2, 1))),
    Bad(_R.PRECEDING_UNKNOWN, ResponseCode.E40, lambda _: request(preceding=BEFORE)),
    Bad(
        _R.PRECEDING_FAILED,
        ResponseCode.E41,
        lambda _: request(preceding=BEFORE),
        lambda bench: bench.submit(request(PPMID_2, request_id=BEFORE)),  # not the sender's: E110403
    ),
    Bad(
        _R.PRECEDING_OPEN,
        ResponseCode.E42,
        lambda _: request(preceding=BEFORE),
        lambda bench: bench.submit(request(PPMID_3, request_id=BEFORE)),
    ),
    Bad(
        _R.QUARANTINE_FULL,
        ResponseCode.E46,
        lambda _: request(),
        policies=Policies(anomaly=AnomalyPolicy(limits="11.4=0/1h", held_max=0)),
    ),
)
