"""Identities and a certificate for signing, made here from fixed numbers."""

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import parse_iso
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire.duis import FirmwareRequest, RequestHeader
from hanota.wire.smki import Certificate, Credential, Validity, issue_authority, issue_certificate

SUPPLIER = Eui64.parse("90-B3-D5-1F-30-01-00-00")
DCC = Eui64.parse("90-B3-D5-1F-30-00-00-02")
PPMID = Eui64.parse("00-DB-12-34-56-78-90-A4")
SERIAL = 100_000_000_000_000_000_000_000_000_000_000_007  # 20 octets would be the most

_VALIDITY = Validity(parse_iso("2020-01-01T00:00:00Z"), parse_iso("2040-01-01T00:00:00Z"))
_ISSUER = issue_authority(
    subject="CN=Z1,OU=07", key=ec.derive_private_key(11, ec.SECP256R1()), serial=1, validity=_VALIDITY
)


def credential(serial: int = SERIAL, secret: int = 12) -> Credential:
    """Give the supplier's key for signing XML, with its certificate."""
    key = ec.derive_private_key(secret, ec.SECP256R1())
    return Credential(
        issue_certificate(
            _ISSUER,
            eui=SUPPLIER,
            role=CertificateRole.XML_SIGN,
            usage=KeyUsage.DIGITAL_SIGNATURE,
            public_key=key.public_key(),
            serial=serial,
            validity=_VALIDITY,
            name="SUPPLIER",
        ),
        key,
    )


SIGNER = credential()


def find(issuer: str, serial: int) -> Certificate | None:
    """Know one certificate, the signer's."""
    held = SIGNER.certificate
    return held if (issuer, serial) == (held.issuer, held.serial) else None


def request(**changes: object) -> FirmwareRequest:
    """Make a small 11.4 request."""
    header = RequestHeader(
        request_id=RequestId(SUPPLIER, DCC, 1000),
        command_variant=8,
        service_reference="11.4",
        service_reference_variant="11.4",
    )
    values = {
        "header": header,
        "image": bytes(range(256)),
        "firmware_version": "0123ABCD",
        "device_list": str(PPMID),
        **changes,
    }
    return FirmwareRequest(**values)
