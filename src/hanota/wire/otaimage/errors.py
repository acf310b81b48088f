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


class SegmentShort(ImageMalformed, ValueShort):
    """The file ends inside the segment's own header."""

    code = "HOTA-IMAGE-020"
    remedy = "send the whole segment"


class SegmentWrong(ImageMalformed, ValueWrong):
    """A segment's own header contradicts itself or the file, or there is none where one should be."""

    code = "HOTA-IMAGE-021"
    remedy = "make the segments anew with `hanota image segment`"


class SegmentOfAnother(ImageMalformed):
    """Two segments that are not of one whole (facts: index, reason)."""

    code = "HOTA-IMAGE-022"
    what = "the segment of index {index} does not belong to the others: {reason}"
    remedy = "join segments that one `hanota image segment` has made"


class SegmentsMissing(ImageMalformed):
    """The segments are not each place of the whole once (facts: got, expected)."""

    code = "HOTA-IMAGE-023"
    what = "the segments given are {got}, expected {expected}"
    remedy = "give every segment once"


class WholeDiffers(ImageMalformed):
    """The whole is not what its segments say of it (facts: got, expected)."""

    code = "HOTA-IMAGE-024"
    what = "the segments together are {got}, but they say {expected}"
    remedy = "make the segments anew with `hanota image segment`"


class NothingToSplit(HanotaError):
    """An image that fits in one piece (facts: got, limit in octets)."""

    code, fault = "HOTA-IMAGE-025", Fault.REQUESTER
    what = "the file has {got} octets, which is within the limit of {limit}"
    remedy = "send it in one piece"


class NotSplittable(HanotaError):
    """An image that can't be cut into segments (facts: reason)."""

    code, fault = "HOTA-IMAGE-026", Fault.REQUESTER
    what = "the image can't be cut into segments: {reason}"
    remedy = "give the whole image as for a PPMID or IHD, and a limit that fits"
