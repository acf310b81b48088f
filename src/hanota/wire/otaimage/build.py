"""Images made from a description in TOML.

manufacturer = 0x121D
image_type = 0x0084
file_version = "0002012F"            # or a number
label = "PPMID firmware"
hardware_min = 0x1111                # both or neither
hardware_max = 0x1211
maker = "00-DB-12-34-56-78-90-FF"    # only if the maker signs: whose signature it is

[payload]                            # file = "firmware.bin", or made up:
octets = 65536
seed = 7                             # or pattern = "text that is repeated"

[tail]                               # for ESME, GSME and HCALCS
kind = "signed"
force_replace = 0
"""

import hashlib
import re
import tomllib
from typing import Annotated, Final, Self

from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from hanota.base.errors import BadValue, require
from hanota.base.eui import Eui64
from hanota.base.limits import IMAGE_OCTETS_MAX_SCHEMA
from hanota.wire.otaimage.errors import DescriptionWrong, KeyMissing
from hanota.wire.otaimage.header import LABEL_OCTETS, STACK_VERSION, OtaHeader
from hanota.wire.otaimage.image import GbImage, Tail, fit_header, sign_image
from hanota.wire.otaimage.maker import sign_maker

_VERSION_TEXT: Final = re.compile(r"[0-9A-Fa-f]{8}\Z")


def _version(value: object) -> object:
    """A file version may be written as DUIS does, in eight hex digits."""
    if not isinstance(value, str):
        return value
    if not _VERSION_TEXT.match(value):
        raise ValueError("Input should be a number or eight hex digits")
    return int(value, 16)


def _eui(value: object) -> object:
    try:
        return Eui64.parse(value) if isinstance(value, str) else value
    except BadValue as error:
        raise ValueError(error.explain()) from None


_U16 = Annotated[int, Field(ge=0, le=0xFFFF)]
_U32 = Annotated[int, Field(ge=0, le=0xFFFF_FFFF)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)


class PayloadDescription(_Part):
    """The firmware: the octets of a file, or `octets` many made from a seed or by repeating a pattern."""

    file: str | None = None
    octets: Annotated[int, Field(ge=1, le=IMAGE_OCTETS_MAX_SCHEMA)] | None = None
    seed: int | None = None
    pattern: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = [name for name in ("file", "seed", "pattern") if getattr(self, name) is not None]
        if len(sources) != 1 or (self.file is None) != (self.octets is not None):
            raise ValueError("give either file, or octets with one of seed and pattern")
        return self

    def make(self) -> bytes:
        """Make the octets up; the same description always gives the same ones. Raises DescriptionWrong for a file."""
        if self.octets is None:
            raise DescriptionWrong(problems=f"payload.file: {self.file} hasn't been read")
        if self.pattern is None:
            return hashlib.shake_256(f"hanota payload {self.seed}".encode()).digest(self.octets)
        pattern = self.pattern.encode()
        return (pattern * (self.octets // len(pattern) + 1))[: self.octets]


class TailDescription(_Part):
    """What follows the Manufacturer Image."""

    kind: Annotated[Tail, Field(strict=False)] = Tail.NONE
    force_replace: Annotated[int, Field(ge=0, le=0xFF)] = 0


class ImageDescription(_Part):
    """All that is needed to build an image, but the keys."""

    manufacturer: _U16
    image_type: _U16
    file_version: Annotated[_U32, BeforeValidator(_version)]
    label: str = ""
    hardware_min: _U16 | None = None
    hardware_max: _U16 | None = None
    stack_version: _U16 = STACK_VERSION
    maker: Annotated[Eui64 | None, BeforeValidator(_eui)] = None
    payload: PayloadDescription
    tail: TailDescription = TailDescription()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if (self.hardware_min is None) != (self.hardware_max is None):
            raise ValueError("hardware_min and hardware_max belong together")
        if self.hardware_min is not None and self.hardware_max is not None and self.hardware_min > self.hardware_max:
            raise ValueError("hardware_min is above hardware_max")
        if len(self.label.encode("ascii", "replace")) > LABEL_OCTETS or not self.label.isascii():
            raise ValueError(f"label is more than {LABEL_OCTETS} characters of ASCII")
        return self


def read_description(text: str) -> ImageDescription:
    """Read a description from TOML. Raises DescriptionWrong, which names every key at fault."""
    try:
        return ImageDescription.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise DescriptionWrong(problems=f"not TOML: {error}") from None
    except ValidationError as error:
        problems = [(".".join(map(str, found["loc"])), found["msg"]) for found in error.errors()]
        raise DescriptionWrong(
            problems="; ".join(f"{key}: {what}" if key else what for key, what in problems)
        ) from None


def build_image(
    description: ImageDescription,
    payload: bytes | None = None,
    *,
    supplier_key: ec.EllipticCurvePrivateKey | None = None,
    maker_key: ec.EllipticCurvePrivateKey | None = None,
) -> GbImage:
    """Build the image described; the same description, payload and keys always give the same octets.

    Args: payload: contents of the file that the description names. supplier_key: signs a signed tail. maker_key: signs
        inside the Manufacturer Image in the name of `maker`.
    Raises: KeyMissing; DescriptionWrong: a payload or a maker is missing.
    """
    content = description.payload.make() if payload is None else payload
    require(content, DescriptionWrong, problems="payload: there are no octets in it")
    if description.maker is not None:
        if maker_key is None:
            raise KeyMissing(whose="maker")
        content = sign_maker(content, description.maker, maker_key)
    elif maker_key is not None:
        raise DescriptionWrong(problems="maker: say whose signature the maker's key makes")
    header = OtaHeader(
        manufacturer=description.manufacturer,
        image_type=description.image_type,
        file_version=description.file_version,
        stack_version=description.stack_version,
        label=description.label.encode("ascii").ljust(LABEL_OCTETS, b"\0"),
        file_octets=0,
        hardware_min=description.hardware_min,
        hardware_max=description.hardware_max,
    )
    image = GbImage(header=fit_header(header, len(content), Tail.NONE), manufacturer_image=content)
    if description.tail.kind is Tail.NONE:
        return image
    if supplier_key is None:
        raise KeyMissing(whose="Supplier")
    return sign_image(image, supplier_key, description.tail.force_replace)
