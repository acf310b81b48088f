"""Keys and certificates of the hubs and devices of a town, each its own, made when they are asked for.

A key comes from its owner's EUI-64, so a million of them need no memory. Certificates are one that was issued, with
subject, serial number and key put in: their issuer's signature is not made anew, for nothing that is measured looks at
it. A registry holds certificates that were checked before.
"""

import hashlib
import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import polars as pl
from cryptography.hazmat.primitives.asymmetric import ec

from hanota.app.pki import ISSUER_NAME, add_devices
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.parties import KeyUsage
from hanota.wire.ecdsa import point_of
from hanota.wire.smki import Certificate, Credential, KeyDirectory

_LIKE: Final = Eui64(0x00DB_7000_0000_0001)
_HIGHEST: Final = 1 << 255  # keys drawn below it are below the order of P-256, too
_SERIAL_OCTETS: Final = 16
_SEED: Final = 9
_OF_HUB: Final = (KeyUsage.DIGITAL_SIGNATURE,)
_OF_DEVICE: Final = (KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT)
_COLUMNS: Final = dict.fromkeys(("issuer", "serial"), pl.String) | {
    "eui": pl.Int64,
    "usage": pl.String,
    "der": pl.Binary,
    "public_key": pl.Binary,
}
_PLACES: Final = {KeyUsage.DIGITAL_SIGNATURE: 1, KeyUsage.KEY_AGREEMENT: 2}


class Identities:
    """Who the hubs and devices of a town are, under the issuing authority of `keys`."""

    def __init__(self, keys: KeyDirectory, now: Instant) -> None:
        rng = random.Random(_SEED)  # noqa: S311 - keys of a measurement, that open nothing
        issued = add_devices(KeyDirectory(authorities=[keys.authority(ISSUER_NAME)]), [_LIKE], rng=rng, now=now)
        self._like = {usage: issued.certificate(_LIKE, usage) for usage in _OF_DEVICE}
        self._around = {usage: _parted(certificate) for usage, certificate in self._like.items()}

    def credential(self, eui: Eui64, usage: KeyUsage) -> Credential:
        """Give the certificate and the key of a hub or device for a usage."""
        key = _key(eui, usage)
        der = self._der(eui, usage, point_of(key.public_key()))
        return Credential(replace(self._like[usage], eui=eui, serial=_serial(eui, usage), der=der), key)

    def rows(self, homes: Iterable[tuple[int, int]]) -> pl.DataFrame:
        """Give the certificates of homes, by hub and device as columns have them, as rows of the registry."""
        return pl.DataFrame(list(self._rows(homes)), schema=_COLUMNS, orient="row")

    def _rows(self, homes: Iterable[tuple[int, int]]) -> Iterator[tuple[str, str, int, str, bytes, bytes]]:
        for hub, device in homes:
            for owner, usages in ((hub, _OF_HUB), (device, _OF_DEVICE)):
                eui = Eui64.from_signed(owner)
                for usage in usages:
                    point = point_of(_key(eui, usage).public_key())
                    der = self._der(eui, usage, point)
                    yield self._like[usage].issuer, str(_serial(eui, usage)), owner, usage.value, der, point

    def _der(self, eui: Eui64, usage: KeyUsage, point: bytes) -> bytes:
        before_serial, before_key, before_eui, rest = self._around[usage]
        serial = _serial(eui, usage).to_bytes(_SERIAL_OCTETS, "big")
        return b"".join((before_serial, serial, before_key, point, before_eui, eui.octets, rest))


def _parted(like: Certificate) -> list[bytes]:
    """Give what stands around serial number, key and subject of a certificate, which follow each other."""
    parts, rest = [], like.der
    for field in (like.serial.to_bytes(_SERIAL_OCTETS, "big"), point_of(like.public_key), _LIKE.octets):
        before, _, rest = rest.partition(field)
        parts.append(before)
    return [*parts, rest]


def _key(eui: Eui64, usage: KeyUsage) -> ec.EllipticCurvePrivateKey:
    drawn = hashlib.sha256(b"%d %d" % (eui.value, _PLACES[usage])).digest()
    return ec.derive_private_key(int.from_bytes(drawn, "big") % _HIGHEST + 1, ec.SECP256R1())


def _serial(eui: Eui64, usage: KeyUsage) -> int:
    """Give a number of 16 octets, the first of which is no zero."""
    return 1 << 120 | eui.value << 8 | _PLACES[usage]
