"""One frame from a hub, read and judged by itself: what frames in batches are held against."""

from dataclasses import dataclass

from hanota.process.intake import Asked, Ignored, SealCheck, open_other
from hanota.process.intake.frames import Claim, Told, claim_of
from hanota.process.intake.gbcs import FindCertificate
from hanota.wire.marks import count_holding
from hanota.wire.wan import uplink_from


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeFacts:
    """Facts that reading needs: certificates, and whether a MAC to the DCC holds (its key stays with `app`)."""

    certificate: FindCertificate
    seals_hold: SealCheck


def read_uplink_frame(octets: bytes, facts: HomeFacts) -> Told | Asked | Ignored:
    """Read one frame from a hub and look at its marks. Pure but for `facts`; no octets whatever make it raise."""
    claim = open_other(octets) if uplink_from(octets) is None else claim_of(octets, facts.certificate)
    if not isinstance(claim, Claim):
        return claim
    return claim.judged(count_holding([claim.marks])[0], facts.seals_hold)
