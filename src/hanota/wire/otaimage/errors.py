"""What can be wrong with an image file. All carry the facts field, offset, got and expected."""

from hanota.base.errors import Fault, HanotaError
from hanota.wire.layout import ValueShort, ValueWrong, WireError


class ImageMalformed(WireError):
    """Base of refusals of an image file."""

    code, fault = "HOTA-IMAGE-000", Fault.REQUESTER


class ImageHeaderShort(ImageMalformed, ValueShort):
    """The file ends inside the header."""

    code = "HOTA-IMAGE-001"
    remedy = "send the whole file"


class ImageHeaderWrong(ImageMalformed, ValueWrong):
    """A header field holds what it may not hold, e.g. another file identifier, or a length its field control
    forbids."""

    code = "HOTA-IMAGE-002"
    remedy = "build the file anew, e.g. with `hanota image build`"


class ImageHeaderBeyondFile(ImageMalformed):
    """The header says that it is longer than the file."""

    code = "HOTA-IMAGE-003"
    what = "{field} at offset {offset} is {got}, expected at most the file's {expected} octets"
    remedy = "send the whole file"


class ImageTruncated(ImageMalformed):
    """The file is shorter than its header says."""

    code = "HOTA-IMAGE-004"
    what = "the file ends at offset {got}, expected {expected} octets ({field} at offset {offset})"
    remedy = "send the whole file"


class ImageOversized(ImageMalformed):
    """The file is longer than its header says."""

    code = "HOTA-IMAGE-005"
    what = "the file has {got} octets, expected {expected} ({field} at offset {offset}): octets follow its end"
    remedy = "remove what follows the image, or build the file anew"


class ImageEmpty(ImageMalformed):
    """There is no Manufacturer Image between header and tail."""

    code = "HOTA-IMAGE-006"
    what = "{got} octets follow the header at offset {offset}, expected at least {expected}"
    remedy = "send the whole file, made for this type of device"


class ImageTailWrong(ImageMalformed):
    """What should be the tail of a signed image isn't."""

    code = "HOTA-IMAGE-007"
    what = "{field} at offset {offset} is {got}, expected {expected}"
    remedy = "sign the image for this type of device (GBCS 11.2.2), or declare that it has no tail"


class DescriptionWrong(HanotaError):
    """An image description that can't be followed (facts: problems)."""

    code, fault = "HOTA-IMAGE-010", Fault.REQUESTER
    what = "the image description can't be followed: {problems}"
    remedy = "correct the keys named"


class KeyMissing(HanotaError):
    """A signature is asked for, but there is no key to make it with (facts: whose)."""

    code, fault = "HOTA-IMAGE-011", Fault.REQUESTER
    what = "the image is to carry the signature of the {whose}, but there is no key for it"
    remedy = "give the private key of the {whose}"
