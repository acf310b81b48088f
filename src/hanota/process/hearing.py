"""Frames from hubs on their way in: uplinks are read and their marks looked at beside or here, and judged here."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import polars as pl

from hanota.base.eui import Eui64
from hanota.base.vocabulary.parties import KeyUsage
from hanota.model.returns import Row
from hanota.process.intake import (
    Asked,
    Ignored,
    Passed,
    Plain,
    SealCheck,
    Shut,
    Spoken,
    open_other,
    read_wholly,
)
from hanota.records.registry.certificates import KeyFinder, keys_of, keys_of_homes
from hanota.records.store import Store
from hanota.records.store.reports import columns_of
from hanota.wire.wan import uplink_from

ReadPlainly = Callable[[Sequence[Shut]], Callable[[], list[Plain]]]
"""Begins to read uplinks (`intake.read_plainly`); what it gives waits, and tells what each says."""

_SIGNATURE: Final = KeyUsage.DIGITAL_SIGNATURE


class Taken(NamedTuple):
    """An uplink to acknowledge: how many octets of it are kept, and what is wrong with it, if anything is."""

    hub: Eui64
    event: int
    octets: int
    why: str | None


@dataclass(frozen=True, slots=True)
class Listened:
    """Frames from hubs: uplinks with the hubs that they say they are from; `said` gives what they say, and waits if it
    must. What is no uplink is opened.
    """

    uplinks: Sequence[tuple[Eui64, bytes]]
    said: Callable[[], list[Plain]]
    others: Sequence[Asked | Ignored]

    def __len__(self) -> int:
        return len(self.uplinks) + len(self.others)


class Judged:
    """What may be believed of frames: uplinks to acknowledge once their reports are kept, messages that may concern
    Users, image octets asked for; and frames not believed.
    """

    def __init__(self, others: Iterable[Asked | Ignored]) -> None:
        self.taken: list[Taken] = []
        self.passed: list[Passed] = []
        self.asked: list[Asked] = []
        self.ignored: list[Ignored] = []
        self._rows: list[Row] = []
        for other in others:
            if isinstance(other, Asked):
                self.asked.append(other)
            else:
                self.ignored.append(other)

    @property
    def reports(self) -> pl.DataFrame:
        """The reports as columns (REPORTS), in the order in which they came."""
        return columns_of(self._rows)

    def take(self, hub: Eui64, spoken: Spoken) -> None:
        """Take what an uplink of a hub tells."""
        self.taken.append(Taken(hub, spoken.event, spoken.octets, spoken.why))
        if spoken.row is not None:
            self._rows.append(spoken.row)
        if spoken.passed is not None:
            self.passed.append(spoken.passed)


class Hearing:
    """Hears what hubs say, with the public keys of a store."""

    def __init__(self, store: Store, read: ReadPlainly, seals_hold: SealCheck) -> None:
        self._store = store
        self._read = read
        self._seals_hold = seals_hold

    def listen(self, frames: Iterable[bytes]) -> Listened:
        """Have uplinks read, and open other frames; nothing is believed before it is judged."""
        uplinks: list[tuple[Eui64, bytes]] = []
        others: list[Asked | Ignored] = []
        for frame in frames:
            hub = uplink_from(frame)
            if hub is None:
                others.append(open_other(frame))
            else:
                uplinks.append((hub, frame))
        with self._store.reading() as connection:
            homes = keys_of_homes(connection, (hub for hub, _ in uplinks), _SIGNATURE)
        said = self._read([(frame, homes.get(hub.signed, {})) for hub, frame in uplinks])
        return Listened(uplinks, said, others)

    def judge(self, listened: Listened) -> Judged:
        """Judge what was listened to, in its order; this waits until it is read."""
        said = self._unsealed(listened.said())
        left = [uplink for uplink, it in zip(listened.uplinks, said, strict=True) if it is None]
        here = iter(self._read_here(left))
        judged = Judged(others=listened.others)
        for (hub, _), it in zip(listened.uplinks, said, strict=True):
            spoken = next(here) if it is None else it
            if isinstance(spoken, Spoken):
                judged.take(hub, spoken)
            else:
                judged.ignored.append(Ignored(spoken))
        return judged

    def _unsealed(self, said: list[Plain]) -> list[Plain]:
        """Check MACs; whose does not hold is left to be read here, which finds out why."""
        sealed = [it.sealed for it in said if isinstance(it, Spoken) and it.sealed is not None]
        if not sealed:
            return said
        with self._store.reading() as connection:
            key_of = keys_of(connection, (it.originator for it in sealed), KeyUsage.KEY_AGREEMENT)
        held = [(it.seal, key) for it in sealed if (key := key_of(it.originator)) is not None]
        good = {seal for (seal, _), holds in zip(held, self._seals_hold(held), strict=True) if holds}
        return [
            None if isinstance(it, Spoken) and it.sealed is not None and it.sealed.seal not in good else it
            for it in said
        ]

    def _read_here(self, uplinks: Sequence[tuple[Eui64, bytes]]) -> list[Spoken | str]:
        if not uplinks:
            return []
        with self._store.reading() as connection:
            find = KeyFinder(connection, (hub for hub, _ in uplinks))
            return [read_wholly(frame, find, self._seals_hold) for _, frame in uplinks]
