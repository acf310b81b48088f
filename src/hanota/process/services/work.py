"""What a service is given, and what it gives back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import polars as pl

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.duis import ResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage, UserRole
from hanota.model.policies import Policies, Strictness
from hanota.model.reasons import RequestReason
from hanota.model.refusals import REQUEST_REFUSALS
from hanota.records.registry.certificates import certificates_in_role
from hanota.records.store import Connection
from hanota.wire.duis import Content, Request, RequestHeader, RequestRow
from hanota.wire.gbcs import Seal
from hanota.wire.smki import Certificate, CertifiedKey

R = TypeVar("R", bound=Request)


class Broker(Protocol):
    """The DCC as Access Control Broker: what needs its private keys, so that no service holds them."""

    def read_version(
        self, *, device: Certificate, device_type: DeviceType, counter: int, user: Eui64, user_counter: int
    ) -> bytes:
        """Give the sealed command that asks a device for its version on behalf of a User."""

    def seal(self, signed: bytes, device: Certificate) -> bytes:
        """Give a Signed Pre-Command as the command that goes to the device."""

    def seals_hold(self, seals: Sequence[tuple[Seal, CertifiedKey]]) -> list[bool]:
        """Say of MACs of messages to the broker which were made with these keys of devices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Generic[R]):
    """A request that its originator is proved to have sent and may send, with all that serving it needs."""

    connection: Connection
    request: R
    row: RequestRow
    roles: frozenset[UserRole]
    policies: Policies
    broker: Broker
    dcc: Eui64
    lane: str
    now: Instant

    @property
    def header(self) -> RequestHeader:
        """The header of the request."""
        return self.request.header

    @property
    def sender(self) -> Eui64:
        """The originator of the request."""
        return self.header.request_id.originator

    @property
    def target(self) -> Eui64:
        """The target of the request: the DCC, or the device that a command is for."""
        return self.header.request_id.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is answered and kept. `decision` and `image` are those of firmware requests.

    `then` writes what needs the request's number, in the same transaction.
    """

    code: ResponseCode
    content: Content | None = None
    reason: RequestReason | None = None
    detail: str = ""
    decision: pl.DataFrame | None = None
    image: bytes | None = None
    version_text: str | None = None
    then: Callable[[int], None] | None = None


def signers_of(work: Work[R]) -> list[Certificate]:
    """Give the certificates by which the sender signs as a Supplier: images and commands."""
    held = certificates_in_role(work.connection, work.sender, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.SUPPLIER)
    lenient = work.policies.check.supplier_in_date is not Strictness.REFUSE
    return [certificate for certificate in held if lenient or certificate.valid_at(work.now)]


def refused(failed: tuple[RequestReason, str], work: Work[R]) -> Outcome:
    """Give the outcome of a rule that did not hold."""
    reason, detail = failed
    return Outcome(code=REQUEST_REFUSALS[reason].code_for(work.row.srv), reason=reason, detail=detail)
