"""A whole run over two radios: hanota serves, hanota takes; and what the order's end does to the next run."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ether import Ether, MemoryRadio, clock, config, meet, run
from hanota.base.eui import Eui64
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.effects import Note
from hanota.model.policies import HanPolicy, Policies
from hanota.wire.otaimage import ImageMalformed
from hanota_radio import Air, HanApplication, on_han
from hanota_radio.application import SMART_ENERGY
from hanota_radio.session import Join, Run, serve, stand
from hanota_radio.standalone import Progress
from helpers.premises import CHF, NEW, OLD, ppmid_file

IHD = Eui64.parse("00-DB-12-34-56-78-90-A6")
IMAGE = ppmid_file(3_000)
FACTORY = ppmid_file(500, version=OLD)
QUICK = Policies(han=HanPolicy(min_block_period_ms=0))


@asynccontextmanager
async def home() -> AsyncIterator[tuple[HanApplication, HanApplication]]:
    """A hub's stick and a device's stick, which know each other."""
    MemoryRadio.ETHERS["home"] = Ether()
    hub = await on_han(MemoryRadio).new(config("home", 0x0000, CHF))
    device = await on_han(MemoryRadio).new(config("home", 0x1111, IHD))
    meet(hub, IHD, 0x1111, profile=SMART_ENERGY, endpoint=3)
    meet(device, CHF, 0x0000, profile=SMART_ENERGY, endpoint=3)
    try:
        yield hub, device
    finally:
        await hub.shutdown()
        await device.shutdown()


def running(folder: Path | None = None, **facts: Any) -> Run:
    return Run(folder=folder, policies=QUICK, clock=clock, **facts)


async def bring(app: HanApplication, what: Run, image: bytes = IMAGE, **facts: Any) -> Progress | None:
    return await serve(app, what, device=IHD, device_type=DeviceType.IHD, image=image, **facts)


def test_one_stick_serves_and_the_other_ends_on_the_new_version() -> None:
    async def story() -> None:
        heard: list[Progress] = []
        async with home() as (hub, device):
            ended, version = await asyncio.gather(
                bring(hub, running(), tell=heard.append),
                stand(device, running(wait_s=3600), hub=CHF, firmware=FACTORY),
            )
            assert version == NEW
            assert ended is not None
            assert (ended.well, ended.octets, str(ended)) == (True, len(IMAGE), "transferred")
            assert [str(progress) for progress in heard][:2] == ["accepted", "held"]

    run(story())


def test_a_run_that_was_stopped_goes_on_with_the_same_order(tmp_path: Path) -> None:
    async def story() -> None:
        async with home() as (hub, device):
            assert await bring(hub, running(tmp_path, wait_s=60)) is None
            number = json.loads((tmp_path / "order.json").read_text())["order"]
            notes: list[Note] = []
            ended, version = await asyncio.gather(
                bring(hub, running(tmp_path, observe=notes.append)),
                stand(device, running(wait_s=3600), hub=CHF, firmware=FACTORY),
            )
            assert ended is not None
            assert version == NEW
            assert {note.facts["order"] for note in notes if note.kind == "image_notify"} == {number}
            assert not (tmp_path / "order.json").exists()

    run(story())


def test_another_image_takes_the_place_of_one_that_was_given_up(tmp_path: Path) -> None:
    async def story() -> None:
        async with home() as (hub, device):
            assert await bring(hub, running(tmp_path, wait_s=60), ppmid_file(2_000)) is None
            ended, version = await asyncio.gather(
                bring(hub, running(tmp_path)),
                stand(device, running(wait_s=3600), hub=CHF, firmware=FACTORY),
            )
            assert ended is not None
            assert (ended.well, version) == (True, NEW)

    run(story())


def test_an_image_that_the_device_will_not_have_ends_badly() -> None:
    async def story() -> None:
        async with home() as (hub, device):
            standing = asyncio.ensure_future(stand(device, running(), hub=CHF, firmware=FACTORY))
            ended = await bring(hub, running(), ppmid_file(900, version=OLD, image_type=0x0084))
            standing.cancel()
            assert ended is not None
            assert not ended.well

    run(story())


def test_a_device_that_is_offered_nothing_waits_as_long_as_it_is_told() -> None:
    async def story() -> None:
        async with home() as (_, device):
            assert await stand(device, running(wait_s=600), hub=CHF, firmware=FACTORY) is None
            assert asyncio.get_running_loop().time() >= 600

    run(story())


def test_a_device_remembers_what_it_activated(tmp_path: Path) -> None:
    async def story() -> None:
        notes: list[Note] = []
        async with home() as (hub, device):
            await asyncio.gather(
                bring(hub, running()), stand(device, running(tmp_path, wait_s=3600), hub=CHF, firmware=FACTORY)
            )
            await stand(device, running(tmp_path, wait_s=60, observe=notes.append), hub=CHF, firmware=FACTORY)
        assert [note.facts["version"] for note in notes if note.kind == "boot"] == [NEW]

    run(story())


def test_a_file_that_is_no_image_is_refused_before_anything_is_sent() -> None:
    async def story() -> None:
        async with home() as (hub, _):
            with pytest.raises(ImageMalformed):
                await bring(hub, running(), b"no image at all")

    run(story())


def test_a_stick_that_goes_away_ends_the_run() -> None:
    async def story() -> None:
        async with home() as (hub, _):
            asyncio.get_running_loop().call_later(30, hub.connection_lost, ConnectionError("unplugged"))
            with pytest.raises(ConnectionError, match="unplugged"):
                await bring(hub, running())

    run(story())


def test_devices_are_let_in_with_the_link_key_of_their_install_code() -> None:
    async def story() -> None:
        async with home() as (hub, _):
            let: list[tuple[object, ...]] = []

            async def permit(*what: object) -> None:
                let.append(what)

            hub.permit_with_link_key = permit
            hub.permit = permit
            join = Join(seconds=999, device=IHD, link_key=bytes(range(16)))
            await bring(hub, running(join=join, wait_s=1))
            assert [len(what) for what in let] == [3, 1]
            assert let[0][1:] == (list(range(16)), 254)

    run(story())


def test_frames_go_out_under_the_profile_and_endpoint_asked_for() -> None:
    async def story() -> None:
        async with home() as (hub, _):
            await bring(hub, running(air=Air(endpoint=9), wait_s=60))
            sent = [packet for packet in MemoryRadio.ETHERS["home"].sent if packet.cluster_id == 0x0019]
            assert {(packet.profile_id, packet.src_ep, packet.dst_ep) for packet in sent} == {(SMART_ENERGY, 9, 3)}

    run(story())
