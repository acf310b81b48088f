"""What a device checks before it takes an image, as ordered tables: the first row that fails is the reason (R9)."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple

from hanota.edge.devices.identity import DeviceIdentity
from hanota.wire.otaimage import GbImage, ImageMalformed, Tail, check_maker, read_image, signature_holds
from hanota.wire.otaimage.segments import read_segment_start


class Offer(NamedTuple):
    """What the hub says of the image it has."""

    manufacturer: int
    image_type: int
    file_version: int
    octets: int

    @property
    def image(self) -> tuple[int, int, int]:
        """The three numbers that name an image on the HAN."""
        return self[:3]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferCase:
    """An offer before the device that judges it."""

    identity: DeviceIdentity
    offer: Offer
    running_version: int
    downgrade_allowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCase:
    """A downloaded file before the device that judges it; `image` is None where the file can't be read."""

    identity: DeviceIdentity
    offer: Offer
    octets: bytes
    image: GbImage | None

    @property
    def manufacturer_hash(self) -> bytes:
        """SHA-256 of the Manufacturer Image; of the whole file where no Manufacturer Image can be told in it."""
        return self.image.manufacturer_hash if self.image is not None else sha256(self.octets).digest()

    @classmethod
    def of(cls, identity: DeviceIdentity, offer: Offer, octets: bytes) -> "ImageCase":
        """Read the file as one for this type of device."""
        try:
            image = read_image(octets, Tail.SIGNED if identity.profile.supplier_signed else Tail.NONE)
        except ImageMalformed:
            return cls(identity=identity, offer=offer, octets=octets, image=None)
        return cls(identity=identity, offer=offer, octets=octets, image=image)


OFFER_CHECKS: Final[tuple[tuple[str, Callable[[OfferCase], bool]], ...]] = (
    ("made by this device's manufacturer", lambda case: case.offer.manufacturer == case.identity.manufacturer),
    ("of this device's image type", lambda case: case.offer.image_type == case.identity.image_type),
    ("fits into a bank", lambda case: 0 < case.offer.octets <= case.identity.capacity_octets),
    ("not the version that runs", lambda case: case.offer.file_version != case.running_version),
    ("no downgrade", lambda case: case.downgrade_allowed or case.offer.file_version > case.running_version),
)


def _header_agrees(image: GbImage, case: ImageCase) -> bool:
    header = image.header
    return case.offer == (header.manufacturer, header.image_type, header.file_version, header.file_octets)


def _hardware_fits(image: GbImage, case: ImageCase) -> bool:
    low, high = image.header.hardware_min, image.header.hardware_max
    return low is None or high is None or low <= case.identity.hardware_version <= high


def _maker_signed(image: GbImage, case: ImageCase) -> bool:
    key = case.identity.maker_key
    return key is None or bool(check_maker(image.manufacturer_image, key))


def _supplier_signed(image: GbImage, case: ImageCase) -> bool:
    """Whether the responsible Supplier signed the Manufacturer Image, where the profile asks for it (GBCS 11.2.2)."""
    if not case.identity.profile.supplier_signed:
        return True
    credentials = case.identity.credentials
    anchor = credentials.supplier if credentials is not None else None
    return anchor is not None and signature_holds(image, anchor.public_key)


def _whole(image: GbImage, _: ImageCase) -> bool:
    """Whether it is no segment: what takes segments joins them before, and nothing may boot a part."""
    return read_segment_start(image.manufacturer_image) is None


_IMAGE_RULES: Final[tuple[tuple[str, Callable[[GbImage, ImageCase], bool]], ...]] = (
    ("header says what was offered", _header_agrees),
    ("whole", _whole),
    ("made for this hardware", _hardware_fits),
    ("signed by its maker", _maker_signed),
    ("signed by the Supplier", _supplier_signed),
)


def unfit_offer(case: OfferCase) -> str | None:
    """Name the first check that an offer fails, None when it passes all."""
    return next((name for name, holds in OFFER_CHECKS if not holds(case)), None)


def unfit_image(case: ImageCase) -> str | None:
    """Name the first check that a downloaded file fails, None when it passes all."""
    image = case.image
    if image is None:
        return "well formed"
    return next((name for name, holds in _IMAGE_RULES if not holds(image, case)), None)
