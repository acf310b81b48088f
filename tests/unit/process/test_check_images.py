"""The rules for the image of a firmware request: each row is hit alone, and the earlier of two is the answer."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from hanota.base.errors import HanotaError
from hanota.base.vocabulary.devices import CplStatus
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.model.policies import CheckPolicy, ImagePolicy, Policies, Strictness
from hanota.model.reasons import RequestReason
from hanota.process.check import IMAGE_CHECKS, ImageCase, judge_image
from hanota.wire.duis import REQUESTS
from hanota.wire.otaimage import sign_image, write_image
from hanota.wire.otaimage.segments import split
from helpers.images import sample_esme
from helpers.meters import signed_image
from helpers.premises import NEW, ppmid_file
from helpers.world import SUPPLIER_1, SUPPLIER_2, image, keys, read, request

_R = RequestReason


def signer(party: Any = SUPPLIER_1) -> Any:
    return keys().credential(party, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.SUPPLIER)


def esme_file(**facts: Any) -> bytes:
    """An ESME image that Supplier 1 of this bench signed."""
    return write_image(sign_image(signed_image(**facts), signer().key))


def segment_file() -> bytes:
    """The first segment of an image, signed as an ESME wants it."""
    return write_image(sign_image(split(read(image()), 300)[0], signer().key))


def case(srv: str = "11.4", **changes: Any) -> ImageCase:
    asked = request()
    body = {"image": esme_file()} if srv == "11.1" else {}
    body |= {name: changes.pop(name) for name in ("image", "firmware_version") if name in changes}
    facts: dict[str, Any] = {
        "request": replace(asked, **body),
        "row": REQUESTS[srv],
        "policies": Policies(),
        "product": lambda _: CplStatus.ACTIVE,
        "signers": [signer().certificate],
    }
    return ImageCase(**(facts | changes))


def reason(srv: str = "11.4", **changes: Any) -> RequestReason | None:
    found = judge_image(case(srv, **changes))
    return found[0] if found else None


TIGHT = Policies(image=ImagePolicy(max_octets=300))
BREAKS: dict[RequestReason, dict[str, Any]] = {  # of an 11.1
    _R.IMAGE_TOO_LARGE: {"policies": TIGHT},
    _R.IMAGE_MALFORMED: {"image": image()[:-1]},
    _R.SEGMENTS_OFF: {"image": segment_file(), "policies": Policies(image=ImagePolicy(segments=False))},
    _R.VERSION_NOT_IN_HEADER: {"firmware_version": "00000000"},
    _R.SUPPLIER_SIGNATURE_BROKEN: {"signers": [signer(SUPPLIER_2).certificate]},
    _R.IMAGE_NOT_CERTIFIED: {"product": lambda _: None},
    _R.CERTIFICATION_NOT_ACTIVE: {"product": lambda _: CplStatus.WITHDRAWN},
    _R.SEGMENT_CONTRADICTS: {"image": segment_file(), "contradiction": lambda _: "another count"},
}


@pytest.mark.parametrize("srv", ["11.1", "11.4"])
def test_a_good_request_breaks_no_rule(srv: str) -> None:
    assert judge_image(case(srv)) is None


def test_every_row_of_the_table_is_tried() -> None:
    assert list(BREAKS) == [check.reason for check in IMAGE_CHECKS]


@pytest.mark.parametrize("broken", BREAKS)
def test_a_broken_rule_is_the_answer(broken: RequestReason) -> None:
    found = judge_image(case("11.1", **BREAKS[broken]))
    assert found is not None
    assert found[0] is broken
    assert found[1]


PAIRS = [  # that one request can break: a field has one value
    (first, second) for first, second in itertools.combinations(BREAKS, 2) if not BREAKS[first].keys() & BREAKS[second]
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_broken_rules_the_earlier_is_the_answer(first: RequestReason, second: RequestReason) -> None:
    assert reason("11.1", **BREAKS[first], **BREAKS[second]) is first


def test_the_limit_of_an_image_is_inclusive_and_counts_the_header() -> None:  # R6
    assert reason(policies=Policies(image=ImagePolicy(max_octets=len(image())))) is None
    assert judge_image(case(policies=TIGHT)) == (_R.IMAGE_TOO_LARGE, "600 octets, the limit is 300")


def test_the_limit_is_750_kb_by_default() -> None:
    octets = 750 * 1024
    assert reason(image=ppmid_file(octets)) is None
    assert reason(image=ppmid_file(octets + 1)) is _R.IMAGE_TOO_LARGE


def test_an_image_without_its_suppliers_signature_is_malformed_for_11_1() -> None:
    assert reason("11.1", image=image()) is _R.IMAGE_MALFORMED


def test_for_11_4_what_follows_the_header_is_all_manufacturer_image() -> None:
    """So the list does not have the hash of one that carries a signature."""
    signed, bare = case("11.1").image, case("11.4", image=esme_file()).image
    assert bare.manufacturer_image.startswith(signed.manufacturer_image)
    assert bare.manufacturer_hash != signed.manufacturer_hash


def test_an_image_that_cannot_be_read_has_its_error_and_no_value() -> None:
    broken = case(image=b"no image")
    assert isinstance(broken.image_or_error, HanotaError)
    with pytest.raises(HanotaError):
        _ = broken.image
    assert str(broken.image_or_error) in str(judge_image(broken))


def test_the_version_is_compared_without_regard_to_case() -> None:
    file = ppmid_file(600, version=0xABCDEF01)
    for text in ("abcdef01", "ABCDEF01", "AbCdEf01"):
        assert reason(image=file, firmware_version=text) is None
    assert reason(image=file, firmware_version="ABCDEF02") is _R.VERSION_NOT_IN_HEADER


def _warn(check: str) -> Policies:
    return Policies(check=CheckPolicy(**{check: Strictness.WARN}))


def test_policy_warn_lets_another_version_pass() -> None:  # R9: the industry's sample needs it
    assert reason(firmware_version="00000000", policies=_warn("version_matches_header")) is None


def test_any_certificate_in_force_of_the_sender_as_supplier_will_do() -> None:
    both = [signer(SUPPLIER_2).certificate, signer().certificate]
    assert reason("11.1", signers=both) is None
    assert reason("11.1", signers=[]) is _R.SUPPLIER_SIGNATURE_BROKEN


def test_one_octet_changed_under_the_signature_breaks_it() -> None:
    octets = bytearray(esme_file())
    octets[100] ^= 1  # of the Manufacturer Image
    assert reason("11.1", image=bytes(octets)) is _R.SUPPLIER_SIGNATURE_BROKEN


def test_policy_warn_lets_the_industrys_sample_pass_whose_signer_is_nobody_here() -> None:
    sample = {"image": sample_esme(), "firmware_version": "ACDCACDC"}
    assert reason("11.1", **sample) is _R.SUPPLIER_SIGNATURE_BROKEN
    assert reason("11.1", **sample, policies=_warn("supplier_signature")) is None


def test_a_ppmid_image_wants_no_signature() -> None:
    assert reason("11.4", signers=[]) is None


@pytest.mark.parametrize("status", CplStatus)
def test_only_an_active_entry_will_do(status: CplStatus) -> None:  # R4
    expected = None if status is CplStatus.ACTIVE else _R.CERTIFICATION_NOT_ACTIVE
    assert reason(product=lambda _: status) is expected


def test_the_list_is_asked_once() -> None:
    asked: list[object] = []
    assert reason(product=lambda found: asked.append(found) or CplStatus.ACTIVE) is None
    assert len(asked) == 1


def test_the_version_of_the_test_image_is_that_of_the_request() -> None:
    assert case("11.1").image.header.file_version == NEW
