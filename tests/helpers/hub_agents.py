"""`hanota hub-agent` as a process, and a head end in the test's own process that speaks to it over NATS."""

import signal
import time
from pathlib import Path

from sqlalchemy import select

from hanota.app.carrying import head_end_over_nats
from hanota.app.clock import CommonClock
from hanota.app.head_end import HeadEnd
from hanota.app.registering import register_estate
from hanota.base.instant import SECOND, iso
from hanota.callbacks.http import HttpCallback
from hanota.edge.estate.writing import write_description
from hanota.model.policies import Policies, WanPolicy
from hanota.records.store import open_store
from hanota.records.store import schema as t
from hanota.wire import duis
from hanota.wire.smki import write_directory
from helpers import prefork
from helpers.carriers import SMALL
from helpers.premises import DCC
from helpers.world import description, keys, signed

ORDER_RETRY_MS = 60 * SECOND
WAY = ["REQUESTED", "QUEUED", "ON_WAN", "HELD", "TRANSFERRING", "TRANSFERRED", "ACTIVATING", "ACTIVATED", "CONFIRMED"]


class Agent:
    """The process, on one folder over all its lives."""

    def __init__(self, folder: Path, url: str, clock: CommonClock) -> None:
        self.home = folder / "agent"
        self.url = url
        self.clock = clock
        self.log = folder / "agent.log"
        self.process: prefork.Process | None = None
        self.pki, self.estate = folder / "pki", folder / "estate.toml"
        write_directory(self.pki, keys())
        self.estate.write_text(write_description(description()), encoding="utf-8")

    def start(self, *options: str) -> None:
        """Start it and wait for nothing."""
        arguments = ["hub-agent", "--nats", self.url, "--estate", self.estate, "--home", self.home, "--pki", self.pki]
        arguments += ["--speed", self.clock.speed, "--since", iso(self.clock.since), *options]
        with self.log.open("ab") as log:
            self.process = prefork.begin("hanota", arguments, stdout=log, stderr=log)

    def __enter__(self) -> "Agent":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def said(self) -> str:
        return self.log.read_text()

    def kill(self) -> None:
        """Kill it as the power would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self, within_s: float = 60) -> int:
        """Ask it to stop. Returns: its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)


class Worker:
    """A head end over a store and NATS, stepped by the test by the clock that the agent has, too."""

    def __init__(self, folder: Path, url: str, clock: CommonClock) -> None:
        self.clock = clock
        self.store = open_store(folder / "store.sqlite")
        register_estate(self.store, description(), keys())
        self.callback = HttpCallback()
        self.wan = head_end_over_nats(self.store, url, regions=["North", "Central", "South"], limits=SMALL)
        policies = Policies(wan=WanPolicy(order_retry_ms=ORDER_RETRY_MS))
        self.head_end = HeadEnd(
            self.store, keys=keys(), dcc=DCC, wan=self.wan, callback=self.callback, policies=policies
        )
        assert self.wan.wait(30), self.wan.state

    def submit(self, asked: duis.Request) -> None:
        """Send a request that is accepted."""
        answer = self.head_end.accept(signed(asked), "D", self.clock.now())
        assert answer.code.accepted, answer

    def state(self) -> str | None:
        with self.store.reading() as connection:
            return connection.execute(select(t.delivery.c.state)).scalar()

    def alerts(self) -> list[tuple[int, str]]:
        with self.store.reading() as connection:
            return [(row.party, row.kind) for row in connection.execute(t.message.select())]

    def run(self, until: str, agent: Agent, within_s: float = 120) -> None:
        """Work until the delivery is in a state, or beyond it where that is passed quickly."""
        give_up = time.monotonic() + within_s
        while WAY.index(self.state() or WAY[0]) < WAY.index(until):
            assert agent.process is not None
            assert agent.process.poll() is None, agent.said()
            assert time.monotonic() < give_up, (self.state(), self.wan.state, agent.said())
            self.head_end.step(self.clock.now())
            time.sleep(0.02)

    def close(self) -> None:
        self.wan.close()
        self.callback.close()
        self.store.close()
