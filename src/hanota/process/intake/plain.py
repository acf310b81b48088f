"""Uplinks read and judged in plain values, so that a process without a store may do it, many at a time.

Most need the public keys of their home and no more. A MAC takes a secret: it is left to who asked, with all that it
takes to check it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from hanota.base.eui import Eui64
from hanota.base.vocabulary.parties import KeyUsage
from hanota.model.returns import Row, row_of
from hanota.process.intake.frames import Ignored, claim_of
from hanota.process.intake.gbcs import FindCertificate, Passed, SealCheck
from hanota.wire.gbcs import Seal
from hanota.wire.marks import count_holding
from hanota.wire.smki import CertifiedKey

Shut = tuple[bytes, Mapping[int, bytes]]
"""An uplink's octets; of its home the public keys (points) for digital signatures, by their owners' signed EUI."""


class Sealed(NamedTuple):
    """A MAC that is to hold: who is to have made it, and all that it takes to check it but the secret of the two."""

    originator: Eui64
    seal: Seal


class Spoken(NamedTuple):
    """What an uplink tells: its number, how many octets of it are to be kept, how many marks it has, what is wrong with
    it, its report, if it has one, and its message where that may concern a User. With `sealed` it tells that if that
    MAC holds.
    """

    event: int
    octets: int
    marks: int
    why: str | None = None
    row: Row | None = None
    passed: Passed | None = None
    sealed: Sealed | None = None


Plain = Spoken | str | None
"""What an uplink tells; or why it is ignored; or nothing, where somebody who is none of the home has signed."""


def read_plainly(uplinks: Iterable[Shut]) -> list[Plain]:
    """Read uplinks and look at their marks. Pure; no octets whatever make it raise."""
    return [_read(uplink) for uplink in uplinks]


def read_wholly(octets: bytes, certificate: FindCertificate, seals_hold: SealCheck) -> Spoken | str:
    """Read an uplink and look at its marks; or give why it is ignored. Pure but for the look-ups given."""
    claim = claim_of(octets, certificate)
    if isinstance(claim, Ignored):
        return claim.why
    told = claim.judged(count_holding([claim.marks])[0], seals_hold)
    if isinstance(told, Ignored):
        return told.why
    row = None if told.report is None else row_of(told.report)
    kept = 0 if row is None else len(claim.uplink.body)
    passed = None if told.opened is None else told.opened.passed
    return Spoken(told.event, kept, len(claim.marks), told.why, row, passed)


def _read(uplink: Shut) -> Plain:
    octets, keys = uplink
    home = _Home(keys)
    said = read_wholly(octets, home, home.leave)
    if home.strangers:
        return None
    return said if home.left is None or isinstance(said, str) else said._replace(sealed=home.left)


class _Home:
    """Finds keys of a home for signatures, and notes whom it does not find. Those for MACs have nothing in them here:
    MACs are `left` to whoever knows the secrets.
    """

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        self._keys = keys
        self.strangers = False
        self.left: Sealed | None = None

    def __call__(self, eui: Eui64, usage: KeyUsage) -> CertifiedKey | None:
        point = self._keys.get(eui.signed) if usage is KeyUsage.DIGITAL_SIGNATURE else b""
        self.strangers |= point is None
        return None if point is None else CertifiedKey(eui, usage, point)

    def leave(self, seals: Sequence[tuple[Seal, CertifiedKey]]) -> list[bool]:
        """Leave the MAC of a message to who asked: as far as is known here, it holds."""
        ((seal, device),) = seals
        self.left = Sealed(device.eui, seal)
        return [True]
