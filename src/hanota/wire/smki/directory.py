"""Certificates and private keys of a system, looked up by subject and by (issuer, serial number).

On disk:

    DIR/certs/<EUI>-<DS|KA>[-<role, two hex digits>].pem       certificates; a device's have no role
    DIR/keys/<same name>.pem                                   private keys of our own parties, mode 0600
    DIR/authorities/<CN>.pem, DIR/keys/authority-<CN>.pem      certification authorities, for test systems
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from hanota.base.errors import require
from hanota.base.eui import Eui64
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire.smki.certificate import (
    Authority,
    AuthorityCertificate,
    Certificate,
    Credential,
    plain_name,
    read_authority_certificate,
    read_certificate,
)
from hanota.wire.smki.errors import (
    CertificateAmbiguous,
    CertificateMissing,
    CertificateTaken,
    CertificateUnissuable,
    KeyExposed,
    KeyMalformed,
    KeyMissing,
)

CERTIFICATES: Final = "certs"
KEYS: Final = "keys"
AUTHORITIES: Final = "authorities"
_OTHERS: Final = 0o077
_FILE_NAME: Final = re.compile(r"[0-9A-Za-z_.-]+\Z")
_COMMON_NAME: Final = re.compile(r"(?:^|,)CN=([^,]*)")


class _Use(NamedTuple):
    """What a certificate is looked up by; a directory holds one certificate for each."""

    eui: Eui64
    usage: KeyUsage
    role: CertificateRole | None

    @property
    def stem(self) -> str:
        return f"{self.eui}-{self.usage}" + ("" if self.role is None else f"-{self.role:02X}")


def _use(certificate: Certificate) -> _Use:
    return _Use(certificate.eui, certificate.usage, certificate.role)


class KeyDirectory:
    """An immutable collection of certificates, some with their private keys.

    Raises CertificateTaken: two different certificates for one subject, usage and role, or of one issuer and serial
    number. A certificate that is given twice is held once.
    """

    def __init__(
        self,
        credentials: Iterable[Credential] = (),
        certificates: Iterable[Certificate] = (),
        authorities: Iterable[Authority] = (),
    ) -> None:
        self._authorities = {authority.certificate.subject: authority for authority in authorities}
        self._credentials: dict[_Use, Credential] = {}
        self._certificates: dict[_Use, Certificate] = {}
        self._by_serial: dict[tuple[str, int], Certificate] = {}
        self._roles: dict[tuple[Eui64, KeyUsage], list[CertificateRole | None]] = {}
        for credential in credentials:
            self._take(credential.certificate)
            self._credentials[_use(credential.certificate)] = credential
        for certificate in certificates:
            self._take(certificate)

    def _take(self, certificate: Certificate) -> None:
        use = _use(certificate)
        number = (certificate.issuer, certificate.serial)
        held = self._certificates.get(use) or self._by_serial.get(number)
        if held == certificate:
            return
        require(
            held is None, CertificateTaken, usage=use.usage, subject=use.eui, role=use.role, serial=certificate.serial
        )
        self._certificates[use] = certificate
        self._by_serial[number] = certificate
        self._roles.setdefault((use.eui, use.usage), []).append(use.role)

    def certificate(self, eui: Eui64, usage: KeyUsage, role: CertificateRole | None = None) -> Certificate:
        """Give the certificate of a subject; `role` may be left out where the subject has only one.

        Raises CertificateMissing, CertificateAmbiguous.
        """
        return self._certificates[self._resolve(eui, usage, role)]

    def credential(self, eui: Eui64, usage: KeyUsage, role: CertificateRole | None = None) -> Credential:
        """Give the certificate and private key of a subject; `role` as in `certificate`.

        Raises CertificateMissing, CertificateAmbiguous, KeyMissing: the certificate is there without its key.
        """
        use = self._resolve(eui, usage, role)
        credential = self._credentials.get(use)
        if credential is None:
            raise KeyMissing(subject=eui, usage=usage, role=use.role)
        return credential

    def _resolve(self, eui: Eui64, usage: KeyUsage, role: CertificateRole | None) -> _Use:
        roles = self._roles.get((eui, usage), [])
        if role is None:
            require(len(roles) <= 1, CertificateAmbiguous, subject=eui, usage=usage, roles=roles)
            role = roles[0] if roles else None
        require(role in roles, CertificateMissing, subject=eui, usage=usage, role=role)
        return _Use(eui, usage, role)

    def find(self, issuer: str, serial: int) -> Certificate | None:
        """Look a certificate up as an XML signature names it; blanks after the issuer's commas don't matter."""
        return self._by_serial.get((plain_name(issuer), serial))

    def certificates(self) -> tuple[Certificate, ...]:
        """All certificates of parties and devices, in the order they came in."""
        return tuple(self._certificates.values())

    def credentials(self) -> tuple[Credential, ...]:
        """All certificates whose private key is held."""
        return tuple(self._credentials.values())

    def authority(self, subject: str) -> Authority:
        """Give a certification authority by its name, e.g. `CN=Z1,OU=07`. Raises CertificateMissing."""
        authority = self._authorities.get(plain_name(subject))
        if authority is None:
            raise CertificateMissing(subject=subject, usage="authority", role=None)
        return authority

    def authorities(self) -> tuple[Authority, ...]:
        """All certification authorities whose private key is held."""
        return tuple(self._authorities.values())

    def including(
        self, credentials: Iterable[Credential] = (), certificates: Iterable[Certificate] = ()
    ) -> "KeyDirectory":
        """Give a directory that holds these too. Raises CertificateTaken."""
        return KeyDirectory(
            credentials=[*self.credentials(), *credentials],
            certificates=[*self.certificates(), *certificates],
            authorities=self.authorities(),
        )

    def overlaid_by(self, credentials: Iterable[Credential]) -> "KeyDirectory":
        """Give a directory where `credentials` stand in place of what is held for the same subject, usage and role."""
        over = {_use(credential.certificate): credential for credential in credentials}
        return KeyDirectory(
            credentials=[*(held for use, held in self._credentials.items() if use not in over), *over.values()],
            certificates=[held for use, held in self._certificates.items() if use not in over],
            authorities=self.authorities(),
        )

    def public(self) -> "KeyDirectory":
        """Give the same certificates without any private key, for handing to another party."""
        return KeyDirectory(certificates=self.certificates())


def read_directory(path: Path) -> KeyDirectory:
    """Read a key directory. Absent folders count as empty; file names don't matter but pair keys with certificates.

    Raises CertificateMalformed, CertificateTaken, KeyMalformed, KeyMismatch; KeyExposed where a private key's file can
    be read by accounts other than its owner.
    """
    certificates = []
    credentials = []
    for file in _files(path / CERTIFICATES):
        certificate = read_certificate(file.read_bytes())
        certificates.append(certificate)
        if (key_file := path / KEYS / file.name).exists():
            credentials.append(Credential(certificate, _read_key(key_file)))
    authorities = [
        Authority(read_authority_certificate(file.read_bytes()), _read_key(key_file))
        for file in _files(path / AUTHORITIES)
        if (key_file := path / KEYS / f"authority-{file.name}").exists()
    ]
    return KeyDirectory(credentials, certificates, authorities)


def write_directory(path: Path, directory: KeyDirectory) -> None:
    """Write a key directory, each file at once or not at all; files of subjects that it does not hold stay.

    A certificate is written after its key: whoever dies in between leaves a key that nothing is read from, never a
    certificate that seems to be another party's.

    Raises OSError where the file system refuses; CertificateUnissuable for an authority whose CN can't be a file name.
    """
    for folder in (CERTIFICATES, AUTHORITIES, KEYS):
        (path / folder).mkdir(mode=0o700 if folder == KEYS else 0o755, parents=True, exist_ok=True)
    for authority in directory.authorities():
        name = f"{_common_name(authority)}.pem"
        _write(path / KEYS / f"authority-{name}", _key_pem(authority.key), mode=0o600)
        _write(path / AUTHORITIES / name, _pem(authority.certificate))
    for credential in directory.credentials():
        _write(path / KEYS / f"{_use(credential.certificate).stem}.pem", _key_pem(credential.key), mode=0o600)
    for certificate in directory.certificates():
        _write(path / CERTIFICATES / f"{_use(certificate).stem}.pem", _pem(certificate))


def _files(folder: Path) -> Iterator[Path]:
    return iter(sorted(folder.glob("*.pem")))


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    mode = path.stat().st_mode & 0o777
    require(not mode & _OTHERS, KeyExposed, path=path, mode=f"{mode:04o}")
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        raise KeyMalformed(path=path, reason=str(cause)) from cause
    if not (isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)):
        raise KeyMalformed(path=path, reason="not a P-256 key")
    return key


def _write(path: Path, octets: bytes, mode: int = 0o644) -> None:
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    # The mode is set when the file is made, so that a key is never readable by others, not even for a moment.
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(octets)
    part.replace(path)


def _pem(certificate: Certificate | AuthorityCertificate) -> bytes:
    return x509.load_der_x509_certificate(certificate.der).public_bytes(Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _common_name(authority: Authority) -> str:
    found = _COMMON_NAME.search(authority.certificate.subject)
    name = found.group(1) if found else ""
    require(_FILE_NAME.match(name), CertificateUnissuable, field="CN", got=name, expected="letters, digits, _ . -")
    return name
