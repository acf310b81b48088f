"""Certificates of parties, hubs and devices: entered, found, revoked."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

import polars as pl
from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, update

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.records.store.bulk import staged
from hanota.records.store.frames import fetched
from hanota.records.store.schema import certificate, device, premises
from hanota.wire.smki import Certificate, CertifiedKey, read_certificate

_AT_ONCE: Final = 1_000
_K = TypeVar("_K")
_NUMBERS: Final = {"issuer": pl.String, "serial": pl.String}


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
    given = list(certificates)
    numbers = {"issuer": [found.issuer for found in given], "serial": [str(found.serial) for found in given]}
    s, c = staged(connection, "certificates", pl.DataFrame(numbers, schema=_NUMBERS)), certificate.c
    same = (s.c.issuer == c.issuer) & (s.c.serial == c.serial)
    standing = set(map(tuple, connection.execute(select(c.issuer, c.serial).join_from(s, certificate, same))))
    rows = [
        {
            "issuer": found.issuer,
            "serial": str(found.serial),
            "eui": found.eui.signed,
            "role": None if found.role is None else int(found.role),
            "usage": found.usage.value,
            "der": found.der,
            "public_key": found.certified_key.point,
        }
        for found in given
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
    """Find the certificate of a device or hub for a usage; revoked ones do not count. Of several the one with the least
    key counts, here and wherever keys are found.
    """
    query = select(certificate.c.der).where(
        certificate.c.eui == eui.signed, certificate.c.usage == usage.value, certificate.c.revoked_at.is_(None)
    )
    row = connection.execute(query.order_by(certificate.c.public_key)).first()
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


class KeyFinder:
    """Finds the certified keys of hubs and devices, each once a batch.

    Those of `hubs` and of the devices in their homes are looked up together; what else is asked for, one by one.
    """

    def __init__(self, connection: Connection, hubs: Iterable[Eui64] = ()) -> None:
        self._connection = connection
        self._found: dict[tuple[Eui64, KeyUsage], CertifiedKey | None] = {}
        self._homes: dict[tuple[int, str], bytes] = {}
        for _, owner, usage, point in _of_homes(connection, hubs, KeyUsage):
            _keep_least(self._homes, (owner, usage), point)

    def __call__(self, eui: Eui64, usage: KeyUsage) -> CertifiedKey | None:
        """Find the certified key of a device or hub for a usage; a revoked one does not count."""
        key = (eui, usage)
        if key not in self._found:
            point = self._homes.get((eui.signed, usage.value))
            self._found[key] = self._alone(eui, usage) if point is None else CertifiedKey(eui, usage, point)
        return self._found[key]

    def _alone(self, eui: Eui64, usage: KeyUsage) -> CertifiedKey | None:
        return keys_of(self._connection, [eui], usage)(eui)


def keys_of_homes(connection: Connection, hubs: Iterable[Eui64], usage: KeyUsage) -> dict[int, dict[int, bytes]]:
    """Give by signed EUI of each hub the public keys (points) for a usage of all in its home, by their owners'."""
    homes: dict[int, dict[int, bytes]] = {}
    for hub, owner, _, point in _of_homes(connection, hubs, [usage]):
        _keep_least(homes.setdefault(hub, {}), owner, point)
    return homes


def keys_of(connection: Connection, owners: Iterable[Eui64], usage: KeyUsage) -> Callable[[Eui64], CertifiedKey | None]:
    """Find the certified keys of devices and hubs for a usage at once; revoked ones do not count. What it gives looks
    one up.
    """
    c = certificate.c
    held = c.eui.in_(bindparam("owners", expanding=True)), c.usage == usage, c.revoked_at.is_(None)
    points: dict[int, bytes] = {}
    for part in _in_parts(owners):
        for owner, point in connection.execute(select(c.eui, c.public_key).where(*held), {"owners": part}):
            _keep_least(points, owner, point)

    def key_of(owner: Eui64) -> CertifiedKey | None:
        point = points.get(owner.signed)
        return None if point is None else CertifiedKey(owner, usage, point)

    return key_of


def _keep_least(points: dict[_K, bytes], whose: _K, point: bytes) -> None:
    if point < points.setdefault(whose, point):
        points[whose] = point


def _of_homes(
    connection: Connection, hubs: Iterable[Eui64], usages: Iterable[KeyUsage]
) -> Iterator[tuple[int, int, str, bytes]]:
    """Give the hub, owner, usage and public key of each certificate of hubs and of what is in their homes."""
    c, d, p = certificate.c, device, premises
    query = (
        select(p.c.hub, c.eui, c.usage, c.public_key)
        .join_from(p, d, d.c.premises == p.c.id)
        .join(certificate, c.eui == d.c.eui)
        .where(p.c.hub.in_(bindparam("hubs", expanding=True)), c.usage.in_(usages), c.revoked_at.is_(None))
    )
    for part in _in_parts(hubs):
        result = connection.execute(query, {"hubs": part})
        for rows in fetched(result.cursor):
            yield from rows
        result.close()


def _in_parts(wanted: Iterable[Eui64]) -> Iterator[list[int]]:
    """Give signed EUIs, each once, as many at a time as one statement names."""
    numbers = sorted({eui.signed for eui in wanted})
    for first in range(0, len(numbers), _AT_ONCE):
        yield numbers[first : first + _AT_ONCE]
