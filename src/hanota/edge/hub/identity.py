"""Who a hub is, whom it believes, and which devices it serves."""

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.base.eui import Eui64
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.commands import Entity
from hanota.wire.smki.certificate import Credential


@dataclass(frozen=True, slots=True, kw_only=True)
class HubIdentity:
    """One Communications Hub Function.

    `signing` is for its receipts and alerts; under `acb_signing`, the Access Control Broker's key, it believes orders.
    `device_log` is the CHF Device Log: who else stands on its HAN is refused (R25). `functions` are those that take
    commands themselves: the Communications Hub Function and the Gas Proxy Function; both run `firmware_version`.
    """

    chf: Eui64
    acb: Eui64
    signing: Credential
    acb_signing: ec.EllipticCurvePublicKey
    device_log: Mapping[Eui64, DeviceType]
    functions: tuple[Entity, ...]
    firmware_version: int
