"""The firmware that an emulated device leaves its factory with: made up, but always the same for the same model."""

import hashlib
from typing import Final

from hanota.edge.estate.description import DeviceDescription
from hanota.wire.otaimage import GbImage, OtaHeader, Tail, fit_header

FACTORY_OCTETS: Final = 512
_LABEL: Final = b"hanota factory firmware"


def factory_image(device: DeviceDescription) -> GbImage:
    """Give the image that `device` runs until it is updated; its version is the described one."""
    seed = f"{device.manufacturer_text} {device.image_type:04X} {device.version_text}"
    content = hashlib.shake_256(f"hanota factory {seed}".encode()).digest(FACTORY_OCTETS)
    header = OtaHeader(
        manufacturer=device.manufacturer,
        image_type=device.image_type,
        file_version=device.firmware_version,
        label=_LABEL.ljust(32, b"\0"),
        file_octets=0,
        hardware_min=device.hardware_version,
        hardware_max=device.hardware_version,
    )
    return GbImage(header=fit_header(header, len(content), Tail.NONE), manufacturer_image=content)
