"""Checks of a whole request. Source order is precedence: the first row that does not hold is the answer.

Source: DUIS request matrix; R4, R6, R9. Meanings of the E11nnxx codes: docs/adr/0002.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from hanota.base.errors import HanotaError
from hanota.base.eui import Eui64
from hanota.base.vocabulary.devices import CplStatus
from hanota.base.vocabulary.parties import UserRole
from hanota.model.policies import Policies, Strictness
from hanota.model.reasons import RequestReason
from hanota.wire.duis import FirmwareRequest, RequestRow
from hanota.wire.otaimage import GbImage, Tail, read_image

_TAILS: Final = {"11.1": Tail.SIGNED, "11.4": Tail.NONE}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A request and the facts that its checks need. `product` asks the list for an image's best standing."""

    request: FirmwareRequest
    row: RequestRow
    service: str
    dcc: Eui64
    roles: frozenset[UserRole] | None
    policies: Policies
    product: Callable[[GbImage], CplStatus | None]

    @cached_property
    def image_or_error(self) -> GbImage | HanotaError:
        """The image of the request, or why it can't be read."""
        try:
            return read_image(self.request.image, _TAILS[self.row.srv])
        except HanotaError as error:
            return error

    @property
    def image(self) -> GbImage:
        """The image; only checks behind `image_is_readable` may ask for it."""
        if isinstance(self.image_or_error, HanotaError):
            raise self.image_or_error
        return self.image_or_error

    @cached_property
    def standing(self) -> CplStatus | None:
        """Standing of the image on the Certified Product List."""
        return self.product(self.image)


@dataclass(frozen=True, slots=True)
class RequestCheck:
    """One row: the reason that answers when `holds` is false, and a `detail` for the one who reads it."""

    reason: RequestReason
    holds: Callable[[Case], bool]
    detail: Callable[[Case], str]


def _version_matches(case: Case) -> bool:
    strict = case.policies.check.version_matches_header is Strictness.REFUSE
    return not strict or case.request.firmware_version.upper() == case.image.header.version_text.upper()


_R = RequestReason
REQUEST_CHECKS: Final = (
    RequestCheck(
        _R.ORIGINATOR_UNKNOWN,
        lambda case: case.roles is not None,
        lambda case: f"{case.request.header.request_id.originator}",
    ),
    RequestCheck(
        _R.ROLE_NOT_ELIGIBLE,
        lambda case: bool(case.row.eligible & (case.roles or frozenset())),
        lambda case: f"has {', '.join(sorted(case.roles or ()))}; needs one of {', '.join(sorted(case.row.eligible))}",
    ),
    RequestCheck(
        _R.WRONG_COMMAND_VARIANT,
        lambda case: case.request.header.command_variant in case.row.command_variants,
        lambda case: f"command variant {case.request.header.command_variant}",
    ),
    RequestCheck(
        _R.WRONG_WEB_SERVICE,
        lambda case: case.service == "D",
        lambda case: f"came by service{case.service}, belongs to serviceD",
    ),
    RequestCheck(
        _R.WRONG_TARGET,
        lambda case: case.request.header.request_id.target == case.dcc,
        lambda case: f"target {case.request.header.request_id.target}, the DCC is {case.dcc}",
    ),
    RequestCheck(
        _R.IMAGE_TOO_LARGE,
        lambda case: len(case.request.image) <= case.policies.image.max_octets,
        lambda case: f"{len(case.request.image)} octets, the limit is {case.policies.image.max_octets}",
    ),
    RequestCheck(
        _R.IMAGE_MALFORMED,
        lambda case: isinstance(case.image_or_error, GbImage),
        lambda case: str(case.image_or_error),
    ),
    RequestCheck(
        _R.VERSION_NOT_IN_HEADER,
        _version_matches,
        lambda case: f"{case.request.firmware_version} in the request, {case.image.header.version_text} in the header",
    ),
    RequestCheck(
        _R.IMAGE_NOT_CERTIFIED,
        lambda case: case.standing is not None,
        lambda case: f"Manufacturer Image hash {case.image.manufacturer_hash.hex()}",
    ),
    RequestCheck(
        _R.CERTIFICATION_NOT_ACTIVE,
        lambda case: case.standing is CplStatus.ACTIVE,
        lambda case: f"its entry is {case.standing}",
    ),
)


def judge_request(case: Case) -> tuple[RequestReason, str] | None:
    """Give the reason of the first check that does not hold, with its detail; None if all hold."""
    for check in REQUEST_CHECKS:
        if not check.holds(case):
            return check.reason, check.detail(case)
    return None
