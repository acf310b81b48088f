"""The arbitration of a hub explored completely: every state that any sequence of events leads to (I1, R11 to R13).

    explore(Config(slots="shared_n", force_replace="own"))

Two Suppliers, three devices, and the orders that may come in any sequence run through the hub's real order book and
slots. Breadth first, so the first broken law is reached by the fewest events; `draw` shows them.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hanota.base.errors import HanotaError
from hanota.edge.hub.slots import Slot
from hanota.sim.arbitration_events import Event, Key, State, follow, possible, words_of
from hanota.sim.arbitration_home import Config, Home, OrderPlan
from hanota.sim.arbitration_laws import Step, broken

__all__ = ["Config", "Counterexample", "Exploration", "OrderPlan", "draw", "explore"]

_NOTHING: Final = "·"


@dataclass(frozen=True, slots=True)
class Scene:
    """One event in words, and what is in each slot after it."""

    words: str
    slots: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Counterexample:
    """The fewest events that break a law: the last scene is the one that breaks it."""

    config: Config
    law: str
    scenes: tuple[Scene, ...]


@dataclass(frozen=True, slots=True)
class Exploration:
    """What an exploration found: states, transitions, in how many of these an order ended and how, and states without a
    live order, of which there must be one: the empty hub.
    """

    config: Config
    states: int
    transitions: int
    ends: Mapping[str, int]
    idle: int
    counterexample: Counterexample | None = None

    @property
    def words(self) -> str:
        """The finding in words."""
        found = "no law broken" if self.counterexample is None else f"broken: {self.counterexample.law}"
        ends = ", ".join(f"{name} {count}" for name, count in sorted(self.ends.items()))
        return f"{self.config.words}: {self.states} states, {self.transitions} transitions; ends: {ends}; {found}"


def explore(config: Config) -> Exploration:
    """Explore a configuration completely, or up to the first law that breaks."""
    first = State.first(Home(config))
    cause: dict[Key, tuple[Key, Event] | None] = {first.key: None}
    states, transitions, idle = [first], 0, 0
    ends: Counter[str] = Counter()

    def found(law: str | None = None, before: State | None = None, event: Event | None = None) -> Exploration:
        example = None
        if law is not None and before is not None and event is not None:
            example = Counterexample(config, law, _scenes(config, [*_path(cause, before.key), event]))
        return Exploration(config, len(cause), transitions, dict(ends), idle, example)

    for state in states:  # grows as it goes
        idle += not state.live
        for event in possible(state):
            transitions += 1
            try:
                after = follow(state, event)
            except HanotaError as error:
                return found(f"no handler raises; this one did: {error}", state, event)
            law = broken(Step(event, state, after))
            if law is not None:
                return found(law, state, event)
            ends.update(after.ended.values())
            key = after.key
            if key not in cause:
                cause[key] = state.key, event
                states.append(after)
    return found()


def _path(cause: Mapping[Key, tuple[Key, Event] | None], key: Key) -> list[Event]:
    events: list[Event] = []
    while (step := cause[key]) is not None:
        key, event = step
        events.insert(0, event)
    return events


def _scenes(config: Config, events: list[Event]) -> tuple[Scene, ...]:
    """Go the way once more and look into the slots after each event."""
    state = State.first(Home(config))
    scenes = [Scene("the hub is new", _contents(state))]
    for event in events:
        words = words_of(state.home, event)
        try:
            state = follow(state, event)
        except HanotaError:
            return (*scenes, Scene(f"{words}: it fails", _contents(state)))
        scenes.append(Scene(words, _contents(state)))
    return tuple(scenes)


def _contents(state: State) -> dict[str, str]:
    return {state.home.slot_name(name): _content(state, slot) for name, slot in state.book.slots.items()}


def _content(state: State, slot: Slot) -> str:
    """Say what a slot has, and which live orders it is for."""
    orders = " ".join(f"{order.number}:{order.state}" for order in state.book.orders_in(slot))
    if slot.empty:
        return f"{_NOTHING} {orders}".rstrip()
    image = state.home.image_names[slot.facts.sha256] if slot.facts is not None else "?"
    return f"{image} {slot.state} for {orders or 'nobody'}"


def draw(counterexample: Counterexample) -> str:
    """Draw a counter-example as text: a line an event, a column a slot."""
    scenes = counterexample.scenes
    names = list(dict.fromkeys(name for scene in scenes for name in scene.slots))
    rows = [["", "event", *(f"slot {name}" for name in names)]]
    rows += [
        [str(n), scene.words, *(scene.slots.get(name, _NOTHING) for name in names)] for n, scene in enumerate(scenes)
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [" │ ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    rule = "─┼─".join("─" * width for width in widths)
    return "\n".join([counterexample.config.words, lines[0], rule, *lines[1:], f"broken: {counterexample.law}", ""])
