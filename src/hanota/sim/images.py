"""Image files of a plan's firmware, as Suppliers send them: whole or in segments, signed where the device wants it."""

import hashlib
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.edge.devices.banks import UNHEALTHY_MARK
from hanota.model.profiles import PROFILES
from hanota.sim.plan import Firmware
from hanota.wire.otaimage import GbImage, OtaHeader, Tail, fit_header, sign_image, write_image
from hanota.wire.otaimage.segments import split

_LABEL: Final = b"hanota simulated firmware"


@lru_cache(maxsize=256)
def plain_image(firmware: Firmware) -> GbImage:
    """Give the image as its maker made it, unsigned."""
    content = hashlib.shake_256(f"hanota town {firmware.content_seed}".encode()).digest(firmware.octets)
    if not firmware.healthy:
        content = (UNHEALTHY_MARK + content)[: max(firmware.octets, len(UNHEALTHY_MARK))]
    header = OtaHeader(
        manufacturer=firmware.manufacturer,
        image_type=firmware.image_type,
        file_version=firmware.version,
        label=_LABEL.ljust(32, b"\0"),
        file_octets=0,
        hardware_min=firmware.hardware_min,
        hardware_max=firmware.hardware_max,
    )
    return GbImage(header=fit_header(header, len(content), Tail.NONE), manufacturer_image=content)


def manufacturer_hash(firmware: Firmware) -> bytes:
    """Give the Manufacturer Image Hash, which the Certified Product List names."""
    return plain_image(firmware).manufacturer_hash


def whole_file(firmware: Firmware, key: ec.EllipticCurvePrivateKey, force_replace: int) -> bytes:
    """Give the image file as the Supplier who holds `key` sends it."""
    image = plain_image(firmware)
    if PROFILES[firmware.device_type].supplier_signed:
        image = sign_image(image, key, force_replace)
    return write_image(image)


def files_of(
    firmware: Firmware, key: ec.EllipticCurvePrivateKey, force_replace: int, octets_max: int
) -> tuple[bytes, ...]:
    """Give the files that a Supplier sends for it: one, or where that would be above the limit, its segments."""
    whole = whole_file(firmware, key, force_replace)
    if len(whole) <= octets_max or not PROFILES[firmware.device_type].segments:
        return (whole,)
    return tuple(write_image(part) for part in split(plain_image(firmware), octets_max))
