"""NATS as the network: what it forgets is sent again, what it can't take stays due, what is wrong is said."""

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from hanota.app.clock import CommonClock, wall_clock
from hanota.base.eui import Eui64
from hanota.wan.jetstream import NatsHeadEndWan, NatsPremisesWan
from hanota.wan.jetstream.errors import NatsAway, NatsUrlWrong, NoJetStream
from hanota.wan.port import FrameTooLong
from hanota.wire.wan import ENVELOPED_OCTETS_MAX, Fetch, ImageChunk, read_frame, write_frame
from helpers.carriers import SMALL, Scene, quick_folder
from helpers.hub_agents import Agent, Worker
from helpers.nats_server import NatsServer, cluster, running, start, urls
from helpers.premises import NOW
from helpers.world import HUB, request

REGION = "North"
SPEED = 300  # of processes: fifteen minutes of settling take three seconds
OTHER_HUB = Eui64(0xDEAD)
IMAGE = Random(7).randbytes(300_000)
IMAGE_HASH = hashlib.sha256(IMAGE).digest()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with quick_folder(tmp_path) as found:
        yield found


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    found = NatsServer(tmp_path / "nats")
    with running(found):
        yield found


class Ends:
    """Both ends over one server, for one hub; closed after the test."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.head_end = NatsHeadEndWan(
            url,
            regions=[REGION],
            regions_of=lambda hubs: {hub: REGION for hub in hubs if hub != OTHER_HUB},
            limits=SMALL,
        )
        self.premises = self.new_premises()

    def new_premises(self) -> NatsPremisesWan:
        return NatsPremisesWan(self.url, hubs={HUB: REGION}, name="agent-1", folder=self.folder, limits=SMALL)

    def connected(self) -> "Ends":
        assert self.head_end.wait(20), self.head_end.state
        assert self.premises.wait(20), self.premises.state
        return self

    def close(self) -> None:
        self.head_end.close()
        self.premises.close()


@pytest.fixture
def ends(server: NatsServer, tmp_path: Path) -> Iterator[Ends]:
    found = Ends(tmp_path / "images", server.url)
    yield found.connected()
    found.close()


def until(there: Callable[[], object], within_s: float = 40) -> None:
    give_up = time.monotonic() + within_s
    while not there():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def down(premises: NatsPremisesWan, count: int = 1) -> list[bytes]:
    """Receive so many frames for the hub."""
    found: list[bytes] = []

    def came() -> bool:
        found.extend(frame for _, frame in premises.receive(NOW, 100))
        return len(found) >= count

    until(came)
    return found


# --- frames ------------------------------------------------------------------------------------------------------


def test_what_was_not_settled_comes_again_to_the_next_life_of_an_agent_and_what_was_does_not(ends: Ends) -> None:
    ends.head_end.send(HUB, b"first", NOW)
    assert ends.head_end.flush() == frozenset()
    assert down(ends.premises) == [b"first"]
    ends.premises.settle()
    ends.head_end.send(HUB, b"second", NOW)
    ends.head_end.flush()
    assert down(ends.premises) == [b"second"]  # the process dies before it is durable
    until(lambda: acknowledged(ends) == 1)
    ends.premises.close()
    ends.premises = ends.new_premises()
    ends.connected()
    forget_what_is_out(ends)
    assert down(ends.premises) == [b"second"]


def acknowledged(ends: Ends) -> int:
    async def ask(js) -> int:
        info = await js.consumer_info("HANOTA-DOWN-north", "agent-1")
        return int(info.ack_floor.stream_seq)

    return ends.head_end._link.call(ask)


def forget_what_is_out(ends: Ends) -> None:
    """Give back at once what would come again after half a minute."""

    async def again(js) -> None:

        config = (await js.consumer_info("HANOTA-DOWN-north", "agent-1")).config
        config.ack_wait = 0.2
        await js.add_consumer("HANOTA-DOWN-north", config)

    ends.head_end._link.call(again)


def test_what_the_head_end_could_not_keep_is_given_again(ends: Ends) -> None:
    ends.premises.send(HUB, b"up", NOW)
    ends.premises.flush()
    found: list[bytes] = []
    until(lambda: found.extend(ends.head_end.receive(NOW, 10)) or found)
    ends.head_end.give_back()
    until(lambda: found.extend(ends.head_end.receive(NOW, 10)) or len(found) == 2)
    assert found == [b"up", b"up"]


def test_frames_for_other_hubs_of_the_region_are_left_out_and_hubs_of_no_region_are_not_sent_to(ends: Ends) -> None:
    for hub, frame in ((Eui64(5), b"not here"), (OTHER_HUB, b"nowhere"), (HUB, b"here")):
        ends.head_end.send(hub, frame, NOW)
    assert ends.head_end.flush() == frozenset()
    assert down(ends.premises) == [b"here"]


def test_an_envelope_is_taken_in_parts_if_that_is_what_is_asked_for(ends: Ends) -> None:
    for number in range(5):
        ends.head_end.send(HUB, bytes([number]), NOW)
    ends.head_end.flush()
    until(lambda: ends.premises.next_due() is not None)
    assert [len(ends.premises.receive(NOW, 2)) for _ in range(4)] == [2, 2, 1, 0]


def test_a_frame_that_fits_no_envelope_is_refused_at_both_ends(ends: Ends) -> None:
    for end in (ends.head_end, ends.premises):
        with pytest.raises(FrameTooLong):
            end.send(HUB, bytes(ENVELOPED_OCTETS_MAX + 1), NOW)


# --- servers that are away, or not as they should be -------------------------------------------------------------


def test_without_a_server_nothing_blocks_for_long_and_what_could_not_be_handed_over_is_named(tmp_path: Path) -> None:
    ends = Ends(tmp_path, NatsServer(tmp_path / "nats").url)
    began = time.monotonic()
    ends.head_end.send(HUB, b"down", NOW)
    assert ends.head_end.flush() == {HUB}
    assert ends.head_end.receive(NOW, 10) == []
    ends.premises.send(HUB, b"up", NOW)
    ends.premises.flush()
    assert ends.premises.receive(NOW, 10) == []
    assert time.monotonic() - began < 5
    until(lambda: ends.head_end.state.failure)
    assert isinstance(ends.head_end.state.failure, NatsAway)
    assert "nats-server" in str(ends.head_end.state.failure)
    ends.close()


def test_a_server_that_comes_later_is_found_and_has_what_waited(tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "nats")
    ends = Ends(tmp_path / "images", server.url)
    ends.premises.send(HUB, b"up", NOW)
    ends.premises.flush()
    until(lambda: ends.head_end.state.failure)
    with running(server):
        ends.connected()
        found: list[bytes] = []
        until(lambda: found.extend(ends.head_end.receive(NOW, 10)) or found)
        ends.close()
    assert found == [b"up"]


def test_a_server_without_jetstream_is_named_with_its_remedy(tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "nats", jetstream=False)
    with running(server):
        ends = Ends(tmp_path / "images", server.url)
        until(lambda: ends.head_end.state.failure)
        failure = ends.head_end.state.failure
        ends.close()
    assert isinstance(failure, NoJetStream)
    assert "-js" in str(failure)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:4222", "http://127.0.0.1", "nats://:4222", "nats://a:99999", "nats://a,b"]
)
def test_an_address_that_can_not_be_read_is_refused_at_once(url: str, tmp_path: Path) -> None:
    with pytest.raises(NatsUrlWrong):
        NatsPremisesWan(url, hubs={}, name="a", folder=tmp_path)


# --- images ------------------------------------------------------------------------------------------------------


def ask(premises: NatsPremisesWan, offset: int, image_hash: bytes = IMAGE_HASH) -> None:
    premises.send(HUB, write_frame(Fetch(hub=HUB, image_hash=image_hash, offset=offset, max_octets=1000)), NOW)
    premises.flush()


def test_an_image_is_put_once_fetched_once_and_answered_beside_the_hub(ends: Ends) -> None:
    asked: list[int] = []

    def octets() -> bytes:
        asked.append(1)
        return IMAGE

    for anew in (False, False, True, True):
        ends.head_end.offer(IMAGE_HASH, octets, anew=anew)
    until(lambda: stored(ends))
    ask(ends.premises, 0)
    frames = [read_frame(frame) for frame in down(ends.premises)]
    for offset in (1000, 299_500, 300_000):
        ask(ends.premises, offset)
    frames += [read_frame(frame) for frame in down(ends.premises, 2)]
    assert frames == [
        ImageChunk(image_hash=IMAGE_HASH, offset=offset, image_octets=300_000, data=IMAGE[offset : offset + 1000])
        for offset in (0, 1000, 299_500)
    ]
    assert ends.premises.images.pieces_fetched == 5
    assert ends.head_end.receive(NOW, 10) == []  # the head end was not asked
    assert len(asked) == 1


def test_a_fetch_that_breaks_goes_on_where_it_was(ends: Ends, monkeypatch: pytest.MonkeyPatch) -> None:
    from nats.js import JetStreamContext

    get, times = JetStreamContext.get_msg, []

    async def breaks(self, *args, **options):
        if "seq" not in options:
            return await get(self, *args, **options)
        times.append(options["seq"])
        if len(times) in (3, 5):
            raise OSError("the line went dead")
        return await get(self, *args, **options)

    monkeypatch.setattr(JetStreamContext, "get_msg", breaks)
    ends.head_end.offer(IMAGE_HASH, lambda: IMAGE)
    until(lambda: stored(ends))
    ask(ends.premises, 0)
    assert read_frame(down(ends.premises)[0]).data == IMAGE[:1000]
    assert ends.premises.images.pieces_fetched == 5  # each once
    assert len(times) == 7


def stored(ends: Ends) -> bool:
    from nats.js.errors import NotFoundError

    async def look(js) -> bool:
        try:
            await (await js.object_store("hanota-images")).get_info(IMAGE_HASH.hex())
        except NotFoundError:
            return False
        return True

    return ends.head_end._link.call(look)


def test_an_image_with_another_hash_is_not_believed_and_the_head_end_is_asked(ends: Ends) -> None:
    ends.head_end.offer(IMAGE_HASH, lambda: IMAGE[:-1] + b"\0")
    until(lambda: stored(ends))
    ask(ends.premises, 0)
    found: list[bytes] = []
    until(lambda: found.extend(ends.head_end.receive(NOW, 10)) or found)
    assert isinstance(read_frame(found[0]), Fetch)
    assert ends.premises.receive(NOW, 10) == []


def test_an_image_that_the_server_lacks_is_asked_of_the_head_end_which_puts_it(ends: Ends) -> None:
    ask(ends.premises, 0)
    found: list[bytes] = []
    until(lambda: found.extend(ends.head_end.receive(NOW, 10)) or found)
    ends.head_end.offer(IMAGE_HASH, lambda: IMAGE, anew=True)
    assert read_frame(down(ends.premises)[0]).data == IMAGE[:1000]


# --- whole deliveries --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wiped", [False, True], ids=["restarted", "all data lost"])
def test_a_delivery_survives_its_server(server: NatsServer, folder: Path, wiped: bool) -> None:
    scene = Scene(folder / "home", [server])
    scene.submit(request())
    for place in ("ON_WAN", "TRANSFERRING", "ACTIVATED"):
        scene.run(place)
        server.kill()
        if wiped:
            server.wipe()
        scene.world.step(scene.now)  # while it is away
        server.start()
    scene.run("CONFIRMED")
    assert len(set(scene.alerts())) == len(scene.alerts()) == 6
    scene.kill()


def test_a_delivery_survives_a_cluster_that_loses_one_node_and_then_all_data(tmp_path: Path, folder: Path) -> None:
    nodes = cluster(tmp_path / "nats")
    with running(*nodes):
        scene = Scene(folder / "home", nodes, connect_s=60)
        scene.submit(request())
        scene.run("TRANSFERRING")
        nodes[0].kill()
        scene.run("ACTIVATED")
        nodes[0].start()
        for node in nodes:
            node.kill()
            node.wipe()
        start(nodes)
        scene.run("CONFIRMED")
        assert len(set(scene.alerts())) == len(scene.alerts()) == 6
        scene.kill()
    assert urls(nodes).count(",") == 2


def test_an_agent_killed_again_and_again_brings_its_delivery_to_its_end(server: NatsServer, folder: Path) -> None:
    clock = CommonClock(SPEED, wall_clock())
    worker = Worker(folder, server.url, clock)
    worker.submit(request())
    with Agent(folder, server.url, clock) as agent:
        for place in ("TRANSFERRING", "ACTIVATED"):
            agent.start()
            worker.run(place, agent)
            agent.kill()
        agent.start()
        worker.run("CONFIRMED", agent)
        assert agent.stop() == 0, agent.said()
    assert "agent_health" in agent.said()
    assert len(set(worker.alerts())) == len(worker.alerts()) == 6
    worker.close()
