"""Where the parts of a town keep things: a head end's store that may lose its process, and a watched estate file."""

import contextlib
from collections.abc import Iterator
from functools import lru_cache

from hanota.base.eui import Eui64
from hanota.edge.estate import EstateFile
from hanota.records.store import Connection, Store, open_store


class ServiceKilled(BaseException):
    """The head end's process is gone; nothing in it may stop this from passing."""


class MortalStore(Store):
    """A store in memory whose process dies at one of its next transactions, before or after the commit."""

    _die_in: int | None = None
    _after_commit = False
    deaths = 0

    def kill_at(self, transactions: int, *, after_commit: bool) -> None:
        """Let the process die in so many writing transactions: 0 is the next one."""
        self._die_in, self._after_commit = transactions, after_commit

    def spare(self) -> None:
        """Let it live."""
        self._die_in = None

    @contextlib.contextmanager
    def sheltered(self) -> Iterator[None]:
        """Let it live for as long as this lasts: what is done within is not the head end's."""
        waiting, self._die_in = self._die_in, None
        yield
        if self._die_in is None:
            self._die_in = waiting

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a writing transaction, as the store does. Raises ServiceKilled."""
        now = self._die_in == 0
        if self._die_in is not None:
            self._die_in = self._die_in - 1 if self._die_in else None
        with super().writing() as connection:
            yield connection
            if now and not self._after_commit:
                self.deaths += 1
                raise ServiceKilled
        if now:
            self.deaths += 1
            raise ServiceKilled


@lru_cache(maxsize=1)
def _template() -> Store:
    return open_store(None)


def fresh_store() -> MortalStore:
    """Give an empty store; its schema is copied from one that was migrated once."""
    return _template().copied(MortalStore)


class WatchedFile(EstateFile):
    """What the nodes remember, and which of it has changed since somebody looked."""

    def __init__(self) -> None:
        super().__init__()
        self.touched: dict[Eui64, set[str]] = {}
        self.writes = 0

    def put(self, node: Eui64, key: str, value: bytes | None) -> None:
        """Take one Store effect, and note it."""
        super().put(node, key, value)
        self.writes += 1
        self.touched.setdefault(node, set()).add(key)

    def look(self) -> dict[Eui64, set[str]]:
        """Give the keys that changed at each node, and begin anew."""
        touched, self.touched = self.touched, {}
        return touched
