"""The public test key store: credentials of the reference parties, several for one use, read where they were installed.

Its JSON is {EUI-64: {"keyAgreement" | "digitalSignature": {serial number: {certificate, privateKey, role, name}}}},
keys and certificates as PEM. `KeyStore` is also what messages of unknown origin are checked with: it gives candidates
where `KeyDirectory` gives the one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hanota.base.errors import require
from hanota.base.eui import Eui64
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire.smki.certificate import (
    Certificate,
    Credential,
    plain_name,
    read_authority_certificate,
    read_certificate,
)
from hanota.wire.smki.directory import CERTIFICATES, read_directory
from hanota.wire.smki.errors import CertificateMalformed, KeyMalformed, KeystoreMalformed

FILE_NAME: Final = "keystore.json"

_SUFFIXES: Final = {".pem", ".der", ".cer", ".crt"}
_USAGES: Final = {"digitalSignature": KeyUsage.DIGITAL_SIGNATURE, "keyAgreement": KeyUsage.KEY_AGREEMENT}
_PREPAYMENT: Final = "PP"  # so the public store names a supplier's second key agreement key, for top-up codes


class Unread(NamedTuple):
    """An entry of a key store, or a file, whose certificate is not readable; the others are of use without it."""

    place: str
    reason: str


class KeyStore:
    """An immutable collection of certificates, some with private keys; those given first are preferred.

    Unlike a key directory it may hold several for one subject, usage and role: old and new ones, or for two purposes.
    """

    def __init__(
        self,
        credentials: Iterable[Credential] = (),
        certificates: Iterable[Certificate] = (),
        unread: Iterable[Unread] = (),
    ) -> None:
        self._credentials = {_number(held.certificate): held for held in credentials}
        own = {number: held.certificate for number, held in self._credentials.items()}
        self._certificates = own | {_number(held): held for held in certificates}
        self.unread = tuple(unread)

    def certificates(self) -> tuple[Certificate, ...]:
        """Give every certificate."""
        return tuple(self._certificates.values())

    def credentials(self) -> tuple[Credential, ...]:
        """Give the preferred credential for each subject, usage and role."""
        best: dict[object, Credential] = {}
        for credential in self._credentials.values():
            held = credential.certificate
            best.setdefault((held.eui, held.usage, held.role), credential)
        return tuple(best.values())

    def certificate(self, issuer: str, serial: int) -> Certificate | None:
        """Give the certificate with this number, as DUIS's X509IssuerSerial names it; None if it is not held."""
        return self._certificates.get((plain_name(issuer), serial))

    def credential(self, issuer: str, serial: int) -> Credential | None:
        """Give the certificate with this number and its private key; None if either is not held."""
        return self._credentials.get((plain_name(issuer), serial))

    def certificates_of(
        self, eui: Eui64 | None, usage: KeyUsage, role: CertificateRole | None = None
    ) -> tuple[Certificate, ...]:
        """Give the candidates for a subject and usage, the preferred first; None for any subject, or any role."""
        return tuple(held for held in self._certificates.values() if _matches(held, eui, usage, role))

    def credentials_of(
        self, eui: Eui64 | None, usage: KeyUsage, role: CertificateRole | None = None
    ) -> tuple[Credential, ...]:
        """Give the candidates whose private keys are held, the preferred first; None for any subject, or any role."""
        return tuple(held for held in self._credentials.values() if _matches(held.certificate, eui, usage, role))

    def including(self, other: "KeyStore") -> "KeyStore":
        """Give a store with the other's certificates and keys behind these."""
        return KeyStore(
            credentials=[*self._credentials.values(), *other._credentials.values()],
            certificates=[*self.certificates(), *other.certificates()],
            unread=[*self.unread, *other.unread],
        )


def read_keystore(path: Path) -> KeyStore:
    """Read a key store: its JSON file, or the folder of the npm package that holds it.

    Of several credentials for one use the one that was issued first and is not for prepayment is preferred: with that
    the published messages were made. An entry whose certificate is not readable is left out and listed in `unread`.

    Raises KeystoreMalformed: no such file, no such JSON, a certificate in a place that its own words contradict;
    KeyMalformed, KeyMismatch.
    """
    file = path / FILE_NAME if path.is_dir() else path
    rows = []
    unread = []
    for place in _entries(file):
        try:
            rows.append((place, read_certificate(_text(file, place, "certificate"))))
        except CertificateMalformed as error:
            unread.append(Unread(str(place), error.explain()))
    rows.sort(key=lambda row: (_PREPAYMENT in row[0].name, row[1].not_before, row[1].serial))
    for place, certificate in rows:
        _require_agreement(file, place, certificate)
    with_key = [Credential(held, _read_key(file, place)) for place, held in rows if "privateKey" in place.entry]
    return KeyStore(with_key, [held for _, held in rows], unread)


def read_folder(path: Path) -> KeyStore:
    """Read certificates from a folder: a key directory with its private keys, else all files of PEM or DER.

    Files that hold no party's or device's certificate are left out and listed in `unread`, but for those of
    authorities, which sign no messages. Raises CertificateMalformed, KeyMalformed, KeyExposed and the like, as
    `read_directory` does; KeystoreMalformed: there is no such folder.
    """
    require(path.is_dir(), KeystoreMalformed, path=path, reason="not a folder")
    if (path / CERTIFICATES).is_dir():
        held = read_directory(path)
        return KeyStore(held.credentials(), held.certificates())
    certificates = []
    unread = []
    for file in sorted(file for file in path.iterdir() if file.suffix.lower() in _SUFFIXES):
        octets = file.read_bytes()
        try:
            certificates.append(read_certificate(octets))
        except CertificateMalformed as error:
            if not _is_authority(octets):
                unread.append(Unread(file.name, error.explain()))
    return KeyStore(certificates=certificates, unread=unread)


def _is_authority(octets: bytes) -> bool:
    try:
        read_authority_certificate(octets)
    except CertificateMalformed:
        return False
    return True


class _Place(NamedTuple):
    """An entry and where it stands."""

    eui: str
    usage: str
    serial: str
    entry: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.entry.get("name", ""))

    def __str__(self) -> str:
        return f"entry {self.eui}/{self.usage}/{self.serial}"


def _entries(file: Path) -> Iterator[_Place]:
    try:
        held = json.loads(file.read_text("utf-8"))
    except OSError as cause:
        raise KeystoreMalformed(path=file, reason=cause.strerror) from cause
    except (ValueError, RecursionError) as cause:
        raise KeystoreMalformed(path=file, reason=f"not JSON: {cause}") from cause
    for eui, uses in _object(file, held, "the whole").items():
        for usage, serials in _object(file, uses, eui).items():
            for serial, entry in _object(file, serials, f"{eui}/{usage}").items():
                yield _Place(eui, usage, serial, _object(file, entry, f"{eui}/{usage}/{serial}"))


def _object(file: Path, value: object, place: str) -> dict[str, Any]:
    require(isinstance(value, dict), KeystoreMalformed, path=file, reason=f"{place} is not a JSON object")
    return cast("dict[str, Any]", value)


def _text(file: Path, place: _Place, name: str) -> bytes:
    value = place.entry.get(name)
    require(isinstance(value, str), KeystoreMalformed, path=file, reason=f"{place} has no text {name}")
    return str(value).encode()


def _require_agreement(file: Path, place: _Place, held: Certificate) -> None:
    said = {
        "EUI-64": (place.eui.replace("-", "").lower(), held.eui.octets.hex()),
        "usage": (_USAGES.get(place.usage), held.usage),
        "serial number": (place.serial, str(held.serial)),
        "role": (place.entry.get("role", held.role), held.role),
    }
    for name, (here, there) in said.items():
        reason = f"{place} has a certificate with {name} {there}"
        require(here == there, KeystoreMalformed, path=file, reason=reason)


def _read_key(file: Path, place: _Place) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(_text(file, place, "privateKey"), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        raise KeyMalformed(path=f"{file}, {place}", reason=str(cause)) from cause
    if not (isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)):
        raise KeyMalformed(path=f"{file}, {place}", reason="not a P-256 key")
    return key


def _number(certificate: Certificate) -> tuple[str, int]:
    return certificate.issuer, certificate.serial


def _matches(held: Certificate, eui: Eui64 | None, usage: KeyUsage, role: CertificateRole | None) -> bool:
    return held.usage is usage and eui in (None, held.eui) and role in (None, held.role)
