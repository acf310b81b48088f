"""The maker's own signature, optional, as the last 76 octets of a Manufacturer Image.

GBCS leaves a Manufacturer Image to its maker, an image for a PPMID has no other signature, and the OTA cluster carries
no hash. So a device whose model has a maker's key can ask for this:

    firmware ‖ magic "HMS1" (4) ‖ EUI-64 of the signer (8, big-endian) ‖ signature r‖s (64)

The signature is ECDSA P-256 with SHA-256 over all that stands before it: firmware, magic and signer.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.base.eui import Eui64
from hanota.wire import ecdsa
from hanota.wire.layout import BIG, Eui64Field, ValueWrong, constant32, fixed, layout

_MAGIC: Final = int.from_bytes(b"HMS1", "big")


@dataclass(frozen=True, slots=True)
class MakerTrailer:
    """The last octets of a Manufacturer Image that its maker signed."""

    signer: Eui64Field
    signature: Annotated[bytes, fixed(ecdsa.SIGNATURE_OCTETS)]


TRAILER: Final = layout(MakerTrailer, BIG, (constant32("magic", _MAGIC),))
TRAILER_OCTETS: Final = 4 + 8 + ecdsa.SIGNATURE_OCTETS


class MakerProblem(StrEnum):
    """Why a maker's signature can't be relied on."""

    NOT_SIGNED = "not signed by its maker"
    KEY_NOT_GIVEN = "no key of the maker to check with"
    SIGNATURE_WRONG = "the signature is not that key's over these octets"


@dataclass(frozen=True, slots=True)
class MakerReport:
    """What a check found; true if the maker's signature is there and holds. `signer` is only claimed until then."""

    signer: Eui64 | None
    firmware: bytes
    problem: MakerProblem | None

    def __bool__(self) -> bool:
        return self.problem is None


def sign_maker(firmware: bytes, signer: Eui64, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Give the Manufacturer Image: `firmware` with its maker's signature behind it."""
    unsigned = firmware + TRAILER.write(MakerTrailer(signer, bytes(ecdsa.SIGNATURE_OCTETS)))
    signed = unsigned[: -ecdsa.SIGNATURE_OCTETS]
    return signed + ecdsa.sign(signed, key)


def check_maker(manufacturer_image: bytes, key: ec.EllipticCurvePublicKey | None) -> MakerReport:
    """Check the maker's signature inside a Manufacturer Image with the maker's key; never raises on bad images."""
    at = len(manufacturer_image) - TRAILER_OCTETS
    if at < 0:
        return MakerReport(None, manufacturer_image, MakerProblem.NOT_SIGNED)
    try:
        trailer = TRAILER.read_whole(manufacturer_image, at)
    except ValueWrong:
        return MakerReport(None, manufacturer_image, MakerProblem.NOT_SIGNED)
    problem: MakerProblem | None = None
    if key is None:
        problem = MakerProblem.KEY_NOT_GIVEN
    elif not ecdsa.holds(trailer.signature, manufacturer_image[: -ecdsa.SIGNATURE_OCTETS], key):
        problem = MakerProblem.SIGNATURE_WRONG
    return MakerReport(trailer.signer, manufacturer_image[:at], problem)
