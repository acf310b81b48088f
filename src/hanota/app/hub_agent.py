"""A process that runs hubs of an estate, with the homes behind them, against NATS.

What hubs and devices remember is in its folder (`estate.sqlite`), and so are images (`images/`) and its own name. It
may be killed at any instant: what it had not made durable comes again, from the server or from the head end's store.
"""

import secrets
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import structlog

from hanota.app.clock import CommonClock
from hanota.app.running import FolderLock
from hanota.base.errors import Fault, HanotaError, require
from hanota.edge.estate import Estate, EstateDescription, EstateFile
from hanota.edge.han.link import HanModel
from hanota.model.policies import Policies
from hanota.wan.jetstream import Limits, NatsPremisesWan
from hanota.wire.smki import KeyDirectory

HEALTH_EVERY_S: Final = 30.0
_EVENTS_MAX: Final = 2_000
_NAP_S_MAX: Final = 0.25
_DRAIN_S_MAX: Final = 5.0
_log = structlog.get_logger()


class NoHomes(HanotaError):
    """An agent that would have nothing to run."""

    code, fault = "HOTA-APP-030", Fault.OPERATOR
    what = "no home of the estate is in {regions} and share {share}; its regions are {there}"
    remedy = "correct --region or --share, or give another estate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Which homes of an estate one agent runs: those of some regions (none: all), and of them every `of`-th."""

    regions: tuple[str, ...] = ()
    number: int = 1
    of: int = 1

    def part_of(self, description: EstateDescription) -> EstateDescription:
        """Give the estate with these homes alone. Raises NoHomes."""
        there = [home for home in description.premises if not self.regions or home.region.value in self.regions]
        mine = tuple(there[self.number - 1 :: self.of])
        regions = sorted({home.region.value for home in description.premises})
        share = f"{self.number}/{self.of}"
        require(mine, NoHomes, regions=", ".join(self.regions) or "any region", share=share, there=", ".join(regions))
        return replace(description, premises=mine)


class HubAgent:
    """Homes of an estate behind NATS. `run` belongs to one thread; `stop` may be called from any, or from a signal."""

    def __init__(
        self,
        description: EstateDescription,
        *,
        url: str,
        folder: Path,
        keys: KeyDirectory,
        policies: Policies,
        clock: CommonClock,
        han: HanModel | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Open the folder and begin to connect. Raises FolderInUse, NatsUrlWrong."""
        self._lock = FolderLock(folder)
        self._clock = clock
        self._stopping = False
        self._woken = threading.Event()
        self._file = EstateFile(folder / "estate.sqlite")
        self.hubs = {home.hub.chf: home.region.value for home in description.premises}
        self.wan = NatsPremisesWan(url, hubs=self.hubs, name=_name(folder), folder=folder / "images", limits=limits)
        self.wan.listen(self._woken.set)
        self.estate = Estate(
            description,
            wan=self.wan,
            keys=keys,
            policies=policies,
            rng=secrets.SystemRandom(),
            file=self._file,
            han=han,
        )

    def stop(self) -> None:
        """Ask it to end after the events at hand."""
        self._stopping = True  # no lock: a signal may come while the thread that it interrupts holds any

    def run(self) -> None:
        """Let things happen in the homes until stopped; then hand over what they said, as far as that is quick."""
        health_at_s = 0.0
        try:
            while not self._stopping:
                self._woken.clear()
                due = self.estate.advance(self._clock.now(), _EVENTS_MAX)
                if time.monotonic() >= health_at_s:
                    health_at_s = time.monotonic() + HEALTH_EVERY_S
                    self._tell()
                if self.wan.next_due() is None:
                    nap_s = _NAP_S_MAX if due is None else min(self._clock.seconds_until(due), _NAP_S_MAX)
                    self._woken.wait(nap_s)
            self.wan.drain(_DRAIN_S_MAX)
            self._tell()
        finally:
            self.close()

    def close(self) -> None:
        """Let go of connection and folder; what was not made durable is lost, as when the power goes."""
        self.wan.close()
        self._file.close()
        self._lock.release()

    def _tell(self) -> None:
        state = self.wan.state
        _log.info(
            "agent_health",
            connected=state.connected,
            connections=state.lives,
            why=None if state.failure is None else state.failure.explain(),
            hubs=len(self.hubs),
            frames_in=self.wan.received,
            frames_out=self.wan.handed_over,
            frames_dropped=self.wan.dropped,
        )


def _name(folder: Path) -> str:
    """Give the agent's own name, made once: under it the server keeps what comes while it is away."""
    path = folder / "agent-name"
    if not path.is_file():
        part = path.with_suffix(".part")
        part.write_text(f"agent-{secrets.token_hex(6)}", encoding="utf-8")
        part.replace(path)  # whole or not at all, whenever the process dies
    return path.read_text(encoding="utf-8").strip()
