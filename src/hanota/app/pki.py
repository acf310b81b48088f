"""A test PKI in the shape of SMKI: authorities, parties, devices. Simulated homes and demonstrations run on it.

Keys and serial numbers are drawn from the `rng` that is given: a seeded `random.Random` always gives the same PKI,
which a simulation needs; anything that outlives a test passes `secrets.SystemRandom()`.
"""

import random
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, SECOND, Instant, parse_iso
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire.smki.certificate import Authority, Credential
from hanota.wire.smki.directory import KeyDirectory
from hanota.wire.smki.issue import SERIAL_MAX, Validity, issue_authority, issue_certificate

ROOT_NAME: Final = "CN=HANOTA-TEST-ROOT,OU=00"
ISSUER_NAME: Final = "CN=Z1,OU=07"

_PARTY_DAYS: Final = 10 * 365
_NEVER: Final = parse_iso("9999-12-31T23:59:59Z")  # devices' certificates don't end (RFC 5280, 4.1.2.5)
# Order of the P-256 group (NIST SP 800-186, 3.2.1.3): a private key is a number from 1 to one less.
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Party(NamedTuple):
    """A party that sends requests: its EUI-64, and the name in its signing certificate."""

    eui: Eui64
    name: str


_Uses = tuple[tuple[KeyUsage, CertificateRole | None], ...]

# What each kind of subject is certified for: (usage, role). A role of None makes a device's certificate.
_SUPPLIER: Final[_Uses] = (
    (KeyUsage.DIGITAL_SIGNATURE, CertificateRole.SUPPLIER),
    (KeyUsage.KEY_AGREEMENT, CertificateRole.SUPPLIER),
    (KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN),
)
_DCC: Final[_Uses] = (
    (KeyUsage.DIGITAL_SIGNATURE, CertificateRole.ACCESS_CONTROL_BROKER),
    (KeyUsage.KEY_AGREEMENT, CertificateRole.ACCESS_CONTROL_BROKER),
    (KeyUsage.DIGITAL_SIGNATURE, CertificateRole.DSP_XML_SIGN),
)
_DEVICE: Final[_Uses] = ((KeyUsage.DIGITAL_SIGNATURE, None), (KeyUsage.KEY_AGREEMENT, None))


def make_pki(
    *,
    dcc: Eui64,
    suppliers: Iterable[Party] = (),
    devices: Iterable[Eui64] = (),
    rng: random.Random,
    now: Instant,
) -> KeyDirectory:
    """Make root and issuing authority, the DCC (as ACB and DSP), suppliers and devices; hubs count as devices.

    `write_directory` puts the outcome on disk. Raises CertificateTaken: an EUI-64 stands twice in one list.
    """
    root = issue_authority(subject=ROOT_NAME, key=draw_key(rng), serial=_draw_serial(rng), validity=_endless(now))
    issuing = issue_authority(
        subject=ISSUER_NAME, key=draw_key(rng), serial=_draw_serial(rng), validity=_endless(now), issuer=root
    )
    directory = KeyDirectory(authorities=[root, issuing], credentials=_certified(issuing, dcc, _DCC, _years(now), rng))
    directory = add_suppliers(directory, suppliers, rng=rng, now=now)
    return add_devices(directory, devices, rng=rng, now=now)


def add_suppliers(
    directory: KeyDirectory, suppliers: Iterable[Party], *, rng: random.Random, now: Instant
) -> KeyDirectory:
    """Give the directory with signing, key agreement and XML-signing credentials of these suppliers added.

    Raises CertificateMissing: the directory has no issuing authority; CertificateTaken: a supplier is held already.
    """
    issuing = directory.authority(ISSUER_NAME)
    return directory.including(
        credential
        for supplier in suppliers
        for credential in _certified(issuing, supplier.eui, _SUPPLIER, _years(now), rng, name=supplier.name)
    )


def add_devices(directory: KeyDirectory, devices: Iterable[Eui64], *, rng: random.Random, now: Instant) -> KeyDirectory:
    """Give the directory with signing and key agreement credentials of these devices and hubs added.

    Raises CertificateMissing: the directory has no issuing authority; CertificateTaken: a device is held already.
    """
    issuing = directory.authority(ISSUER_NAME)
    return directory.including(
        credential for device in devices for credential in _certified(issuing, device, _DEVICE, _endless(now), rng)
    )


def add_missing(
    directory: KeyDirectory, *, suppliers: Iterable[Party], devices: Iterable[Eui64], rng: random.Random, now: Instant
) -> KeyDirectory:
    """Give the directory in which each of these has a certificate for each of its uses; what is held stays.

    Raises CertificateMissing: the directory has no issuing authority.
    """
    issuing = directory.authority(ISSUER_NAME)
    held = {(found.eui, found.usage, found.role) for found in directory.certificates()}

    def lacking(eui: Eui64, uses: _Uses) -> _Uses:
        return tuple((usage, role) for usage, role in uses if (eui, usage, role) not in held)

    years, endless = _years(now), _endless(now)
    issued = [
        credential
        for party in suppliers
        for credential in _certified(issuing, party.eui, lacking(party.eui, _SUPPLIER), years, rng, name=party.name)
    ]
    issued += [
        credential
        for device in devices
        for credential in _certified(issuing, device, lacking(device, _DEVICE), endless, rng)
    ]
    return directory.including(issued)


def draw_key(rng: random.Random) -> ec.EllipticCurvePrivateKey:
    """Draw a P-256 private key; the same state of `rng` gives the same key."""
    return ec.derive_private_key(rng.randrange(1, _ORDER), ec.SECP256R1())


def _certified(
    issuing: Authority, eui: Eui64, uses: _Uses, validity: Validity, rng: random.Random, *, name: str | None = None
) -> Iterator[Credential]:
    for usage, role in uses:
        key = draw_key(rng)
        certificate = issue_certificate(
            issuing,
            eui=eui,
            role=role,
            usage=usage,
            public_key=key.public_key(),
            serial=_draw_serial(rng),
            validity=validity,
            name=name,
        )
        yield Credential(certificate, key)


def _draw_serial(rng: random.Random) -> int:
    return rng.randint(1, SERIAL_MAX)


def _endless(now: Instant) -> Validity:
    return Validity(_day_before(now), _NEVER)


def _years(now: Instant) -> Validity:
    return Validity(_day_before(now), Instant(now - now % SECOND + _PARTY_DAYS * DAY))


def _day_before(now: Instant) -> Instant:
    """Give a beginning that a clock which is a little slow has passed too."""
    return Instant(now - now % SECOND - DAY)
