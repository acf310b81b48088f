"""Firmware image files: ZigBee OTA header and GB image. Building them is in `build`, parts of one in `segments`."""

from hanota.wire.otaimage.describe import describe, file_name
from hanota.wire.otaimage.errors import (
    ImageEmpty,
    ImageHeaderBeyondFile,
    ImageHeaderShort,
    ImageHeaderWrong,
    ImageMalformed,
    ImageOversized,
    ImageTailWrong,
    ImageTruncated,
)
from hanota.wire.otaimage.header import OtaHeader, read_header, write_header
from hanota.wire.otaimage.image import (
    GbImage,
    Tail,
    fit_header,
    likely_tail,
    read_image,
    sign_image,
    signature_holds,
    write_image,
)
from hanota.wire.otaimage.maker import MakerProblem, MakerReport, check_maker, sign_maker

__all__ = [
    "GbImage",
    "ImageEmpty",
    "ImageHeaderBeyondFile",
    "ImageHeaderShort",
    "ImageHeaderWrong",
    "ImageMalformed",
    "ImageOversized",
    "ImageTailWrong",
    "ImageTruncated",
    "MakerProblem",
    "MakerReport",
    "OtaHeader",
    "Tail",
    "check_maker",
    "describe",
    "file_name",
    "fit_header",
    "likely_tail",
    "read_header",
    "read_image",
    "sign_image",
    "sign_maker",
    "signature_holds",
    "write_header",
    "write_image",
]
