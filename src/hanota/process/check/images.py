"""Rules for the image of a firmware request, 11.1 or 11.4. Source: R4, R6, R9; GBCS 11.2."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from hanota.base.errors import HanotaError
from hanota.base.vocabulary.devices import CplStatus
from hanota.model.policies import Policies, Strictness
from hanota.model.reasons import RequestReason
from hanota.process.check.rules import Rule, first_broken
from hanota.wire.duis import FirmwareRequest, RequestRow
from hanota.wire.otaimage import GbImage, Tail, read_image, signature_holds
from hanota.wire.otaimage.segments import Segment, read_segment
from hanota.wire.smki import Certificate

_TAILS: Final = {"11.1": Tail.SIGNED, "11.4": Tail.NONE}


@dataclass(frozen=True, kw_only=True)
class ImageCase:
    """A firmware request and the facts that its rules need.

    `product` asks the list for an image's best standing; `signers` are the sender's certificates as a Supplier;
    `contradiction` says how a segment does not fit those that its sender has sent before.
    """

    request: FirmwareRequest
    row: RequestRow
    policies: Policies
    product: Callable[[GbImage], CplStatus | None]
    contradiction: Callable[[Segment], str | None] = lambda _: None
    signers: Iterable[Certificate] = ()

    @cached_property
    def _read(self) -> tuple[GbImage, Segment | None] | HanotaError:
        try:
            image = read_image(self.request.image, _TAILS[self.row.srv])
            return image, read_segment(image)
        except HanotaError as error:
            return error

    @property
    def image_or_error(self) -> GbImage | HanotaError:
        """The image of the request, or why it can't be read."""
        return self._read if isinstance(self._read, HanotaError) else self._read[0]

    @property
    def image(self) -> GbImage:
        """The image; only rules behind `IMAGE_MALFORMED` may ask for it."""
        if isinstance(self.image_or_error, HanotaError):
            raise self.image_or_error
        return self.image_or_error

    @property
    def segment(self) -> Segment | None:
        """The image as a segment; None for one in one piece, and for one that can't be read."""
        return None if isinstance(self._read, HanotaError) else self._read[1]

    @cached_property
    def manufacturer_hash(self) -> bytes:
        """The hash that the Certified Product List names: of a segment it is the whole's."""
        return self.image.manufacturer_hash if self.segment is None else self.segment.header.whole_hash

    @property
    def whole_octets(self) -> int:
        """Size of the file that a device is to hold in the end."""
        return len(self.request.image) if self.segment is None else self.segment.common[0].file_octets

    @cached_property
    def standing(self) -> CplStatus | None:
        """Standing of the image on the Certified Product List."""
        return self.product(self.image)

    @cached_property
    def contradicts(self) -> str | None:
        """How it does not fit the segments sent before; None if it does, or is in one piece."""
        return None if self.segment is None else self.contradiction(self.segment)

    @property
    def signed(self) -> bool:
        """Whether the sender signed an image that wants a signature."""
        wanted = self.image.tail is Tail.SIGNED and self.policies.check.supplier_signature is Strictness.REFUSE
        return not wanted or any(signature_holds(self.image, signer.public_key) for signer in self.signers)


def _version_matches(case: ImageCase) -> bool:
    strict = case.policies.check.version_matches_header is Strictness.REFUSE
    return not strict or case.request.firmware_version.upper() == case.image.header.version_text.upper()


_R = RequestReason
IMAGE_CHECKS: Final[tuple[Rule[ImageCase], ...]] = (
    Rule(
        _R.IMAGE_TOO_LARGE,
        lambda case: len(case.request.image) <= case.policies.image.max_octets,
        lambda case: f"{len(case.request.image)} octets, the limit is {case.policies.image.max_octets}",
    ),
    Rule(
        _R.IMAGE_MALFORMED,
        lambda case: isinstance(case.image_or_error, GbImage),
        lambda case: str(case.image_or_error),
    ),
    Rule(
        _R.SEGMENTS_OFF,
        lambda case: case.segment is None or case.policies.image.segments,
        lambda _: "the image is a segment",
    ),
    Rule(
        _R.VERSION_NOT_IN_HEADER,
        _version_matches,
        lambda case: f"{case.request.firmware_version} in the request, {case.image.header.version_text} in the header",
    ),
    Rule(
        _R.SUPPLIER_SIGNATURE_BROKEN,
        lambda case: case.signed,
        lambda case: f"no signature of {case.request.header.request_id.originator} over the Manufacturer Image",
    ),
    Rule(
        _R.IMAGE_NOT_CERTIFIED,
        lambda case: case.standing is not None,
        lambda case: f"Manufacturer Image hash {case.manufacturer_hash.hex()}",
    ),
    Rule(
        _R.CERTIFICATION_NOT_ACTIVE,
        lambda case: case.standing is CplStatus.ACTIVE,
        lambda case: f"its entry is {case.standing}",
    ),
    Rule(_R.SEGMENT_CONTRADICTS, lambda case: case.contradicts is None, lambda case: f"{case.contradicts}"),
)


def judge_image(case: ImageCase) -> tuple[RequestReason, str] | None:
    """Give the reason of the first rule that does not hold, with its detail; None if all hold."""
    return first_broken(IMAGE_CHECKS, case)
