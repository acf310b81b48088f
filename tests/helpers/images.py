"""The industry's two sample images, as their DUIS requests carry them."""

import base64
import re

from helpers.shared import shared

_ELEMENT = re.compile(rb"FirmwareImage>([^<]+)<")


def sample_esme() -> bytes:
    """The image of the 11.1 sample, 361 octets with a signed tail."""
    return _image("11.1_UPDATE_FIRMWARE_REQUEST_DUIS.XML")


def sample_ppmid() -> bytes:
    """The image of the 11.4 sample, 295 octets without a tail."""
    return _image("11.4_UPDATE_PPMID_FIRMWARE_REQUEST_DUIS.XML")


def _image(name: str) -> bytes:
    found = _ELEMENT.search((shared() / "duis" / "templates" / name).read_bytes())
    assert found, f"{name} carries no image"
    return base64.b64decode(found[1])
