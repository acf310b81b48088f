"""Nodes made from description, keys and memory."""

import dataclasses

import pytest

from hanota.base.eui import Eui64
from hanota.edge.devices import HanDevice
from hanota.edge.estate import builtin_description
from hanota.edge.estate.building import NodeMaker
from hanota.edge.hub import CommsHub
from hanota.model.policies import Policies
from hanota.wire.smki.directory import KeyDirectory
from hanota.wire.smki.errors import CertificateMissing
from helpers.premises import CHF, DCC, ESME, IHD, PPMID, keys

HOME = builtin_description().premises[0]


def maker_of(**changes: object) -> NodeMaker:
    """A node maker for the built-in estate with the facts of the first home's devices changed."""
    devices = tuple(dataclasses.replace(device, **changes) for device in HOME.devices)
    estate = dataclasses.replace(builtin_description(), premises=(dataclasses.replace(HOME, devices=devices),))
    return NodeMaker(estate, keys(), Policies())


def test_every_address_of_a_home_has_its_node_and_the_gpf_lives_in_the_hub() -> None:
    maker = maker_of()
    nodes = [maker.make(address, {}) for address in maker.nodes_of(HOME)]
    assert [node.address for node in nodes] == [CHF, *(device.eui for device in HOME.devices)]
    assert [type(node) for node in nodes] == [CommsHub] + [HanDevice] * len(HOME.devices)


@pytest.mark.parametrize(("address", "speaks"), [(PPMID, True), (ESME, True), (IHD, False)])
def test_devices_inside_gbcs_have_credentials(address: Eui64, speaks: bool) -> None:
    device = maker_of().make(address, {})
    assert (device._identity.credentials is not None) == speaks


def test_the_makers_key_comes_from_its_certificate() -> None:
    assert maker_of().make(PPMID, {})._identity.maker_key is None
    assert maker_of(maker=ESME).make(PPMID, {})._identity.maker_key is not None


def test_without_the_acbs_certificates_there_is_no_estate() -> None:
    with pytest.raises(CertificateMissing, match=str(DCC)):
        NodeMaker(builtin_description(), KeyDirectory(), Policies())
