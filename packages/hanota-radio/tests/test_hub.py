"""zigpy encodes a client's requests, a hub of hanota answers over the radio, zigpy decodes the answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import zigpy.types as t
from zigpy.zcl import foundation
from zigpy.zcl.clusters.general import Ota
from zigpy.zcl.foundation import Status

from bench import HUB_NWK, Pair, pair, standing
from ether import run
from hanota.model.policies import HanPolicy, Policies
from hanota.wire.wan import write_frame
from hanota_radio import RadioHan
from hanota_radio.application import SMART_ENERGY
from hanota_radio.frames import zigpy_eui
from helpers.nodes import STRANGER, hub_bench
from helpers.premises import CHF, NEW, OLD, PPMID, order_for, ppmid_file, signed

IMAGE = ppmid_file(1_234)
NAME = {"manufacturer_code": 0x121D, "image_type": 0x0084, "file_version": NEW}
QUERY = Ota.QueryNextImageCommand.FieldControl
BLOCK = Ota.ImageBlockCommand.FieldControl
QUICK = Policies(han=HanPolicy(min_block_period_ms=0))


@asynccontextmanager
async def serving(
    image: bytes = IMAGE, policies: Policies = QUICK, **facts: Any
) -> AsyncIterator[tuple[Pair, RadioHan]]:
    """A hub on the air that holds `image` for the PPMID."""
    bench = hub_bench(policies)
    bench.wan(signed(order_for(image)))
    bench.serve(image)
    async with pair(CHF, PPMID, **facts) as made:
        for key, value in bench.memory.items():
            made.memory.put(CHF, key, value)
        made.memory.log.clear()
        async with standing(made, bench.make, CHF) as han:
            await asyncio.sleep(1)  # zigpy takes an Image Notify that comes meanwhile for the answer of that number
            yield made, han


def answers(made: Pair, command: Any) -> list[Any]:
    """What the hub said in that command, as zigpy reads it."""
    said = [foundation.ZCLHeader.deserialize(octets) for octets in made.ether.of(Ota.cluster_id)]
    return [command.schema.deserialize(rest)[0] for header, rest in said if header.command_id == command.id]


async def fetch(made: Pair, octets: int = 50) -> bytes:
    """Fetch the whole offered image as zigpy's cluster definitions would."""
    offer = await made.to_server.query_next_image(QUERY(0), 0x121D, 0x0084, OLD)
    assert offer.status == Status.SUCCESS
    fetched = b""
    while len(fetched) < offer.image_size:
        block = await made.to_server.image_block(BLOCK(0), **NAME, file_offset=len(fetched), maximum_data_size=octets)
        if block.status == Status.WAIT_FOR_DATA:
            await asyncio.sleep(max(block.request_time - block.current_time, 1))
            continue
        assert (block.status, block.file_offset) == (Status.SUCCESS, len(fetched))
        fetched += bytes(block.image_data)
    return fetched


def test_a_client_of_zigpy_fetches_a_whole_image_octet_for_octet() -> None:
    async def story() -> None:
        async with serving() as (made, _):
            assert await fetch(made) == IMAGE
            end = await made.to_server.upgrade_end(status=Status.SUCCESS, **NAME)
            assert (end.manufacturer_code, end.image_type, end.file_version) == tuple(NAME.values())
            assert (end.current_time, end.upgrade_time) == (0, 0)

    run(story())


def test_the_offer_names_the_image_and_its_size() -> None:
    async def story() -> None:
        async with serving() as (made, _):
            offer = await made.to_server.query_next_image(QUERY.HardwareVersion, 0x121D, 0x0084, OLD, 0x1111)
            assert offer.as_dict() == {"status": Status.SUCCESS, **NAME, "image_size": len(IMAGE)}

    run(story())


def test_a_query_for_another_type_is_told_that_there_is_none() -> None:
    async def story() -> None:
        async with serving() as (made, _):
            answer = await made.to_server.query_next_image(QUERY(0), 0x121D, 0x0085, OLD)
            assert answer.status == Status.NO_IMAGE_AVAILABLE

    run(story())


def test_a_block_of_another_version_is_told_to_abort() -> None:
    async def story() -> None:
        async with serving() as (made, _):
            asked = NAME | {"file_version": OLD}
            answer = await made.to_server.image_block(BLOCK(0), **asked, file_offset=0, maximum_data_size=50)
            assert answer.status == Status.ABORT

    run(story())


def test_a_download_that_the_device_calls_bad_ends_the_order() -> None:
    async def story() -> None:
        async with serving() as (made, _):
            await made.to_server.upgrade_end(status=Status.INVALID_IMAGE, **NAME, expect_reply=False)
            await asyncio.sleep(1)
            answer = await made.to_server.query_next_image(QUERY(0), 0x121D, 0x0084, OLD)
            assert answer.status == Status.NO_IMAGE_AVAILABLE

    run(story())


def test_only_hanota_answers_a_query() -> None:
    async def story() -> None:
        async with serving() as (made, _):
            made.ether.sent.clear()
            await made.to_server.query_next_image(QUERY(0), 0x121D, 0x0084, OLD)
            await asyncio.sleep(10)
            answers = [packet for packet in made.ether.sent if packet.src.address == HUB_NWK]
            assert [packet.data.serialize()[2] for packet in answers] == [0x02]

    run(story())


def test_nobody_answers_while_no_node_stands_on_the_radio() -> None:
    async def story() -> None:
        async with pair(CHF, PPMID) as made:
            with pytest.raises(TimeoutError):
                await made.to_server.query_next_image(QUERY(0), 0x121D, 0x0084, OLD, timeout=5, retries=0)

    run(story())


def test_a_page_comes_as_blocks_that_make_it_up() -> None:
    async def story() -> None:
        async with serving() as (made, _):
            asked = {"maximum_data_size": 50, "page_size": 170, "response_spacing": 20}
            await made.to_server.image_page(0, **NAME, file_offset=100, **asked, expect_reply=False)
            await asyncio.sleep(30)
            blocks = answers(made, Ota.ClientCommandDefs.image_block_response)
            assert [(block.status, block.file_offset) for block in blocks] == [
                (Status.SUCCESS, offset) for offset in (100, 150, 200, 250)
            ]
            assert b"".join(bytes(block.image_data) for block in blocks) == IMAGE[100:270]

    run(story())


def test_there_is_no_file_for_one_device_alone() -> None:
    async def story() -> None:
        async with serving() as (made, _):
            answer = await made.to_server.query_specific_file(zigpy_eui(PPMID), 0x121D, 0x0084, NEW, 2)
            assert answer.status == Status.NO_IMAGE_AVAILABLE

    run(story())


def test_whoever_asks_too_fast_is_told_to_wait_and_gets_it_all_in_the_end() -> None:
    async def story() -> None:
        async with serving(policies=Policies(han=HanPolicy(min_block_period_ms=2_000))) as (made, _):
            assert await fetch(made) == IMAGE

    run(story())


def test_a_stranger_gets_no_image() -> None:
    async def story() -> None:
        async with pair(CHF, STRANGER) as made, standing(made, hub_bench().make, CHF):
            answer = await made.to_server.query_next_image(QUERY(0), 0x121D, 0x0084, OLD)
            assert answer.status == Status.NOT_AUTHORIZED
            assert [note.facts["device"] for note in made.noted("stranger_refused")] == [str(STRANGER)]

    run(story())


def test_who_is_not_known_to_zigpy_is_asked_for_its_address_and_gets_nothing() -> None:
    async def story() -> None:
        bench = hub_bench()
        async with pair(CHF, PPMID, known=False) as made, standing(made, bench.make, CHF):
            made.ether.sent.clear()
            await made.to_server.query_next_image(QUERY(0), 0x121D, 0x0084, OLD, expect_reply=False)
            await asyncio.sleep(1)
            assert made.ether.of(Ota.cluster_id)[1:] == []
            assert made.ether.of(0x0001) != []  # IEEE_addr_req (ZigBee 2.4.3.1.2)

    run(story())


def test_a_device_that_is_told_of_an_image_hears_it_where_it_described_its_client() -> None:
    async def story() -> None:
        async with serving() as (made, _):
            await asyncio.sleep(1)
            notify = next(packet for packet in made.ether.sent if packet.cluster_id == Ota.cluster_id)
            schema = Ota.ClientCommandDefs.image_notify.schema
            header, rest = foundation.ZCLHeader.deserialize(notify.data.serialize())
            said, _ = schema.deserialize(rest)
            assert header.command_id == Ota.ClientCommandDefs.image_notify.id
            assert (said.manufacturer_code, said.image_type, said.new_file_version) == tuple(NAME.values())
            assert (notify.src_ep, notify.dst_ep) == (1, 1)

    run(story())


@pytest.mark.parametrize("quiet", [True, False])
def test_either_spelling_of_a_request_is_understood(quiet: bool) -> None:
    async def story() -> None:
        async with serving() as (made, _):
            answer = await made.to_server.query_next_image(
                QUERY(0), 0x121D, 0x0084, OLD, disable_default_response=quiet
            )
            assert answer.status == Status.SUCCESS

    run(story())


def test_smart_energy_is_answered_under_its_profile_and_endpoints() -> None:
    async def story() -> None:
        async with serving(profile=SMART_ENERGY) as (made, _):
            made.ether.sent.clear()
            await made.to_server.query_next_image(QUERY(0), 0x121D, 0x0084, OLD, expect_reply=False)
            await asyncio.sleep(1)
            answer = made.ether.sent[-1]
            assert (answer.profile_id, answer.src_ep, answer.dst_ep) == (SMART_ENERGY, 1, 1)
            assert answer.data.serialize()[2] == 0x02

    run(story())


def test_a_hub_takes_orders_and_images_of_the_head_end_over_the_carrier() -> None:
    async def story() -> None:
        bench = hub_bench()
        async with pair(CHF, PPMID) as made, standing(made, bench.make, CHF) as han:
            han.from_wan(write_frame(signed(order_for(IMAGE))))
            await asyncio.sleep(0)
            assert len(made.wan) >= 2  # a signed receipt, and a request for the image

    run(story())


def test_a_restarted_hub_goes_on_serving_from_what_it_stored() -> None:
    async def story() -> None:
        async with serving() as (made, _):
            await made.to_server.query_next_image(QUERY(0), 0x121D, 0x0084, OLD)
            await made.han.__aexit__(None, None, None)
            async with standing(made, hub_bench(QUICK).make, CHF):
                await asyncio.sleep(1)
                assert await fetch(made, 64) == IMAGE

    run(story())


def test_zigpy_still_hears_what_is_not_hanotas() -> None:
    async def story() -> None:
        async with serving() as (made, _):
            attributes = await made.peer.endpoints[1].add_input_cluster(0x0019).read_attributes(["image_stamp"])
            assert attributes[1] != {}  # answered by zigpy: unsupported

    run(story())


def test_zigpys_interview_of_a_smart_energy_device_gets_its_answers() -> None:
    async def story() -> None:
        async with serving(profile=SMART_ENERGY) as (made, _):
            device = made.app.devices[zigpy_eui(PPMID)]
            basic = device.endpoints[1].add_input_cluster(0x0000)

            def answer(packet: t.ZigbeePacket) -> bool:
                if packet.cluster_id == basic.cluster_id:
                    said = bytes((0x18, packet.tsn, 0x01)) + b"\x05\x00\x00\x42\x05PPMID"  # model, as a string
                    back = packet.replace(src=packet.dst, dst=packet.src, data=t.SerializableBytes(said))
                    asyncio.get_running_loop().call_soon(made.app.packet_received, back)
                return False

            made.ether.hook = answer
            read, _ = await basic.read_attributes(["model"])
            assert read == {"model": "PPMID"}
            assert {packet.profile_id for packet in made.ether.sent if packet.cluster_id == 0} == {SMART_ENERGY}

    run(story())


def test_an_unknown_command_is_answered_by_default() -> None:
    async def story() -> None:
        async with serving() as (made, _):
            made.ether.sent.clear()
            await made.peer.request(
                profile=0x0104, cluster=0x0019, src_ep=1, dst_ep=1, sequence=9, data=b"\x01\x09\x3f", expect_reply=False
            )
            await asyncio.sleep(1)
            assert made.ether.sent[-1].data.serialize() == b"\x18\x09\x0b\x3f\x81"

    run(story())
