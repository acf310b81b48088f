"""Nodes made from description, keys and memory."""

import dataclasses

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, Instant
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.devices import HanDevice
from hanota.edge.estate import builtin_description
from hanota.edge.estate.building import NodeMaker
from hanota.edge.estate.description import SupplyDescription
from hanota.edge.hub import CommsHub
from hanota.model.policies import Policies
from hanota.wire.smki.directory import KeyDirectory
from hanota.wire.smki.errors import CertificateMissing
from helpers.meters import GSME, HCALCS, SUPPLIER_2
from helpers.premises import CHF, DCC, ESME, IHD, NOW, OLD, PPMID, SUPPLIER, keys

HOME = builtin_description().premises[0]


def maker_of(**changes: object) -> NodeMaker:
    """A node maker for the built-in estate with the facts of the first home's devices changed."""
    devices = tuple(dataclasses.replace(device, **changes) for device in HOME.devices)
    estate = dataclasses.replace(builtin_description(), premises=(dataclasses.replace(HOME, devices=devices),))
    return NodeMaker(estate, keys(), Policies())


def test_every_address_of_a_home_has_its_node_and_the_gpf_lives_in_the_hub() -> None:
    maker = maker_of()
    nodes = [maker.make(address, {}, NOW) for address in maker.nodes_of(HOME)]
    assert [node.address for node in nodes] == [CHF, *(device.eui for device in HOME.devices)]
    assert [type(node) for node in nodes] == [CommsHub] + [HanDevice] * len(HOME.devices)


@pytest.mark.parametrize(("address", "speaks"), [(PPMID, True), (ESME, True), (IHD, False)])
def test_devices_inside_gbcs_have_credentials(address: Eui64, speaks: bool) -> None:
    device = maker_of().make(address, {}, NOW)
    assert (device._identity.credentials is not None) == speaks


def test_the_makers_key_comes_from_its_certificate() -> None:
    assert maker_of().make(PPMID, {}, NOW)._identity.maker_key is None
    assert maker_of(maker=ESME).make(PPMID, {}, NOW)._identity.maker_key is not None


def anchor(address: Eui64, now: Instant = NOW, **facts: object) -> Eui64 | None:
    """Whom the node made at `now` believes as its Supplier, with some facts of the first home changed."""
    home = dataclasses.replace(HOME, **facts)
    estate = dataclasses.replace(builtin_description(), premises=(home,))
    credentials = NodeMaker(estate, keys(), Policies()).make(address, {}, now)._identity.credentials
    return credentials.supplier and credentials.supplier.eui


def test_a_meter_trusts_its_own_supplier_and_an_hcalcs_that_of_the_electricity_meter() -> None:
    assert (anchor(ESME), anchor(GSME), anchor(HCALCS)) == (SUPPLIER, SUPPLIER_2, SUPPLIER)


def test_a_ppmid_trusts_no_supplier() -> None:
    assert anchor(PPMID) is None


def test_the_anchor_is_who_supplies_when_the_power_comes() -> None:
    change = Instant(NOW + DAY)
    electricity, gas = HOME.meter_points
    suppliers = (*electricity.suppliers, SupplyDescription(since=change, party=SUPPLIER_2))
    points = (dataclasses.replace(electricity, suppliers=suppliers), gas)
    for address in (ESME, HCALCS):
        assert anchor(address, Instant(change - 1), meter_points=points) == SUPPLIER
        assert anchor(address, change, meter_points=points) == SUPPLIER_2
        assert anchor(address, Instant(0), meter_points=points) is None


def test_without_a_meter_point_or_a_meter_there_is_no_anchor() -> None:
    assert anchor(ESME, meter_points=()) is None
    assert anchor(HCALCS, devices=tuple(device for device in HOME.devices if device.eui == HCALCS)) is None


def test_an_anchor_is_a_suppliers_signing_certificate() -> None:
    certificate = maker_of().make(ESME, {}, NOW)._identity.credentials.supplier
    assert (certificate.role, certificate.usage) == (CertificateRole.SUPPLIER, KeyUsage.DIGITAL_SIGNATURE)


def test_a_suppliers_certificate_that_is_missing_is_missed_when_the_power_comes() -> None:
    held = [found for found in keys().credentials() if found.certificate.eui != SUPPLIER]
    maker = NodeMaker(builtin_description(), KeyDirectory(held), Policies())
    with pytest.raises(CertificateMissing, match=str(SUPPLIER)):
        maker.make(ESME, {}, NOW)
    assert maker.make(GSME, {}, NOW).address == GSME


def test_a_hub_answers_for_its_two_functions_with_its_firmware() -> None:
    identity = maker_of().make(CHF, {}, NOW)._identity
    assert [function.address for function in identity.functions] == [CHF, HOME.hub.gpf]
    assert identity.firmware_version == HOME.hub.firmware_version != OLD


def test_without_the_acbs_certificates_there_is_no_estate() -> None:
    with pytest.raises(CertificateMissing, match=str(DCC)):
        NodeMaker(builtin_description(), KeyDirectory(), Policies())
