"""Radios by name, and a radio started as the command starts it."""

import asyncio
import threading
from pathlib import Path

import pytest
from zigpy.config import CONFIG_SCHEMA

from ether import Ether, MemoryRadio
from hanota.wire.zcl import Side
from hanota_radio import Air, HanApplication
from hanota_radio.application import HAN_CLUSTERS, SMART_ENERGY
from hanota_radio.errors import NoSuchRadio, RadioFailed
from hanota_radio.radios import RADIOS, Stick, find_radio, started, zigpy_config

ETHER = "ether:MemoryRadio"
PLACE = "radios/0000/00-DB-12-34-56-78-90-A2"


@pytest.mark.parametrize("name", ["nonsense", "no.such.module:Class", "ether:Ether", "ether:Nothing", *RADIOS])
def test_what_is_no_radio_here_is_refused_with_what_to_install(name: str) -> None:
    with pytest.raises(NoSuchRadio) as refused:
        find_radio(name)
    assert "pip install 'hanota-radio[" in str(refused.value)


def test_a_radio_is_found_by_module_and_class() -> None:
    assert find_radio(ETHER).__name__ == MemoryRadio.__name__


@pytest.mark.parametrize(("side", "servers", "clients"), [(Side.SERVER, 3, 0), (Side.CLIENT, 0, 3)])
def test_the_radio_shows_the_hans_clusters_on_an_endpoint_of_their_own(side: Side, servers: int, clients: int) -> None:
    stick = Stick(radio=ETHER, device=PLACE, side=side, channel=15)
    config = CONFIG_SCHEMA(zigpy_config(stick, Air()))
    (endpoint,) = config["additional_endpoints"]
    assert (endpoint.endpoint, endpoint.profile) == (3, SMART_ENERGY)
    assert (len(endpoint.input_clusters), len(endpoint.output_clusters)) == (servers, clients)
    assert {*endpoint.input_clusters, *endpoint.output_clusters} == HAN_CLUSTERS
    assert (config["ota"]["enabled"], config["ota"]["broadcast_enabled"], config["network"]["channel"]) == (
        False,
        False,
        15,
    )


def test_a_started_radio_has_the_endpoint_and_is_shut_down_in_the_end(tmp_path: Path) -> None:
    async def story() -> None:
        radio = find_radio(ETHER)
        ether = radio.ETHERS["radios"] = Ether()
        async with started(Stick(radio=ETHER, device=PLACE, database=tmp_path / "zigbee.sqlite")) as app:
            assert isinstance(app, HanApplication)
            assert 3 in [descriptor.endpoint for descriptor in app.endpoints]
            assert ether.radios
        assert not ether.radios
        assert (tmp_path / "zigbee.sqlite").is_file()

    asyncio.run(story())


def test_a_radio_that_does_not_start_is_told_with_its_reason_and_lets_go_of_its_database(tmp_path: Path) -> None:
    async def story() -> None:
        find_radio(ETHER).ETHERS.pop("radios", None)
        with pytest.raises(RadioFailed, match="radios"):
            async with started(Stick(radio=ETHER, device=PLACE, database=tmp_path / "zigbee.sqlite")):
                pass

    asyncio.run(story())  # would not end while the database's thread is there
    assert not [thread for thread in threading.enumerate() if "sqlite" in thread.name.lower()]
