"""An estate's description: what the built-in one holds, and errors that name table and key."""

import base64
import re
from pathlib import Path

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import parse_iso
from hanota.base.vocabulary.devices import CplStatus, DeviceType
from hanota.base.vocabulary.parties import UserRole
from hanota.edge.estate import DescriptionWrong, builtin_description, read_description
from hanota.edge.estate.description import parse_description
from hanota.edge.estate.factory import factory_image
from hanota.model.profiles import PROFILES
from hanota.wire.otaimage import Tail, read_image, write_image
from helpers.images import sample_esme
from helpers.premises import CHF, DCC, PPMID, SUPPLIER
from helpers.shared import shared

SUPPLIER_2 = Eui64.parse("90-B3-D5-1F-30-03-00-00")
SMALL = """
[dcc]
eui = "90-B3-D5-1F-30-00-00-02"
[[party]]
name = "Supplier 1"
eui = "90-B3-D5-1F-30-01-00-00"
roles = ["IS"]
[[premises]]
name = "Home"
address = "1 Lane"
postcode = "TE1 1AA"
uprn = 1
region = "North"
[premises.hub]
chf = "00-DB-12-34-56-78-90-A2"
gpf = "00-DB-12-34-56-78-90-A3"
firmware_version = "00009001"
gbcs_version = "4.3"
[[premises.meter_point]]
mpxn = "1234567890123"
device = "00-DB-12-34-56-78-90-A0"
[[premises.meter_point.supplier]]
since = 2024-01-01T00:00:00Z
party = "90-B3-D5-1F-30-01-00-00"
[[premises.device]]
eui = "00-DB-12-34-56-78-90-A0"
type = "ESME"
manufacturer = "121D"
model = "00001111"
firmware_version = "00010000"
gbcs_version = "4.3"
[[product]]
manufacturer = "121D"
model = "00001111"
firmware_version = "00010000"
manufacturer_hash = "0000000000000000000000000000000000000000000000000000000000000000"
predecessors = ["00000001"]
"""


def test_the_builtin_home_has_the_identities_of_the_industrys_examples() -> None:
    estate = builtin_description()
    home = estate.premises[0]
    assert (estate.dcc, home.hub.chf) == (DCC, CHF)
    assert {device.device_type: device.eui.value & 0xFF for device in home.devices} == {
        DeviceType.ESME: 0xA0,
        DeviceType.GSME: 0xA1,
        DeviceType.PPMID: 0xA4,
        DeviceType.HCALCS: 0xA5,
        DeviceType.IHD: 0xA6,
        DeviceType.CAD: 0xA7,
    }
    assert [point.suppliers[-1].party for point in home.meter_points] == [SUPPLIER, SUPPLIER_2]


def test_there_is_a_home_for_each_supplier_alone() -> None:
    _, second, third = builtin_description().premises
    assert {point.suppliers[-1].party for point in second.meter_points} == {SUPPLIER_2}
    assert {point.suppliers[-1].party for point in third.meter_points} == {SUPPLIER}
    for home in (second, third):
        assert DeviceType.PPMID in {device.device_type for device in home.devices}


def test_every_device_with_firmware_runs_a_certified_product() -> None:
    estate = builtin_description()
    hashes = {(p.manufacturer_text, p.model_text, p.version_text): p.manufacturer_hash for p in estate.products}
    for home in estate.premises:
        for device in home.devices:
            if PROFILES[device.device_type].ota:
                key = (device.manufacturer_text, device.model_text, device.version_text)
                assert hashes[key] == factory_image(device).manufacturer_hash


def test_the_example_image_of_the_industry_is_certified_for_the_ppmid() -> None:
    (file,) = (shared() / "duis" / "templates").glob("11.4_UPDATE_PPMID*")
    encoded = re.search(rb"FirmwareImage>([^<]+)<", file.read_bytes())
    image = read_image(base64.b64decode(encoded.group(1)), Tail.NONE)
    estate = builtin_description()
    product = next(product for product in estate.products if product.version_text == image.header.version_text)
    ppmid = next(device for device in estate.premises[0].devices if device.eui == PPMID)
    assert product.manufacturer_hash == image.manufacturer_hash
    assert (product.manufacturer, product.image_type) == (image.header.manufacturer, image.header.image_type)
    assert image.header.hardware_min <= ppmid.hardware_version <= image.header.hardware_max
    assert ppmid.firmware_version in product.predecessors


@pytest.mark.parametrize("device_type", [DeviceType.ESME, DeviceType.GSME, DeviceType.HCALCS])
def test_the_firmware_of_the_industrys_signed_sample_is_certified_for_all_whose_supplier_signs(
    device_type: DeviceType,
) -> None:
    image = read_image(sample_esme(), Tail.SIGNED)
    estate = builtin_description()
    device = next(device for device in estate.premises[0].devices if device.device_type is device_type)
    model = (device.manufacturer, device.image_type, device.hardware_version)
    (product,) = [
        product
        for product in estate.products
        if (product.manufacturer, product.image_type, product.hardware_version) == model
        and product.firmware_version == image.header.file_version
    ]
    assert product.manufacturer_hash == image.manufacturer_hash
    assert product.predecessors == (device.firmware_version,)
    assert image.header.hardware_min <= device.hardware_version <= image.header.hardware_max
    if device_type is DeviceType.ESME:
        assert (image.header.manufacturer, image.header.image_type) == model[:2]


def test_a_gas_meter_is_supplied_by_a_gas_supplier() -> None:
    estate = builtin_description()
    roles = {party.eui: party.roles for party in estate.parties}
    wanted = {DeviceType.ESME: UserRole.IMPORT_SUPPLIER, DeviceType.GSME: UserRole.GAS_SUPPLIER}
    for home in estate.premises:
        types = {device.eui: device.device_type for device in home.devices}
        for point in home.meter_points:
            assert all(wanted[types[point.device]] in roles[supply.party] for supply in point.suppliers)


def test_a_factory_image_is_always_the_same_and_well_formed() -> None:
    device = builtin_description().premises[0].devices[2]
    octets = write_image(factory_image(device))
    assert octets == write_image(factory_image(device))
    assert read_image(octets, Tail.NONE).header.file_version == device.firmware_version


def test_a_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    file = tmp_path / "estate.toml"
    file.write_text(SMALL)
    estate = read_description(file)
    device = estate.premises[0].devices[0]
    assert (device.capacity_octets, device.maker, device.model_text) == (768_000, None, "00001111")
    assert (device.smets_version, device.esme_variant, device.han_variant) == (None, "A", None)
    assert device.commissioned == parse_iso("2024-01-01T00:00:00Z")
    assert (estate.premises[0].hub.manufacturer_text, estate.premises[0].hub.model_text) == ("121D", "00A21111")
    assert estate.parties[0].callback is None
    assert estate.products[0].status is CplStatus.ACTIVE
    assert estate.products[0].predecessors == (1,)
    assert len(estate.nodes()) == 3


def test_callback_capacity_maker_and_status_may_be_given() -> None:
    text = SMALL.replace('roles = ["IS"]', 'roles = ["IS"]\ncallback = "http://127.0.0.1:1/x"')
    text = text.replace(
        'type = "ESME"', f'type = "ESME"\nmaker = "{SUPPLIER}"\ncapacity_octets = 5\nstatus = "Suspended"'
    )
    estate = parse_description(text)
    device = estate.premises[0].devices[0]
    assert estate.parties[0].callback == "http://127.0.0.1:1/x"
    assert (device.capacity_octets, device.maker, device.status) == (5, SUPPLIER, "Suspended")


def test_facts_for_the_inventory_may_be_given() -> None:
    facts = 'smets_version = "SMETS V2.0"\nesme_variant = "ADE"\ncommissioned = 2025-06-01T00:00:00Z\nhan_variant = "x"'
    text = SMALL.replace('type = "ESME"', f'type = "ESME"\n{facts}')
    estate = parse_description(
        text.replace("[premises.hub]", '[premises.hub]\nmanufacturer = "106C"\nmodel = "433100AC"')
    )
    home = estate.premises[0]
    device = home.devices[0]
    assert (device.smets_version, device.esme_variant, device.han_variant) == ("SMETS V2.0", "ADE", "x")
    assert device.commissioned == parse_iso("2025-06-01T00:00:00Z")
    assert (home.hub.manufacturer_text, home.hub.model_text, home.hub.version_text) == ("106C", "433100AC", "00009001")


def test_a_device_that_is_not_commissioned_has_no_date_of_it() -> None:
    text = SMALL.replace('type = "ESME"', 'type = "ESME"\nstatus = "Pending"')
    assert parse_description(text).premises[0].devices[0].commissioned is None


def test_only_an_esme_has_a_variant() -> None:
    text = SMALL.replace('type = "ESME"', 'type = "GSME"')
    assert parse_description(text).premises[0].devices[0].esme_variant is None
    with pytest.raises(DescriptionWrong, match="only an ESME"):
        parse_description(SMALL.replace('type = "ESME"', 'type = "GSME"\nesme_variant = "A"'))


POINT = "premises #1.meter_point #1"
DEVICE = "premises #1.device #1"
HUB = "premises #1.hub"
WRONG: tuple[tuple[str, str, str, str], ...] = (  # text, put in its place, table and key of the error
    ('[dcc]\neui = "90-B3-D5-1F-30-00-00-02"', "", "", "dcc"),
    ("[dcc]", "dcc = 1\n[other]", "", "dcc"),
    ('postcode = "TE1 1AA"', "", "premises #1", "postcode"),
    ('postcode = "TE1 1AA"', 'postcode = ""', "premises #1", "postcode"),
    ("uprn = 1", 'uprn = "one"', "premises #1", "uprn"),
    ("uprn = 1", "uprn = -1", "premises #1", "uprn"),
    ("uprn = 1", "uprn = 1\ncolour = 1", "premises #1", "colour"),
    ('region = "North"', 'region = "Moon"', "premises #1", "region"),
    ('roles = ["IS"]', 'roles = ["XX"]', "party #1", "roles"),
    ('roles = ["IS"]', 'roles = "IS"', "party #1", "roles"),
    ('type = "ESME"', 'type = "TOASTER"', DEVICE, "type"),
    ('type = "ESME"\nmanufacturer = "121D"', 'type = "ESME"\nmanufacturer = "G21D"', DEVICE, "manufacturer"),
    ('type = "ESME"\nmanufacturer = "121D"', 'type = "ESME"\nmanufacturer = "21D"', DEVICE, "manufacturer"),
    ('eui = "90-B3-D5-1F-30-01-00-00"', 'eui = "90"', "party #1", "eui"),
    ('gbcs_version = "4.3"\n[[premises.meter', 'model = "A2"\ngbcs_version = "4.3"\n[[premises.meter', HUB, "model"),
    ('type = "ESME"', 'type = "ESME"\ncommissioned = "once"', DEVICE, "commissioned"),
    ("since = 2024-01-01T00:00:00Z", 'since = "soon"', f"{POINT}.supplier #1", "since"),
    ("since = 2024-01-01T00:00:00Z", "since = 2024-01-01T00:00:00", f"{POINT}.supplier #1", "since"),
    ('device = "00-DB-12-34-56-78-90-A0"', 'device = "00-DB-12-34-56-78-90-A2"', POINT, "device"),
    (
        'party = "90-B3-D5-1F-30-01-00-00"',
        'party = "90-B3-D5-1F-30-09-00-00"',
        "premises 'Home'",
        "meter_point.supplier",
    ),
    ('gpf = "00-DB-12-34-56-78-90-A3"', 'gpf = "00-DB-12-34-56-78-90-A2"', "premises", "eui"),
    ('eui = "90-B3-D5-1F-30-01-00-00"', 'eui = "90-B3-D5-1F-30-00-00-02"', "party", "eui"),
    ('predecessors = ["00000001"]', 'predecessors = ["1"]', "product #1", "predecessors"),
    ("[[product]]", "[product]", "", "product"),
    ("[dcc]", "[dcc", "", ""),
)


@pytest.mark.parametrize(("old", "new", "table", "key"), WRONG)
def test_an_error_names_table_and_key(old: str, new: str, table: str, key: str) -> None:
    assert old in SMALL
    with pytest.raises(DescriptionWrong) as caught:
        parse_description(SMALL.replace(old, new, 1))
    assert (caught.value.facts["table"], caught.value.facts["key"]) == (table, key)


def test_suppliers_of_a_meter_point_stand_in_order_of_time() -> None:
    point = '[[premises.meter_point.supplier]]\nsince = 2024-01-01T00:00:00Z\nparty = "90-B3-D5-1F-30-01-00-00"\n'
    with pytest.raises(DescriptionWrong, match="earliest first"):
        parse_description(SMALL.replace(point, point + point))
    with pytest.raises(DescriptionWrong, match="earliest first"):
        parse_description(SMALL.replace(point, ""))
