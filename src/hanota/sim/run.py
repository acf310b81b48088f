"""One run of one plan: faults while it is safety that counts, then healing, then everything has to settle."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from hanota.base.instant import DAY, HOUR, Instant
from hanota.records.store import audit
from hanota.sim import deeds
from hanota.sim.agents import Agents
from hanota.sim.checks import InvariantBroken, Watch
from hanota.sim.plan import START, Plan
from hanota.sim.replaying import check_replay
from hanota.sim.town import Town
from hanota.sim.whole import check_any_time, check_settled, unsettled

SETTLE_WITHIN_MS: Final = 20 * DAY
WHOLE_EVERY: Final = 300
CRASH: Final = "crash"
_STORY_MAX: Final = 500
_SETTLED_EVERY_MS: Final = 2 * HOUR

Meet = Callable[[Town], None]
"""Is shown the town before anything happens: to observe it, or to break it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended: end states and faults by kind; what broke, if anything did; a digest of all that is so."""

    seed: int
    outcomes: Counter[str]
    faults: Counter[str]
    digest: str
    virtual_s: float
    steps: int
    broken: str = ""
    story: str = ""
    facts: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return not self.broken


def run_plan(plan: Plan, meet: Meet | None = None) -> Outcome:
    """Run a plan to its end, or to the first thing that must never be."""
    town = Town(plan)
    try:
        if meet is not None:
            meet(town)
        watch, agents = Watch(town), Agents(town)
        steps, broken, story = 0, "", ""
        try:
            steps = _live(town, watch, agents)
            steps += _settle(town, watch, agents)
            check_settled(town)
            check_replay(town)
        except InvariantBroken as found:
            broken, story = found.rule, found.story
        except Exception as crash:  # whatever it was: a town that does not come to its end has broken something
            broken, story = CRASH, f"{type(crash).__name__}: {crash}"[:_STORY_MAX]
        return _outcome(town, steps, broken, story)
    finally:
        town.close()


def _live(town: Town, watch: Watch, agents: Agents) -> int:
    """Let everything happen that is planned."""
    steps = 0
    waiting = list(town.plan.deeds)
    end = Instant(START + town.plan.heal_ms)
    while town.now < end:
        while waiting and waiting[0].at <= town.now:
            deeds.do(town, waiting.pop(0))
        for ended in [lasting for lasting in town.ends if lasting[0] <= town.now]:
            town.ends.remove(ended)
            deeds.undo(town, ended[1])
        soonest = [end, agents.due, *(deed.at for deed in waiting[:1]), *(at for at, _ in town.ends)]
        steps += _step(town, watch, agents, min(soonest))
        if steps % WHOLE_EVERY == 0:
            check_any_time(town)
    return steps


def _settle(town: Town, watch: Watch, agents: Agents) -> int:
    """Heal, and let time pass until nothing is left to be done, or too much of it has."""
    deeds.heal(town)
    steps, healed = 0, town.now
    look_at = town.now
    while town.now < healed + SETTLE_WITHIN_MS:
        if town.now >= look_at:
            if not unsettled(town):
                return steps
            look_at = Instant(town.now + _SETTLED_EVERY_MS)
        steps += _step(town, watch, agents, min(look_at, agents.due))
    return steps


def _step(town: Town, watch: Watch, agents: Agents, until: Instant) -> int:
    town.advance(until)
    watch.look()
    agents.act()
    return 1


def _outcome(town: Town, steps: int, broken: str, story: str) -> Outcome:
    with town.store.reading() as connection:
        outcomes = Counter(row.state for row in audit.deliveries(connection))
        outcomes["request refused"] = sum(1 for row in audit.requests(connection) if row.code.startswith("E"))
        digest = audit.state_digest(connection)
    return Outcome(
        seed=town.plan.seed,
        outcomes=+outcomes,
        faults=town.counted_faults(),
        digest=digest,
        virtual_s=(town.now - START) / 1000,
        steps=steps,
        broken=broken,
        story=story,
    )
