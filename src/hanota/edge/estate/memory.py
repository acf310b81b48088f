"""What the nodes of an estate keep: in memory, and behind it, if there is a file, in SQLite.

One transaction per slice of work; what goes to the WAN waits for its commit. `synchronous=NORMAL`: the file survives
the death of the process at any instant; after a power cut of the machine it may be the estate of a moment ago, which is
what a home after a power cut is too.
"""

import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from hanota.base.eui import Eui64

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS memory (
    node INTEGER NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (node, key)
)
"""  # with rowids: a key looked up in a WITHOUT ROWID table is compared with whole rows, images of 750 kB among them
_PUT: Final = "INSERT INTO memory VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
_DROP: Final = "DELETE FROM memory WHERE node = ? AND key = ?"


class EstateFile:
    """Key-value memory of every node, in one file or, with `path` None, for the life of the process."""

    def __init__(self, path: Path | None = None) -> None:
        self._nodes: dict[Eui64, dict[str, bytes]] = {}
        self._changed: dict[tuple[Eui64, str], bytes | None] = {}
        self._file = None if path is None else sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        if self._file is None:
            return
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        self._file.execute(_SCHEMA)
        for node, key, value in self._file.execute("SELECT node, key, value FROM memory"):
            self.memory_of(Eui64.from_signed(node))[key] = value

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def memory_of(self, node: Eui64) -> dict[str, bytes]:
        """Give what a node has stored; `put` changes it."""
        return self._nodes.setdefault(node, {})

    def put(self, node: Eui64, key: str, value: bytes | None) -> None:
        """Take one Store effect; durable with the next `commit`."""
        memory = self.memory_of(node)
        if value is None:
            memory.pop(key, None)
        else:
            memory[key] = value
        if self._file is not None:
            self._changed[node, key] = value

    def forget(self, node: Eui64) -> None:
        """Drop all that a node has stored: it is gone, and one that comes under its address remembers nothing."""
        for key in list(self.memory_of(node)):
            self.put(node, key, None)

    def commit(self) -> None:
        """Make all that was put durable, together."""
        if self._file is None or not self._changed:
            return
        kept = [(node.signed, key, value) for (node, key), value in self._changed.items() if value is not None]
        dropped = [(node.signed, key) for (node, key), value in self._changed.items() if value is None]
        self._file.execute("BEGIN IMMEDIATE")
        try:
            self._file.executemany(_PUT, kept)
            self._file.executemany(_DROP, dropped)
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")
        self._changed.clear()

    def close(self) -> None:
        """Let the file go; what was not committed is lost, as when the power goes."""
        if self._file is not None:
            self._file.close()
            self._file = None
