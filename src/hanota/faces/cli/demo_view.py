"""How the demonstration is shown: a timeline that grows, the transfer below it, and a summary. Or as JSON."""

import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Protocol, Self

import typer
from rich.console import Console, Group
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table
from rich.text import Text

from hanota.base.instant import Instant, parse_iso

_COLOURS: Final = {"Supplier": "magenta", "DCC": "cyan", "hub": "yellow"}
_DEVICE_COLOUR: Final = "green"
_PLAIN_WIDTH: Final = 132
_MILESTONES: Final = (25, 50, 75, 100)


class DemoObserver(Protocol):
    """Sees the demonstration as it happens, then its outcome."""

    def on_event(self, at_iso: str, who: str, what: str, detail: str) -> None:
        """Something happened: when (virtual time), to whom, what, and the figures."""
        ...

    def on_progress(self, device: str, offset: int, total: int, blocks: int, repeats: int) -> None:
        """The device has `offset` of `total` octets; `blocks` were served, `repeats` of them again."""
        ...

    def finish(self, result: Mapping[str, Any]) -> None:
        """Show the outcome, which has the keys that `--json` prints."""
        ...


class Silent:
    """Shows nothing but the outcome, as one JSON document."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def on_event(self, at_iso: str, who: str, what: str, detail: str) -> None:
        """Say nothing: the document at the end has the events."""

    def on_progress(self, device: str, offset: int, total: int, blocks: int, repeats: int) -> None:
        """Say nothing: the document at the end has the counts."""

    def finish(self, result: Mapping[str, Any]) -> None:
        """Print the document."""
        typer.echo(json.dumps(result, indent=2))


class Drawn:
    """Draws on a terminal; on anything else it writes the same as plain lines."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        if not self._console.is_terminal:
            self._console.width = _PLAIN_WIDTH
        self._started: Instant | None = None
        self._milestones = 0
        self._progress = Progress(
            TextColumn("           [green]{task.description}"),
            BarColumn(bar_width=36),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[words]}"),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._console.print(Text("hanota demo: times are those of the emulated homes", style="dim"))
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def on_event(self, at_iso: str, who: str, what: str, detail: str) -> None:
        """Add a line to the timeline."""
        now = parse_iso(at_iso)
        self._started = now if self._started is None else self._started
        line = Table.grid(padding=(0, 1))
        line.add_column(width=10, justify="right", style="dim")
        line.add_column(width=8, style=_COLOURS.get(who, _DEVICE_COLOUR))
        line.add_column(overflow="fold")  # long figures go on below the text, not below the time
        line.add_row(elapsed(now - self._started), who, Text.assemble(what, (f"  {detail}" if detail else "", "dim")))
        self._progress.console.print(line)

    def on_progress(self, device: str, offset: int, total: int, blocks: int, repeats: int) -> None:
        """Move the bar; where there is none, write a line at each quarter."""
        words = f"{offset / 1024:.0f} of {total / 1024:.0f} kB · {blocks} blocks, {repeats} repeated"
        if self._console.is_terminal:
            if self._task is None:
                self._task = self._progress.add_task(device, total=total, words=words)
            self._progress.update(self._task, completed=offset, words=words)
            return
        done = sum(offset * 100 >= part * total for part in _MILESTONES)
        if done > self._milestones:
            self._console.print(f"           {device} has {_MILESTONES[done - 1]} %: {words}")
            self._milestones = done

    def finish(self, result: Mapping[str, Any]) -> None:
        """Show device, versions, hash, blocks, alerts per party, and where to go next."""
        good = result["outcome"] == "CONFIRMED"
        colour = "green" if good else "red"
        title = f"[bold {colour}]{'✔' if good else '✘'} {result['outcome']}[/]"
        self._console.print()
        self._console.print(Panel(Group(_facts(result), Text(), _alerts(result)), title=title, expand=False))
        self._console.print(
            "[dim]Where next:[/] [bold]hanota up[/] serves gateway and console on http://127.0.0.1:8079 · "
            "[bold]hanota demo --loss 0.2 --reboot hub@40%[/] makes it hard · [bold]hanota demo --json[/]"
        )


def _facts(result: Mapping[str, Any]) -> Table:
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    for name, value in (
        ("request", f"{result['request_id']}  answered {result['response_code']}"),
        ("device", result["device_id"]),
        ("version", f"{result['version_before']} → [bold]{result['version_after']}[/]"),
        ("image SHA-256", result["image_hash"]),
        ("blocks sent", f"{result['blocks']}, repeated {result['blocks_repeated']}"),
    ):
        facts.add_row(name, str(value))
    return facts


def _alerts(result: Mapping[str, Any]) -> Table:
    """Show the alerts, grouped by the party that they went to."""
    table = Table("alerts to", "code", "kind", "what it says", box=None, header_style="dim", pad_edge=False)
    shown = None
    for alert in sorted(result["alerts"], key=lambda alert: str(alert["party"])):
        name = f"{alert.get('party_name') or ''} {alert['party']}".strip()
        table.add_row("" if name == shown else name, alert["code"], alert.get("kind", ""), alert.get("text", ""))
        shown = name
    return table


def elapsed(milliseconds: int) -> str:
    """Write virtual time since the start: `+0:42.120`, `+2:05:00`."""
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"+{hours}:{minutes:02d}:{seconds:02d}" if hours else f"+{minutes}:{seconds:02d}.{rest:03d}"
