"""A run told in plain words: what was done to the town, what its nodes noted, what the head end recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.estate import Observed
from hanota.records.store import audit
from hanota.sim.plan import START, Plan
from hanota.sim.quiet import quiet
from hanota.sim.run import Meet, Outcome, run_plan
from hanota.sim.town import Town

_LINES_MAX: Final = 20_000
_UNTOLD: Final = frozenset({"block", "gbcs_up", "image_notify", "awake", "asleep"})  # too many of them to be read


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a story: when, who, what, and the figures."""

    at: Instant
    who: str
    what: str
    detail: str = ""

    @property
    def after(self) -> str:
        """How long after the beginning, as hours, minutes and seconds."""
        seconds = (self.at - START) // 1000
        return f"{seconds // 3600:3d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """How a run went, and how it ended."""

    plan: Plan
    outcome: Outcome
    lines: tuple[Line, ...]


def tell(plan: Plan, meet: Meet | None = None) -> Story:
    """Run a plan once more and write down what happens."""
    lines: list[Line] = []
    towns: list[Town] = []

    def listen(town: Town) -> None:
        towns.append(town)
        names = {
            device.eui: f"{device.device_type.value} {_short(device.eui)}"
            for home in plan.estate.premises
            for device in home.devices
        }
        town.world.estate.observe(lambda seen: _noted(seen, names, lines))
        town.on_deed = lambda deed: lines.append(Line(town.now, "—", deed.says()))
        town.on_close = lambda: lines.extend(_recorded(town))
        if meet is not None:
            meet(town)

    with quiet():
        outcome = run_plan(plan, listen)
    ordered = sorted(lines, key=lambda line: line.at)
    if outcome.broken:
        ordered.append(Line(towns[0].now, "check", outcome.broken, outcome.story))
    return Story(plan=plan, outcome=outcome, lines=tuple(ordered[-_LINES_MAX:]))


def _noted(seen: Observed, names: Mapping[Eui64, str], lines: list[Line]) -> None:
    if seen.kind not in _UNTOLD:
        figures = ", ".join(f"{key} {value}" for key, value in seen.facts.items() if value not in (None, ""))
        who = names.get(seen.node, f"node {_short(seen.node)}")
        lines.append(Line(seen.at, who, seen.kind.replace("_", " "), figures))


def _short(node: Eui64) -> str:
    """The end of an identifier, by which the nodes of one town differ."""
    return str(node)[-5:]


def _recorded(town: Town) -> list[Line]:
    with town.store.reading() as connection:
        events = list(audit.events(connection))
    lines = []
    for event in events:
        columns = event["columns"]
        told = [
            f"{number} {before} → {after}" if before != after else f"{number}"
            for number, before, after in zip(
                columns.get("delivery", ()),
                columns.get("from", columns.get("delivery", ())),
                columns.get("to", columns.get("delivery", ())),
                strict=False,
            )
        ]
        figures = [f"{key} {value}" for key, value in event["facts"].items() if value not in (None, "")]
        lines.append(Line(Instant(event["at"]), "DCC", event["kind"].replace("_", " "), "; ".join([*told, *figures])))
    return lines
