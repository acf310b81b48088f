"""The other way round: zigpy is the OTA server, and a device of hanota downloads from it and activates."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from zigpy.ota.image import OTAImageHeader
from zigpy.ota.manager import OTAManager
from zigpy.zcl.clusters.general import Ota
from zigpy.zcl.foundation import Status

from bench import Pair, pair, standing
from ether import run
from hanota.model.policies import HanPolicy, Policies
from helpers.nodes import device_bench
from helpers.premises import CHF, NEW, OLD, PPMID, ppmid_file

IMAGE = ppmid_file(777)
NAME = {"manufacturer_code": 0x121D, "image_type": 0x0084, "file_version": NEW}
QUICK = Policies(han=HanPolicy(min_block_period_ms=0))
PAYLOAD = Ota.ImageNotifyCommand.PayloadType
COMMANDS = Ota.ServerCommandDefs
QUERY, BLOCK, END = (row.id for row in (COMMANDS.query_next_image, COMMANDS.image_block, COMMANDS.upgrade_end))


@dataclass
class Server:
    """An OTA server written with zigpy's cluster alone. `blocks` may hold what to say instead of a block, in turn."""

    made: Pair
    image: bytes = IMAGE
    instead: list[dict[str, Any]] = field(default_factory=list)
    end: dict[str, int] = field(default_factory=lambda: {"current_time": 0, "upgrade_time": 0})
    asked: list[tuple[int, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.made.peer.ota_in_progress = True  # keeps zigpy's own "no image" away, as its OTA manager does
        self.made.to_client.add_listener(self)

    def cluster_command(self, tsn: int, command: int, said: Any) -> None:
        self.asked.append((command, said))
        answers: dict[int, Callable[[int, Any], Coroutine[Any, Any, None]]] = {
            QUERY: self._offer,
            BLOCK: self._block,
            END: self._end,
        }
        if command in answers:
            self.made.other.create_task(answers[command](tsn, said))

    async def notify(self) -> None:
        await self.made.to_client.image_notify(PAYLOAD.QueryJitter, 100)

    async def _offer(self, tsn: int, said: Any) -> None:
        size = len(self.image)
        await self.made.to_client.query_next_image_response(Status.SUCCESS, **NAME, image_size=size, tsn=tsn)

    async def _block(self, tsn: int, said: Any) -> None:
        if self.instead:
            await self.made.to_client.image_block_response(**self.instead.pop(0), tsn=tsn)
            return
        data = self.image[said.file_offset : said.file_offset + said.maximum_data_size]
        await self.made.to_client.image_block_response(
            Status.SUCCESS, **NAME, file_offset=said.file_offset, image_data=data, tsn=tsn
        )

    async def _end(self, tsn: int, said: Any) -> None:
        await self.made.to_client.upgrade_end_response(**NAME, **self.end, tsn=tsn)

    @property
    def offsets(self) -> list[int]:
        return [said.file_offset for command, said in self.asked if command == BLOCK]

    @property
    def ends(self) -> list[Status]:
        return [said.status for command, said in self.asked if command == END]


@asynccontextmanager
async def booted(**facts: Any) -> AsyncIterator[Pair]:
    """A PPMID on the air, past its boot."""
    async with pair(PPMID, CHF) as made, standing(made, device_bench(QUICK, **facts).make, PPMID):
        await asyncio.sleep(6)
        yield made


def version(made: Pair) -> int:
    return [note for note in made.notes if note.kind == "boot"][-1].facts["version"]


def test_zigpys_own_ota_manager_updates_a_device_of_hanota() -> None:
    async def story() -> None:
        async with booted() as made:
            header, _ = OTAImageHeader.deserialize(IMAGE)
            image = SimpleNamespace(firmware=SimpleNamespace(serialize=lambda: IMAGE, header=header))
            made.peer.ota_in_progress = True
            with OTAManager(made.peer, image, force=True) as manager:
                await manager.notify()
                assert await manager.wait() == Status.SUCCESS
            await asyncio.sleep(10)
            assert made.memory.memory_of(PPMID)["bank/1"] == IMAGE
            assert (version(made), made.noted("activated")[0].facts["version"]) == (NEW, NEW)

    run(story())


def test_a_notified_device_downloads_block_by_block_and_activates() -> None:
    async def story() -> None:
        async with booted() as made:
            server = Server(made)
            await server.notify()
            await asyncio.sleep(10)
            assert server.offsets == list(range(0, len(IMAGE), 50))
            assert server.ends[0] == Status.SUCCESS
            assert version(made) == NEW

    run(story())


@pytest.mark.parametrize(
    "notify",
    [(PAYLOAD.QueryJitter,), (PAYLOAD(3), *NAME.values())],
    ids=["jitter alone", "all fields"],
)
def test_short_and_long_notifies_are_understood(notify: tuple[Any, ...]) -> None:
    async def story() -> None:
        async with booted() as made:
            server = Server(made)
            await made.to_client.image_notify(notify[0], 100, *notify[1:])
            await asyncio.sleep(1)
            assert QUERY in [command for command, _ in server.asked]

    run(story())


def test_no_image_ends_the_asking() -> None:
    async def story() -> None:
        async with booted() as made:
            await made.to_client.image_notify(PAYLOAD.QueryJitter, 100)  # zigpy's own cluster says no
            await asyncio.sleep(3600)
            queries = [octets for octets in made.ether.of(0x0019) if octets[2] == QUERY]
            assert 1 <= len(queries) <= 2  # one after its boot, perhaps, and one after the notify

    run(story())


def test_wait_for_data_makes_it_wait_so_long() -> None:
    async def story() -> None:
        async with booted() as made:
            wait = {"status": Status.WAIT_FOR_DATA, "current_time": 0, "request_time": 600, "minimum_block_period": 0}
            server = Server(made, instead=[wait])
            await server.notify()
            await asyncio.sleep(599)
            assert server.offsets == [0]
            await asyncio.sleep(10)
            assert server.offsets[:3] == [0, 0, 50]
            assert server.ends[0] == Status.SUCCESS

    run(story())


def test_abort_ends_the_download() -> None:
    async def story() -> None:
        async with booted() as made:
            server = Server(made, instead=[{"status": Status.ABORT}])
            await server.notify()
            await asyncio.sleep(3600)
            assert (server.offsets, server.ends) == ([0], [])
            assert not [key for key in made.memory.memory_of(PPMID) if key.startswith("block/")]

    run(story())


def test_an_upgrade_time_is_waited_for() -> None:
    async def story() -> None:
        async with booted() as made:
            server = Server(made, end={"current_time": 1_000, "upgrade_time": 1_000 + 7_200})
            await server.notify()
            await asyncio.sleep(7_190)
            assert version(made) != NEW
            await asyncio.sleep(30)
            assert version(made) == NEW

    run(story())


def test_an_image_that_is_not_what_was_offered_is_called_invalid() -> None:
    async def story() -> None:
        async with booted() as made:
            server = Server(made, image=bytes(777))
            await server.notify()
            await asyncio.sleep(10)
            assert server.ends[0] == Status.INVALID_IMAGE
            assert version(made) != NEW

    run(story())


def test_a_power_cut_in_the_middle_costs_no_block_twice() -> None:
    async def story() -> None:
        async with pair(PPMID, CHF) as made:
            server = Server(made)
            make = device_bench(QUICK).make
            made.ether.hook = lambda _: len(server.offsets) >= 5  # silence from then on
            async with standing(made, make, PPMID):
                await asyncio.sleep(6)
                await server.notify()
                await asyncio.sleep(1)
            made.ether.hook = lambda _: False
            had = len(server.offsets)
            async with standing(made, make, PPMID):
                await asyncio.sleep(30)
            assert 0 < had < len(IMAGE) // 50
            assert sorted(set(server.offsets)) == list(range(0, len(IMAGE), 50))
            assert len(server.offsets) <= len(set(server.offsets)) + 1  # the block that was under way
            assert server.ends[0] == Status.SUCCESS

    run(story())


def test_the_server_reads_the_attributes_of_its_client() -> None:
    async def story() -> None:
        async with booted() as made:
            read, failed = await made.to_client.read_attributes(["current_file_version", "manufacturer_id"])
            assert (read, failed) == ({"current_file_version": OLD, "manufacturer_id": 0x121D}, {})

    run(story())


def test_its_tunnel_messages_reach_the_hub_and_are_repeated_until_confirmed() -> None:
    async def story() -> None:
        async with booted() as made:
            server = Server(made)
            await server.notify()
            await asyncio.sleep(120)
            messages = made.ether.of(0x0704)
            assert len(messages) >= 2
            assert len({octets[3:] for octets in messages}) < len(messages)

    run(story())
