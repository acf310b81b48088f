"""Certificates of parties, hubs and devices: entered, found, revoked."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Final

from sqlalchemy import ColumnElement, Connection, insert, select, update

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.records.store.schema import certificate
from hanota.wire.smki import Certificate, read_certificate

_NAMED_MAX: Final = 10_000  # in one query; engines take some 30,000 values


@dataclass(frozen=True, slots=True)
class Registered:
    """A certificate and the instant from which it is revoked, if it is."""

    certificate: Certificate
    revoked_at: Instant | None

    def revoked(self, now: Instant) -> bool:
        """Whether the certificate is revoked at `now`."""
        return self.revoked_at is not None and self.revoked_at <= now


def register_certificates(connection: Connection, certificates: Iterable[Certificate]) -> None:
    """Enter certificates; those that stand are left as they are."""
    standing = {tuple(row) for row in connection.execute(select(certificate.c.issuer, certificate.c.serial))}
    rows = [
        {
            "issuer": found.issuer,
            "serial": str(found.serial),
            "eui": found.eui.signed,
            "role": None if found.role is None else int(found.role),
            "usage": found.usage.value,
            "der": found.der,
        }
        for found in certificates
        if (found.issuer, str(found.serial)) not in standing
    ]
    if rows:
        connection.execute(insert(certificate), rows)


def find_certificate(connection: Connection, issuer: str, serial: int) -> Registered | None:
    """Find a certificate by issuer and serial number; never by the serial number alone."""
    query = select(certificate.c.der, certificate.c.revoked_at).where(
        certificate.c.issuer == issuer, certificate.c.serial == str(serial)
    )
    row = connection.execute(query).first()
    return None if row is None else Registered(read_certificate(row.der), row.revoked_at)


def certificate_of(connection: Connection, eui: Eui64, usage: KeyUsage) -> Certificate | None:
    """Find the certificate of a device or hub for a usage; revoked ones do not count."""
    query = select(certificate.c.der).where(
        certificate.c.eui == eui.signed, certificate.c.usage == usage.value, certificate.c.revoked_at.is_(None)
    )
    row = connection.execute(query).first()
    return None if row is None else read_certificate(row.der)


def certificates_for(connection: Connection, eui: Eui64) -> list[Registered]:
    """Give every certificate of a party, hub or device, by issuer and serial number; revoked ones too."""
    return _registered(connection, certificate.c.eui == eui.signed)


def certificates_by_serial(connection: Connection, serial: int) -> list[Registered]:
    """Give the certificates with a serial number, by issuer: more than one where several issuers drew the same."""
    return _registered(connection, certificate.c.serial == str(serial))


def _registered(connection: Connection, condition: ColumnElement[bool]) -> list[Registered]:
    query = select(certificate.c.der, certificate.c.revoked_at).where(condition)
    rows = connection.execute(query.order_by(certificate.c.issuer, certificate.c.serial))
    return [Registered(read_certificate(row.der), row.revoked_at) for row in rows]


def certificates_in_role(
    connection: Connection, eui: Eui64, usage: KeyUsage, role: CertificateRole
) -> tuple[Certificate, ...]:
    """Find the certificates of a party in a role, newest serial number last; revoked ones do not count."""
    c = certificate.c
    held = (c.eui == eui.signed, c.usage == usage.value, c.role == int(role), c.revoked_at.is_(None))
    query = select(c.der).where(*held).order_by(c.serial)
    return tuple(read_certificate(der) for der in connection.execute(query).scalars())


def revoke(connection: Connection, issuer: str, serial: int, now: Instant) -> bool:
    """Revoke a certificate from `now` on. Returns: whether there was one."""
    done = connection.execute(
        update(certificate)
        .where(certificate.c.issuer == issuer, certificate.c.serial == str(serial))
        .values(revoked_at=now)
    )
    return done.rowcount == 1


class CertificateFinder:
    """Finds certificates of hubs and devices, each once a batch; those that are named `ahead` by one query for all."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._found: dict[tuple[Eui64, KeyUsage], Certificate | None] = {}
        self._unread: dict[tuple[Eui64, KeyUsage], bytes | None] = {}

    def ahead(self, euis: Iterable[Eui64]) -> None:
        """Look for all certificates of these; whoever has none is not looked for again."""
        names, c = list(dict.fromkeys(euis)), certificate.c
        self._unread |= dict.fromkeys(product(names, KeyUsage))
        for first in range(0, len(names), _NAMED_MAX):
            some = [eui.signed for eui in names[first : first + _NAMED_MAX]]
            query = select(c.eui, c.usage, c.der).where(c.eui.in_(some), c.revoked_at.is_(None))
            for eui, usage, der in self._connection.execute(query):
                self._unread[Eui64.from_signed(eui), KeyUsage(usage)] = der

    def __call__(self, eui: Eui64, usage: KeyUsage) -> Certificate | None:
        """Find the certificate of a device or hub for a usage."""
        key = (eui, usage)
        if key not in self._found:
            self._found[key] = self._read(key)
        return self._found[key]

    def _read(self, key: tuple[Eui64, KeyUsage]) -> Certificate | None:
        if key not in self._unread:
            return certificate_of(self._connection, *key)
        der = self._unread[key]
        return None if der is None else read_certificate(der)
