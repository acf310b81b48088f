"""Images built from a description, and described again."""

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from hanota.base.eui import Eui64
from hanota.wire.otaimage import Tail, check_maker, describe, file_name, read_image, signature_holds, write_image
from hanota.wire.otaimage.build import ImageDescription, PayloadDescription, build_image, read_description
from hanota.wire.otaimage.errors import DescriptionWrong, KeyMissing
from helpers.images import sample_esme, sample_ppmid

KEY = ec.derive_private_key(41, ec.SECP256R1())
BASE = """
manufacturer = 0x121D
image_type = 0x0084
file_version = "0002012F"
"""
HARDWARE = "hardware_min = 0x1111\nhardware_max = 0x1211\n"
SEED = "[payload]\noctets = 1000\nseed = 7\n"


def test_the_ppmid_sample_can_be_described_and_built() -> None:
    text = """
        manufacturer = 0x121D
        image_type = 0x0084
        file_version = 0xACDCACDC
        label = "I am a GFI PPMID firmware image "
        hardware_min = 0x1111
        hardware_max = 0x1211
        [payload]
        octets = 234
        pattern = "CriticalSoftware sample firmware image_"
    """
    payload = read_description(text).payload.make() + b"\n"
    assert write_image(build_image(read_description(text), payload)) == sample_ppmid()


def test_a_description_gives_every_header_field() -> None:
    header = build_image(read_description(BASE + HARDWARE + 'label = "x"\nstack_version = 3\n' + SEED)).header
    assert (header.manufacturer, header.image_type, header.file_version) == (0x121D, 0x0084, 0x0002012F)
    assert (header.hardware_min, header.hardware_max, header.stack_version) == (0x1111, 0x1211, 3)
    assert (header.label, header.file_octets) == (b"x".ljust(32, b"\0"), 1060)


def test_a_made_payload_depends_on_its_seed_alone() -> None:
    seven, again, eight = (PayloadDescription(octets=1000, seed=seed).make() for seed in (7, 7, 8))
    assert len(seven) == 1000
    assert seven == again != eight


def test_a_pattern_is_repeated_to_the_octet() -> None:
    assert PayloadDescription(octets=7, pattern="abc").make() == b"abcabca"


def test_a_meter_image_is_signed_by_its_supplier() -> None:
    described = read_description(BASE + SEED + '[tail]\nkind = "signed"\nforce_replace = 1\n')
    image = build_image(described, supplier_key=KEY)
    assert (image.tail, image.force_replace) == (Tail.SIGNED, 1)
    assert signature_holds(image, KEY.public_key())
    assert read_image(write_image(image), Tail.SIGNED) == image
    with pytest.raises(KeyMissing, match="Supplier"):
        build_image(described)


def test_a_maker_signs_inside_the_manufacturer_image() -> None:
    described = read_description(BASE + 'maker = "00-DB-12-34-56-78-90-FF"\n' + SEED)
    image = build_image(described, maker_key=KEY)
    report = check_maker(image.manufacturer_image, KEY.public_key())
    assert (bool(report), report.signer, len(report.firmware)) == (True, Eui64(0x00DB1234567890FF), 1000)
    with pytest.raises(KeyMissing, match="maker"):
        build_image(described)
    with pytest.raises(DescriptionWrong, match="say whose signature"):
        build_image(read_description(BASE + SEED), maker_key=KEY)


def test_a_payload_file_is_read_by_the_caller() -> None:
    described = read_description(BASE + '[payload]\nfile = "firmware.bin"\n')
    assert build_image(described, b"code").manufacturer_image == b"code"
    with pytest.raises(DescriptionWrong, match=r"firmware\.bin hasn't been read"):
        build_image(described)
    with pytest.raises(DescriptionWrong, match="no octets"):
        build_image(described, b"")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("manufacturer", "not TOML"),
        ("", "manufacturer: Field required"),
        (BASE, "payload: Field required"),
        (BASE.replace("0x121D", "0x1121D") + SEED, "manufacturer: "),
        (BASE.replace("0x121D", '"121D"') + SEED, "manufacturer: "),
        (BASE.replace("0x0084", "-1") + SEED, "image_type: "),
        (BASE.replace("0002012F", "2012F") + SEED, "file_version: .*eight hex digits"),
        (BASE.replace("0002012F", "0x02012F") + SEED, "file_version: .*eight hex digits"),
        (BASE.replace('"0002012F"', "0x100000000") + SEED, "file_version: "),
        (BASE + "colour = 1\n" + SEED, "colour: "),
        (BASE + 'maker = "00"\n' + SEED, "maker: .*eight hex pairs"),
        (BASE + "maker = 5\n" + SEED, "maker: "),
        (BASE + "hardware_min = 1\n" + SEED, "belong together"),
        (BASE + "hardware_min = 2\nhardware_max = 1\n" + SEED, "hardware_min is above"),
        (BASE + f'label = "{"x" * 33}"\n' + SEED, "label is more than 32"),
        (BASE + 'label = "é"\n' + SEED, "ASCII"),
        (BASE + "[payload]\noctets = 5\n", "payload: .*one of seed and pattern"),
        (BASE + "[payload]\nseed = 5\n", "payload: .*one of seed and pattern"),
        (BASE + '[payload]\noctets = 5\nfile = "a"\n', "payload: "),
        (BASE + "[payload]\noctets = 0\nseed = 1\n", "payload.octets: "),
        (BASE + SEED + '[tail]\nkind = "long"\n', "tail.kind: "),
        (BASE + SEED + "[tail]\nforce_replace = 256\n", "tail.force_replace: "),
    ],
)
def test_a_bad_description_names_the_key(text: str, named: str) -> None:
    with pytest.raises(DescriptionWrong, match=named):
        read_description(text)


def test_every_key_at_fault_is_named_at_once() -> None:
    with pytest.raises(DescriptionWrong, match=r"image_type: .*; .*file_version: .*; .*payload: "):
        read_description("manufacturer = 1\nimage_type = -1\n")


def test_a_description_can_be_made_in_code() -> None:
    described = ImageDescription(
        manufacturer=1, image_type=2, file_version=3, payload=PayloadDescription(octets=10, seed=1)
    )
    assert build_image(described).header.file_octets == 66


def test_an_image_is_described_as_the_standards_write_it() -> None:
    facts = describe(read_image(sample_esme(), Tail.SIGNED), supplier_key=KEY.public_key())
    assert json.loads(json.dumps(facts)) == facts
    assert facts["header"] == {
        "file_identifier": "0BEEF11E",
        "header_version": "0100",
        "header_octets": 60,
        "field_control": "0004",
        "manufacturer": "121D",
        "image_type": "0000",
        "file_version": "ACDCACDC",
        "stack_version": "0002",
        "label": "I am a GFI ESME[] firmware image",
        "file_octets": 361,
        "credential_version": None,
        "destination": None,
        "hardware_min": "1111",
        "hardware_max": "1211",
    }
    assert (facts["manufacturer_image"]["offset"], facts["manufacturer_image"]["octets"]) == (60, 235)
    assert (facts["tail"]["kind"], facts["tail"]["force_replace"], facts["tail"]["valid"]) == ("signed", 0, False)
    assert facts["maker"] == {"signed": False, "signer": None, "valid": None, "problem": "not signed by its maker"}


def test_optional_header_fields_are_described_too() -> None:
    image = build_image(read_description(BASE + SEED))
    header = replace(image.header, credential_version=2, destination=Eui64(5), file_octets=1065)
    facts = describe(replace(image, header=header))["header"]
    assert (facts["credential_version"], facts["destination"]) == (2, "00-00-00-00-00-00-00-05")
    assert (facts["hardware_min"], facts["hardware_max"]) == (None, None)


def test_a_file_is_named_after_its_contents() -> None:
    name = file_name(read_image(sample_ppmid(), Tail.NONE))
    assert name == "121D-0084-ACDCACDC-7542F475E3F12EAE887D81E32C46D313741D67076B13CAEC2F82E00BA5E1BB36.zigbee"
