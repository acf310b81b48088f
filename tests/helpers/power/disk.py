"""A disk and its cache: what was synced stays; of all else each sector is kept, dropped or torn when the power goes.

A write changes the octets that it names and no others, torn or not: that is what SQLite takes a disk to do
(SQLITE_IOCAP_POWERSAFE_OVERWRITE). Sectors of different writes go to the disk in any order.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Final

SECTOR: Final = 512
_SYNC_FOLDER: Final = ("-wal", "-journal")  # SQLite's unix VFS syncs the folder with the first sync of such a file


@dataclass(frozen=True, slots=True)
class Write:
    """Octets for a place in a file."""

    file: str
    at: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resize:
    """A file is cut off at a size."""

    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """Everything of a file so far is to be on the disk, its name among it."""

    file: str


@dataclass(frozen=True, slots=True)
class Remove:
    """A file is removed; only with `durable` is that on the disk when the call returns."""

    file: str
    durable: bool


Op = Write | Resize | Sync | Remove


@dataclass(frozen=True, slots=True)
class Luck:
    """How likely each sector that was not synced is kept, and how likely one that is not kept whole is torn."""

    keeps: float
    tears: float


LUCK: Final = (Luck(0, 0), Luck(1, 0), Luck(0.1, 0.1), Luck(0.5, 0.1), Luck(0.9, 0.5), Luck(0.5, 1))
"""The kinds of cuts: nothing in the cache arrives, all of it, little, half, most, half of it torn."""


@dataclass
class Disk:
    """What is durable, and what has been asked for since, file by file."""

    durable: dict[str, bytearray] = field(default_factory=dict)
    cached: dict[str, list[Write | Resize | Remove]] = field(default_factory=dict)

    def do(self, op: Op) -> None:
        """Take one call."""
        if isinstance(op, Sync):
            if op.file.endswith(_SYNC_FOLDER) and self._is_new(op.file):
                self._settle_removals()
            for waiting in self.cached.pop(op.file, ()):
                _do_whole(self.durable, waiting)
            self.durable.setdefault(op.file, bytearray())
        elif isinstance(op, Remove) and op.durable:
            self.cached.pop(op.file, None)
            self.durable.pop(op.file, None)
        else:
            self.cached.setdefault(op.file, []).append(op)

    def _is_new(self, name: str) -> bool:
        return name not in self.durable or any(isinstance(op, Remove) for op in self.cached.get(name, ()))

    def _settle_removals(self) -> None:
        """The folder is synced: names that were removed are gone for good."""
        for name, waiting in self.cached.items():
            removals = [place for place, op in enumerate(waiting) if isinstance(op, Remove)]
            if removals:
                self.durable.pop(name, None)
                del waiting[: removals[-1] + 1]

    def unsynced(self) -> set[str]:
        """Give the files of which something is not yet durable."""
        return {name for name, waiting in self.cached.items() if waiting}

    def as_seen(self) -> dict[str, bytearray]:
        """Give the files as every process sees them while there is power."""
        files = {name: bytearray(octets) for name, octets in self.durable.items()}
        for waiting in self.cached.values():
            for op in waiting:
                _do_whole(files, op)
        return files

    def after_cut(self, rng: Random) -> tuple[dict[str, bytearray], Counter[str]]:
        """Give the files as they may stand after a cut now, and how often each fault struck."""
        luck = rng.choice(LUCK)
        files = {name: bytearray(octets) for name, octets in self.durable.items()}
        faults: Counter[str] = Counter()
        for waiting in self.cached.values():
            for op in waiting:
                if isinstance(op, Write):
                    for sector in _sectors(op):
                        faults[_do_sector(files, sector, luck, rng)] += 1
                elif rng.random() < luck.keeps:
                    _do_whole(files, op)
                elif isinstance(op, Remove):
                    faults["removals undone"] += 1
                    break  # the name still means the old file: nothing of the new one can be found
                else:
                    faults["cuttings off undone"] += 1
        return files, faults


def _do_whole(files: dict[str, bytearray], op: Write | Resize | Remove) -> None:
    if isinstance(op, Write):
        _put(files.setdefault(op.file, bytearray()), op.at, op.data)
    elif isinstance(op, Resize):
        octets = files.setdefault(op.file, bytearray())
        del octets[op.size :]
        octets.extend(bytes(op.size - len(octets)))
    else:
        files.pop(op.file, None)


def _put(octets: bytearray, at: int, data: bytes) -> None:
    if len(octets) < at:
        octets.extend(bytes(at - len(octets)))
    octets[at : at + len(data)] = data


def _sectors(op: Write) -> Iterator[Write]:
    at, end = op.at, op.at + len(op.data)
    while at < end:
        until = min(end, (at // SECTOR + 1) * SECTOR)
        yield Write(op.file, at, op.data[at - op.at : until - op.at])
        at = until


def _do_sector(files: dict[str, bytearray], sector: Write, luck: Luck, rng: Random) -> str:
    if rng.random() < luck.keeps:
        _do_whole(files, sector)
        return "sectors kept"
    if len(sector.data) < 2 or rng.random() >= luck.tears:
        return "sectors dropped"
    split = rng.randrange(1, len(sector.data))
    if rng.random() < 0.5:
        _do_whole(files, Write(sector.file, sector.at, sector.data[:split]))
    else:
        _do_whole(files, Write(sector.file, sector.at + split, sector.data[split:]))
    return "sectors torn"
