"""Image files: the samples octet for octet, signatures, and refusals that name offset, got and expected."""

from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from hanota.base.eui import Eui64
from hanota.wire.layout import ValueUnwritable
from hanota.wire.otaimage import (
    GbImage,
    ImageEmpty,
    ImageHeaderBeyondFile,
    ImageHeaderShort,
    ImageHeaderWrong,
    ImageMalformed,
    ImageOversized,
    ImageTailWrong,
    ImageTruncated,
    OtaHeader,
    Tail,
    fit_header,
    likely_tail,
    read_header,
    read_image,
    sign_image,
    signature_holds,
    write_header,
    write_image,
)
from helpers.images import sample_esme, sample_ppmid
from helpers.shared import shared

HASH = "7542f475e3f12eae887d81e32c46d313741d67076b13caec2f82e00ba5e1bb36"
KEY = ec.derive_private_key(21, ec.SECP256R1())
HEADER = OtaHeader(
    manufacturer=0x121D,
    image_type=0x0084,
    file_version=0x0002012F,
    label=b"PPMID firmware".ljust(32, b"\0"),
    file_octets=64,
    hardware_min=0x1111,
    hardware_max=0x1211,
)
IMAGE = GbImage(header=HEADER, manufacturer_image=b"code")
FILE = write_image(IMAGE)
SIGNED = sign_image(IMAGE, KEY, force_replace=1)


def patched(octets: bytes, offset: int, change: str) -> bytes:
    new = bytes.fromhex(change)
    return octets[:offset] + new + octets[offset + len(new) :]


def test_the_sample_for_a_meter_is_read_and_written_octet_for_octet() -> None:
    octets = sample_esme()
    image = read_image(octets, Tail.SIGNED)
    assert (image.tail, image.force_replace, len(image.manufacturer_image)) == (Tail.SIGNED, 0, 235)
    assert (image.header.version_text, image.header.label_text) == ("ACDCACDC", "I am a GFI ESME[] firmware image")
    assert (image.header.header_octets, image.header.field_control, image.header.file_octets) == (60, 4, 361)
    assert image.manufacturer_hash.hex() == HASH
    assert write_image(image) == octets


def test_the_sample_for_a_ppmid_is_read_and_written_octet_for_octet() -> None:
    octets = sample_ppmid()
    image = read_image(octets, Tail.NONE)
    assert (image.tail, image.force_replace, image.signature) == (Tail.NONE, None, None)
    assert (image.header.manufacturer, image.header.image_type) == (0x121D, 0x0084)
    assert (image.header.hardware_min, image.header.hardware_max) == (0x1111, 0x1211)
    assert image.header.label_text == "I am a GFI PPMID firmware image"
    assert image.manufacturer_hash.hex() == HASH
    assert write_image(image) == octets


def test_the_supplier_signed_the_sample_over_the_manufacturer_image_alone() -> None:
    pem = (shared() / "vectors" / "certs" / "90b3d51f30010000-ds.pem").read_bytes()
    supplier = x509.load_pem_x509_certificate(pem).public_key()
    assert isinstance(supplier, ec.EllipticCurvePublicKey)
    image = read_image(sample_esme(), Tail.SIGNED)
    assert signature_holds(image, supplier)
    assert signature_holds(replace(image, force_replace=1), supplier)
    assert not signature_holds(replace(image, manufacturer_image=image.manufacturer_image[:-1]), supplier)
    assert not signature_holds(image, KEY.public_key())


def test_tails_of_the_samples_are_guessed_right() -> None:
    assert (likely_tail(sample_esme()), likely_tail(sample_ppmid()), likely_tail(b"")) == (
        Tail.SIGNED,
        Tail.NONE,
        Tail.NONE,
    )


def test_another_supplier_can_sign_the_same_manufacturer_image() -> None:
    mine = sign_image(read_image(sample_esme(), Tail.SIGNED), KEY)
    assert signature_holds(mine, KEY.public_key())
    assert mine.manufacturer_hash.hex() == HASH
    assert len(write_image(mine)) == 361


def test_an_unsigned_image_has_no_signature_that_holds() -> None:
    assert not signature_holds(IMAGE, KEY.public_key())


def test_signing_adds_the_tail_to_the_total_size() -> None:
    octets = write_image(SIGNED)
    assert len(octets) == SIGNED.header.file_octets == len(FILE) + 66
    assert octets[-66:-64] == b"\x01\x40"
    assert read_image(octets, Tail.SIGNED) == SIGNED


@pytest.mark.parametrize(
    ("optional", "field_control", "header_octets"),
    [
        ({}, 0, 56),
        ({"credential_version": 2}, 1, 57),
        ({"destination": Eui64(5)}, 2, 64),
        ({"hardware_min": 1, "hardware_max": 2}, 4, 60),
        ({"credential_version": 2, "destination": Eui64(5), "hardware_min": 1, "hardware_max": 2}, 7, 69),
    ],
)
def test_length_and_field_control_follow_from_the_optional_fields(
    optional: dict[str, object], field_control: int, header_octets: int
) -> None:
    none: dict[str, object] = dict.fromkeys(("credential_version", "destination", "hardware_min", "hardware_max"))
    header = replace(HEADER, **(none | optional))
    assert (header.field_control, header.header_octets) == (field_control, header_octets)
    assert read_header(write_header(header)) == header


REFUSALS = [
    ("nothing", b"", ImageHeaderShort, 0, 0, 4),
    ("ends in the identifier", FILE[:3], ImageHeaderShort, 0, 3, 4),
    ("ends in the header version", FILE[:5], ImageHeaderShort, 4, 1, 2),
    ("wrong magic", patched(FILE, 0, "1ef1ee0c"), ImageHeaderWrong, 0, "0xceef11e", "0xbeef11e"),
    ("wrong header version", patched(FILE, 4, "0002"), ImageHeaderWrong, 4, "0x200", "0x100"),
    ("header length beyond the file", patched(FILE, 6, "4100"), ImageHeaderBeyondFile, 6, 65, 64),
    ("header cut", FILE[:50], ImageHeaderBeyondFile, 6, 60, 50),
    ("header length too small", patched(FILE, 6, "3800"), ImageHeaderWrong, 6, "56", "60"),
    ("header length too large", patched(FILE, 6, "3d00"), ImageHeaderWrong, 6, "61", "60"),
    ("hardware bit cleared", patched(FILE, 8, "0000"), ImageHeaderWrong, 6, "60", "56"),
    ("reserved field control bit", patched(FILE, 8, "0c00"), ImageHeaderWrong, 8, "0xc", None),
    ("truncated", FILE[:-1], ImageTruncated, 52, 63, 64),
    ("oversized", FILE + b"x", ImageOversized, 52, 65, 64),
    ("total size mismatch", patched(FILE, 52, "ff000000"), ImageTruncated, 52, 64, 255),
    ("header only", write_header(replace(HEADER, file_octets=60)), ImageEmpty, 60, 0, 1),
]


@pytest.mark.parametrize(("why", "octets", "error", "offset", "got", "expected"), REFUSALS, ids=lambda v: str(v)[:40])
def test_a_bad_file_is_refused_at_the_octet(
    why: str, octets: bytes, error: type[ImageMalformed], offset: int, got: object, expected: object
) -> None:
    with pytest.raises(error) as caught:
        read_image(octets, Tail.NONE)
    facts = caught.value.facts
    assert isinstance(caught.value, ImageMalformed)
    assert (facts["offset"], facts["got"]) == (offset, got)
    assert expected is None or facts["expected"] == expected
    assert str(offset) in str(caught.value)
    assert str(got) in str(caught.value)


def test_a_signed_file_needs_room_for_its_tail() -> None:
    with pytest.raises(ImageEmpty) as caught:
        read_image(FILE, Tail.SIGNED)
    assert (caught.value.facts["got"], caught.value.facts["expected"]) == (4, 67)


def test_a_signature_length_other_than_0x40_is_refused() -> None:
    octets = patched(write_image(SIGNED), 65, "41")
    with pytest.raises(ImageTailWrong) as caught:
        read_image(octets, Tail.SIGNED)
    assert (caught.value.facts["offset"], caught.value.facts["got"]) == (65, "0x41")


@pytest.mark.parametrize(
    "image",
    [
        replace(IMAGE, manufacturer_image=b"longer code"),
        replace(SIGNED, force_replace=None),
        replace(SIGNED, force_replace=256),
        replace(SIGNED, signature=None),
        replace(SIGNED, signature=b"short"),
        replace(IMAGE, header=replace(HEADER, label=b"short")),
    ],
)
def test_an_image_that_contradicts_itself_is_not_written(image: GbImage) -> None:
    with pytest.raises(ValueUnwritable):
        write_image(image)


def test_the_header_is_fitted_to_what_follows() -> None:
    assert fit_header(HEADER, 100, Tail.NONE).file_octets == 160
    assert fit_header(HEADER, 100, Tail.SIGNED).file_octets == 226
