"""Lifecycles written as text tables that a reviewer can hold against the standard.

A row is `FROM event TO`; several states before the event are joined by `|`; a `#` starts a comment. A pair that stands
in no row is refused by name: it is never silently ignored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from hanota.base.errors import Fault, HanotaError, require


class NoSuchMove(HanotaError):
    """An event that a state does not take."""

    code, fault = "HOTA-MODEL-001", Fault.US
    what = "{lifecycle}: {state} does not take the event {event}"
    remedy = "keep the event as late evidence; it changes nothing"


class LifecycleMalformed(HanotaError):
    """A lifecycle table that contradicts itself."""

    code, fault = "HOTA-MODEL-002", Fault.US
    what = "lifecycle {lifecycle}: {problem}"
    remedy = "correct the table"


@dataclass(frozen=True)
class Lifecycle:
    """States, the events that move between them, and which states are ends."""

    name: str
    start: str
    terminal: frozenset[str]
    moves: Mapping[tuple[str, str], str]

    @cached_property
    def states(self) -> tuple[str, ...]:
        """Every state, in the order of the table."""
        return tuple(dict.fromkeys((self.start, *(s for (a, _), b in self.moves.items() for s in (a, b)))))

    @cached_property
    def events(self) -> tuple[str, ...]:
        """Every event, in the order of the table."""
        return tuple(dict.fromkeys(event for _, event in self.moves))

    def takes(self, state: str, event: str) -> bool:
        """Whether `state` takes `event`."""
        return (state, event) in self.moves

    def move(self, state: str, event: str) -> str:
        """Give the state that follows. Raises NoSuchMove."""
        require((state, event) in self.moves, NoSuchMove, lifecycle=self.name, state=state, event=event)
        return self.moves[(state, event)]

    def reachable(self, origin: str) -> frozenset[str]:
        """Every state that can follow `origin`, itself included."""
        found, edge = {origin}, [origin]
        while edge:
            state = edge.pop()
            nexts = {target for (source, _), target in self.moves.items() if source == state} - found
            found |= nexts
            edge.extend(nexts)
        return frozenset(found)

    def can_finish(self, state: str) -> bool:
        """Whether some end can be reached from `state`."""
        return bool(self.reachable(state) & self.terminal)


def lifecycle(name: str, *, start: str, terminal: tuple[str, ...], table: str) -> Lifecycle:
    """Read a lifecycle from its text table. Raises LifecycleMalformed."""
    moves: dict[tuple[str, str], str] = {}
    for line in table.splitlines():
        words = line.partition("#")[0].split()
        if not words:
            continue
        require(len(words) == 3, LifecycleMalformed, lifecycle=name, problem=f"not three columns: {line.strip()!r}")
        sources, event, target = words
        for source in sources.split("|"):
            twice = (source, event) in moves
            require(not twice, LifecycleMalformed, lifecycle=name, problem=f"{source} {event} stands twice")
            moves[(source, event)] = target
    found = Lifecycle(name, start, frozenset(terminal), moves)
    strangers = set(terminal) - set(found.states)
    require(not strangers, LifecycleMalformed, lifecycle=name, problem=f"ends without a row: {sorted(strangers)}")
    return found
