"""A delivery's timeline as people read it: a run of progress is one line, figures have their units, names are names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hanota.app.desk.views import EventView
from hanota.faces.web.look import Look, Tone, of_state
from hanota.faces.web.page import sentence
from hanota.faces.web.when import octets

_PROGRESS: Final = "transfer_progressed"
_KIND_LOOKS: Final = {
    "alert_due": Look("", "notifications", Tone.QUIET),
    "alert_delivered": Look("", "mark_email_read", Tone.QUIET),
    "inventory_changed": Look("", "inventory_2", Tone.QUIET),
    "message_dead": Look("", "unsubscribe", Tone.BAD),
    "message_replayed": Look("", "replay", Tone.QUIET),
}
_PLAIN: Final = Look("", "circle", Tone.QUIET)

Fact = str | int | None
_FACTS: Final[Mapping[str, Callable[[Fact, Mapping[str, str]], str]]] = {
    "code": lambda value, _: str(value),
    "alert_kind": lambda value, _: str(value),
    "party": lambda value, names: f"to {names.get(str(value), value)}",
    "version": lambda value, _: f"version {value:08X}" if isinstance(value, int) else f"version {value}",
    "offset": lambda value, _: f"{octets(value)} fetched" if isinstance(value, int) and value else "",
    "blocks": lambda value, _: f"{value} blocks" if value else "",
    "error": lambda value, _: str(value or ""),
    "repeats": lambda value, _: f"{value} repeated" if value else "",
}
"""Facts that are told, in this order. The others repeat what the line says already; REST has them all."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story; `number` is the place of its first event in the timeline."""

    number: int
    at: str
    text: str
    look: Look
    facts: tuple[str, ...]


def tell(timeline: Sequence[EventView], names: Mapping[str, str]) -> list[Line]:
    """Tell a timeline, latest line first; `names` are those of parties by EUI-64."""
    lines: list[Line] = []
    for number, event in enumerate(timeline):
        goes_on = bool(number) and event.kind == _PROGRESS == timeline[number - 1].kind
        first = lines.pop().number if goes_on else number
        lines.append(_line(first, event, names))
    return lines[::-1]


def _line(number: int, event: EventView, names: Mapping[str, str]) -> Line:
    look = of_state(event.state) if event.state else _KIND_LOOKS.get(event.kind, _PLAIN)
    told = (say(event.facts[name], names) for name, say in _FACTS.items() if event.facts.get(name) is not None)
    facts = tuple(fact for fact in (look.word, *told) if fact)
    return Line(number, event.at, sentence(event.text), look, facts)
