"""What a device is and has from its maker: numbers, keys, factory image, times."""

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.base.eui import Eui64
from hanota.model.profiles import DeviceProfile
from hanota.wire.smki.certificate import Certificate, Credential


@dataclass(frozen=True, slots=True, kw_only=True)
class GbcsCredentials:
    """The security credentials of a device that speaks GBCS.

    `acb` is the ACB's key agreement certificate. `supplier` is the trust anchor for images and for CS06: the
    digital-signature certificate of the Supplier that was responsible when the power came; None where nobody was, and
    for a device that trusts the ACB alone (a PPMID).
    """

    signing: Credential
    agreement: Credential
    acb: Certificate
    supplier: Certificate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceIdentity:
    """One device.

    `hardware_version`: high octet version, low octet revision. `capacity_octets`: the largest image file a bank holds.
    `maker_key`: the maker's, where the model wants images signed by it. `credentials` is None for a device outside GBCS
    (an IHD). `boot_ms`: from power, or from switching banks, to the end of the self-test.
    """

    address: Eui64
    hub: Eui64
    profile: DeviceProfile
    manufacturer: int
    image_type: int
    hardware_version: int
    factory_image: bytes = field(repr=False)
    capacity_octets: int
    credentials: GbcsCredentials | None = None
    maker_key: ec.EllipticCurvePublicKey | None = None
    boot_ms: int = 5_000
