"""A whole service of real processes over a town: three NATS servers, PostgreSQL, workers, agents, a party's end point.

`Scene` starts and ends them; what is killed is killed by the test, which then judges by `judge`.
"""

import asyncio
import contextlib
import json
import os
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
import nats

from hanota.app.bench.receiver import Receiver, Tally
from hanota.base.ids import RequestId
from hanota.base.instant import SECOND
from hanota.model.delivery import ENDS, State
from hanota.records.ledger import verify
from hanota.records.store import open_store
from hanota.records.store.integrity import integrity
from hanota.wire import duis
from helpers import nats_server, prefork
from helpers.flow_agent import BLOCK_PERIOD_MS
from helpers.nats_server import NatsServer, urls
from helpers.service import Host, end
from helpers.town import TownOnDisk

TESTS: Final = Path(__file__).resolve().parents[1]
LEASE_MS: Final = 5000
RETRY_MS: Final = 20 * SECOND
RETRY_DEVICES: Final = 5_000
POLICIES: Final = {
    "han.min_block_period_ms": BLOCK_PERIOD_MS,
    "alert.confirm_after_ms": 3 * SECOND,
}
"""So that a delivery takes seconds."""
FLOW_AGENTS: Final = 2
TWO_AT_ONCE: Final = 0.25
TOLD_OF: Final = {
    "image_held": "DeliveredToHub",
    "transferred": "Transfer",
    "activation_succeeded": "Activation",
    "version_matched": "Confirmed",
}
"""What the party hears of a delivery that goes well: an alert of this kind for an event that was not late."""
_ENDED: Final = ", ".join(f"'{state}'" for state in sorted(ENDS))
_CAME_TO_HUBS: Final = (State.TRANSFERRED, State.ACTIVATING, State.ACTIVATED)
_HALFWAY: Final = ", ".join(f"'{state}'" for state in _CAME_TO_HUBS)


class Party(Tally):
    """A party's end point, which counts how often it got each ResponseID; served from a thread of the test."""

    def __init__(self) -> None:
        super().__init__()
        self.came: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        threading.Thread(target=self._serve, name="party", daemon=True).start()
        assert self._ready.wait(10)

    def take(self, body: bytes) -> None:
        known = len(self.ids)
        super().take(body)
        start = body.index(b"ResponseID>") + len(b"ResponseID>")
        self.came[body[start : body.index(b"<", start)].decode()] += 1
        assert len(self.ids) - known in (0, 1)

    def _serve(self) -> None:
        server = self._loop.run_until_complete(self._loop.create_server(lambda: Receiver(self), "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        self._ready.set()
        self._loop.run_forever()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)


@dataclass
class Agent:
    """A process that runs hubs; it may be killed and started again."""

    name: str
    module: str
    arguments: Sequence[object]
    log: Path
    process: prefork.Process | None = None

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": f"{TESTS}:{os.environ.get('PYTHONPATH', '')}"}
        environment |= {"POLARS_MAX_THREADS": "1"}
        with self.log.open("ab") as log:
            self.process = prefork.begin(self.module, self.arguments, stdout=log, stderr=log, env=environment)

    def kill(self) -> None:
        assert self.process is not None
        assert self.process.poll() is None, f"{self.name} ended by itself: {self.log.read_text()[-4000:]}"
        self.process.kill()
        self.process.wait()

    def lives(self) -> int:
        """How often it has been at work."""
        return self.log.read_bytes().count(b"nats_connected")

    def stop(self) -> None:
        end(self.process, within_s=30)


def retries(devices: int) -> dict[str, int]:
    """Policies by which what was lost is repeated: soon, but after longer where many devices wait for their turn, lest
    the machine be busy with repeating.
    """
    retry_ms = RETRY_MS * max(1, devices // RETRY_DEVICES)
    return {
        "alert.read_retry_ms": retry_ms * 3 // 2,
        "wan.order_retry_ms": retry_ms,
        "wan.order_retry_max_ms": 2 * retry_ms,
    }


@dataclass
class Scene:
    """All processes but the database's, over an empty one at `database`."""

    folder: Path
    town: TownOnDisk
    nodes: Sequence[NatsServer]
    database: str
    workers: int = 2
    party: Party = field(default_factory=Party)
    figures: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.began_s = time.monotonic()
        policies = POLICIES | retries(self.town.devices())
        options = [word for name, value in policies.items() for word in ("--policy", f"{name}={value}")]
        environment = {
            "HANOTA_TEST_LEASE_MS": str(LEASE_MS),
            "HANOTA_TEST_BACK_OFF_S": "1",
        }
        self.host = Host(
            self.town.folder,
            None,
            workers=self.workers,
            options=options,
            environment=environment,
            database=self.database,
            nats=urls(self.nodes),
        )
        self.agents = [self._flow_agent(number) for number in range(1, FLOW_AGENTS + 1)]
        if self.town.flow < self.town.devices():
            self.agents.append(self._hub_agent(options))

    def _flow_agent(self, number: int) -> Agent:
        home, dcc = self.folder / f"flow-{number}", self.town.town.description.dcc
        words = [self.town.pki, home, f"{number}/{FLOW_AGENTS}", self.town.flow, dcc, urls(self.nodes)]
        return Agent(f"flow-{number}", "helpers.flow_agent", words, self.folder / f"flow-{number}.log")

    def _hub_agent(self, options: list[str]) -> Agent:
        named = {"--nats": urls(self.nodes), "--estate": self.town.estate, "--pki": self.town.pki}
        named |= {"--home": self.folder / "hub-agent"}
        words = [word for pair in named.items() for word in pair]
        return Agent("hub-agent", "hanota", ["hub-agent", *words, *options[:2]], self.folder / "hub-agent.log")

    @contextlib.contextmanager
    def running(self) -> Iterator["Scene"]:
        """Enter the town and have everything for a while; no process is left behind."""
        try:
            nats_server.start(self.nodes)
            store = open_store(self.database)
            self.town.enter(store, self.party.url)
            store.close()
            for agent in self.agents:
                agent.start()
            self.host.start()
            yield self
        finally:
            self._end()

    def _end(self) -> None:
        for agent in self.agents:
            agent.stop()
        process = self.host.process
        if process is not None and process.poll() is None:
            process.kill()  # its children end by themselves
            process.wait()
        for node in self.nodes:
            node.kill()
        self.party.close()

    def look_at(self, database: str) -> None:
        """Judge another database from now on, once the service has stopped."""
        self.database = self.host.database = database

    # --- work --------------------------------------------------------------------------------------------------

    def post(self, requests: int, every_s: float) -> threading.Thread:
        """Ask for all devices in so many requests, from a thread; what is not answered is posted again as it is."""
        whole = self.town.devices()
        ends = [whole * number // requests for number in range(requests + 1)]
        documents = [
            self.town.town.request(number + 1, ends[number], ends[number + 1] - ends[number])
            for number in range(requests)
        ]

        def run() -> None:
            for document in documents:
                self._post(document)
                time.sleep(every_s)

        thread = threading.Thread(target=run, name="supplier", daemon=True)
        thread.start()
        return thread

    def _post(self, document: bytes) -> None:
        for _ in range(600):
            with contextlib.suppress(httpx.TransportError):
                client = {"content": document, "headers": {"Content-Type": "application/xml"}, "timeout": 20}
                answer = httpx.post(f"{self.host.url}/api/v1/serviceD", **client)
                if answer.is_success:
                    code = duis.read_response(duis.parse_safely(answer.content)).code.value
                    self.figures["requests"] += 1
                    self.figures[f"answered {code}"] += 1
                    return
                self.figures[f"answered {answer.status_code}"] += 1
            self.figures["requests posted again"] += 1
            time.sleep(0.1)

    def kill(self, chosen: int) -> Callable[[], bool]:
        """Kill a worker or an agent by its number among all. Returns: a way to ask whether it is back at work; the
        supervisor starts workers again, and agents are started here.
        """
        assert self.host.process is not None
        assert self.host.process.poll() is None, self.host.said()[-4000:]
        if chosen < self.workers:
            name = f"worker-{chosen + 1}"
            lives = self._lives(name)
            with contextlib.suppress(ProcessLookupError):  # it ended by itself just now: its lease was lost
                os.kill(self.host.pid_of(name), signal.SIGKILL)
                self.figures["workers killed"] += 1
            return lambda: self._lives(name) > lives
        agent = self.agents[chosen - self.workers]
        lived = agent.lives()
        agent.kill()
        agent.start()
        self.figures["agents killed"] += 1
        return lambda: agent.lives() > lived

    def _lives(self, worker: str) -> int:
        return sum(line["event"] == "working" and line["process"] == worker for line in self.host.log())

    def kill_some(self, rng: Random, rest_s: float) -> None:
        """Kill one process, now and then two at once, and let them come back and work for so long.

        A machine that is busy takes longer to start them: what is killed again before it works does no work at all.
        """
        several = rng.sample(range(self.workers + len(self.agents)), k=2 if rng.random() < TWO_AT_ONCE else 1)
        back = [self.kill(chosen) for chosen in several]
        self.host.until(lambda: all(there() for there in back), "what was killed is not back")
        time.sleep(rest_s)

    def progress(self) -> float:
        """How much of the work is done, from 0 to 1: a third for what is asked for, what is transferred, what ended."""
        far = f"count(*) FILTER (WHERE state IN ({_HALFWAY})), count(*) FILTER (WHERE state IN ({_ENDED}))"
        asked, halfway, ended = self.host.rows(f"SELECT count(*), {far} FROM delivery")[0]
        return (asked + halfway + 2 * ended) / (3 * self.town.devices())

    def settled(self) -> bool:
        """Whether every device has its delivery, all of them have ended, and all messages are delivered."""
        if self.host.rows("SELECT count(*) FROM delivery") != [(self.town.devices(),)]:
            return False
        unended = f"SELECT 1 FROM delivery WHERE state NOT IN ({_ENDED}) LIMIT 1"
        open_ones = "SELECT 1 FROM message WHERE delivered_at IS NULL AND (lead IS NULL OR lead = id) LIMIT 1"
        return not self.host.rows(unended) and not self.host.rows(open_ones)

    def until_settled(self, within_s: float) -> None:
        """Wait for that."""
        give_up = time.monotonic() + within_s
        while not self.settled():
            assert time.monotonic() < give_up, self.story()
            time.sleep(0.5)

    def story(self) -> str:
        """How it stands, for whoever has to find out why."""
        states = self.host.rows("SELECT state, count(*) FROM delivery GROUP BY state")
        messages = self.host.rows(
            "SELECT kind, count(*), max(tries) FROM message WHERE delivered_at IS NULL GROUP BY kind"
        )
        return f"{states} {messages} {dict(self.figures)}\n{self.host.said()[-3000:]}"

    def envelopes(self) -> dict[str, int]:
        """How many envelopes each stream of the cluster has ever taken, as its leader says."""
        return asyncio.run(_taken(urls(self.nodes).split(",")))

    def tell(self, title: str) -> None:
        """Print the figures."""
        took = round(time.monotonic() - self.began_s, 1)
        figures = ", ".join(f"{name} {count}" for name, count in sorted(self.figures.items()))
        print(f"\n{title}: {self.town.devices()} devices in {took} s; {figures}")


async def _taken(servers: list[str]) -> dict[str, int]:
    client = await nats.connect(servers=servers, connect_timeout=5)
    try:
        infos = await client.jetstream(timeout=10).streams_info()
        return {info.config.name: info.state.last_seq for info in infos if info.config.name.startswith("HANOTA-")}
    finally:
        await client.close()


# --- what must hold in the end -----------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class _Move:
    at: int
    lane: str
    seq: int
    row: int
    kind: str = field(compare=False)
    before: str = field(compare=False)
    after: str = field(compare=False)


def judge(scene: Scene) -> Counter[str]:
    """Hold store, log and end point against each other. Returns: how many deliveries ended in which state."""
    store = open_store(scene.database)
    with store.reading() as connection:
        report = verify(connection)
        assert report, (report.broken_lane, report.broken_seq)
    assert integrity(store) == "ok"
    store.close()
    log = [_opened(octets) for (octets,) in scene.host.rows("SELECT octets FROM event ORDER BY lane, seq")]
    scene.figures["events"] += len(log)
    _judge_moves(scene, log)
    _judge_versions(scene, log)
    _judge_messages(scene, log)
    return Counter(state for (state,) in scene.host.rows("SELECT state FROM delivery"))


def _opened(octets: bytes) -> dict[str, Any]:
    """An event with what it says of all its deliveries at once said of each."""
    event: dict[str, Any] = json.loads(octets)
    rows = len(event["columns"].get("delivery", ()))
    if rows:
        event["columns"] |= {name: [value] * rows for name, value in event["facts"].items()}
    return event


def _judge_moves(scene: Scene, log: list[dict[str, Any]]) -> None:
    """Each delivery's moves, in the order of their times, are one way to the state that the projection shows."""
    moves: dict[int, list[_Move]] = defaultdict(list)
    for event in log:
        columns = event["columns"]
        if not {"from", "to"} <= columns.keys() or event["kind"].startswith("late_"):
            continue
        rows = zip(columns["delivery"], columns["from"], columns["to"], strict=True)
        for row, (delivery, before, after) in enumerate(rows):
            move = _Move(event["at"], event["lane"], event["seq"], row, event["kind"], before, after)
            moves[delivery].append(move)
    standing = dict(scene.host.rows("SELECT id, state FROM delivery"))
    devices = scene.host.rows("SELECT device, count(*) FROM delivery GROUP BY device HAVING count(*) > 1")
    assert devices == []
    assert set(moves) == set(standing)
    for delivery, told in moves.items():
        state = _walk(sorted(told))
        assert state == standing[delivery], (delivery, state, standing[delivery])
        ends = [move for move in told if move.after in ENDS]
        assert len(ends) == 1, (delivery, ends)


def _walk(told: list[_Move]) -> str:
    """Go the way that moves tell, the earliest first; of those at the same time, the one that fits is the next."""
    state, left = str(State.REQUESTED), list(told)
    while left:
        now = [move for move in left if move.at == left[0].at]
        fitting = [move for move in now if move.before == state]
        assert fitting, f"no way on from {state}: {told}"
        onward = next((move for move in fitting if move.after == state), fitting[0])
        left.remove(onward)
        state = onward.after
    return state


def _judge_versions(scene: Scene, log: list[dict[str, Any]]) -> None:
    """The inventory shows what the log says that each device runs."""
    told: dict[int, int] = {}
    for event in sorted(
        (event for event in log if event["kind"] == "inventory_changed"), key=lambda event: event["at"]
    ):
        told |= dict(zip(event["columns"]["delivery"], event["columns"]["version"], strict=True))
    query = "SELECT d.id, v.version FROM delivery d JOIN device v ON v.eui = d.device WHERE d.state = 'CONFIRMED'"
    standing = dict(scene.host.rows(query))
    assert standing == {delivery: told[delivery] for delivery in standing}
    assert set(standing.values()) <= {scene.town.town.image.header.file_version}


def _judge_messages(scene: Scene, log: list[dict[str, Any]]) -> None:
    """What happened is told, nothing else, and once: every message is due once and delivered once by the log, and its
    party got it under its ResponseID and no other.
    """
    columns = "id, party, response_id, kind, delivery, lead"
    rows = scene.host.rows(f"SELECT {columns} FROM message ORDER BY id")
    once = {number: 1 for number, *_ in rows}
    for kind in ("alert_due", "alert_delivered"):
        told = Counter(alert for event in log if event["kind"] == kind for alert in event["columns"]["alert"])
        assert told == once, (kind, len(told), len(once), [item for item in told.items() if item[1] > 1][:5])
    told = Counter((kind, delivery) for _, _, _, kind, delivery, _ in rows)
    happened = ((TOLD_OF[event["kind"]], event["columns"]["delivery"]) for event in log if event["kind"] in TOLD_OF)
    assert told == {(kind, delivery): 1 for kind, deliveries in happened for delivery in deliveries}
    description = scene.town.town.description
    assert {party for _, party, *_ in rows} == {description.parties[0].eui.signed}
    sent = [row for row in rows if row[5] in (None, row[0])]
    expected = {row[2] or str(RequestId(description.dcc, description.parties[0].eui, row[0])) for row in sent}
    assert set(scene.party.came) == expected
    scene.figures["messages"] += len(rows)
    scene.figures["posts again under the same ResponseID"] += scene.party.posts - len(expected)
    orders = scene.host.rows("SELECT count(*) FROM outbox WHERE kind = 'distribute'")[0][0]
    scene.figures["orders sent again"] += orders - scene.town.devices()
