"""Where lean workers are born and killed: many lives over one store, an account of what each said, then a check."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Final

from helpers.lean.account import Account

_TESTS: Final = Path(__file__).resolve().parents[2]
_WORDS_MAX: Final = 24  # a life is killed at one of its first words
_LINGER_S_MAX: Final = 0.05


@dataclass
class Toll:
    """What came of kills. `moments`: the last word of those killed."""

    kills: int = 0
    acknowledged: int = 0
    deliveries: int = 0
    events: int = 0
    moments: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def add(self, other: "Toll") -> None:
        """Count another's in."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def line(self, name: str, seeds: str) -> str:
        """Give the line that is printed."""
        moments = ", ".join(f"{count} after '{word}'" for word, count in sorted(self.moments.items()))
        return (
            f"{name}: seeds {seeds}, {self.kills} kills ({moments}); {self.acknowledged:,} acknowledgements, "
            f"{self.events:,} events, {self.deliveries:,} deliveries ended; lost 0, counted twice 0, wrong 0; "
            f"{self.seconds:.0f} s of one yard, {self.kills / max(self.seconds, 0.001):.1f} kills a second"
        )


class Yard:
    """One process that begets workers, which are killed one after the other."""

    def __init__(self, folder: Path) -> None:
        environment = {**os.environ, "POLARS_MAX_THREADS": "1"}
        environment["PYTHONPATH"] = os.pathsep.join([str(_TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-m", "helpers.lean.worker", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # so that whoever is alive when a check fails can be ended with it
        )

    def __enter__(self) -> "Yard":
        assert self._hear() == ["ready"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def run(self, seed: int, kills: int) -> Toll:
        """Kill so many lives over one store, look after each, let one more come to its end, and look again."""
        store, rng, account, toll = self._folder / f"{seed}.sqlite", Random(f"kills {seed}"), Account(), Toll()
        shutil.copy(self._folder / "new.sqlite", store)
        began = time.monotonic()
        for life in range(1, kills + 1):
            toll.moments[self._live(store, life, rng, account)] += 1
            account.check(store)
        toll.seconds = time.monotonic() - began
        self._end(store, kills + 1, account)
        toll.kills, toll.acknowledged, toll.events = kills, account.acknowledged, len(account.events)
        toll.deliveries = account.check_end(store)
        return toll

    def _live(self, store: Path, life: int, rng: Random, account: Account) -> str:
        """Let one life be killed at a random moment. Returns: its last word before that."""
        pid = self._beget("live", store, life)
        word = "begot"
        for _ in range(0 if rng.random() < 0.15 else rng.randrange(_WORDS_MAX)):
            words = self._hear()
            assert words[0] != "buried"
            account.take(words)
            word = str(words[0])
        time.sleep(rng.uniform(0, _LINGER_S_MAX))
        os.kill(pid, signal.SIGKILL)
        assert self._bury(account) == -signal.SIGKILL
        return word

    def _end(self, store: Path, life: int, account: Account) -> None:
        self._beget("end", store, life)
        assert self._bury(account) == 0

    def _beget(self, how: str, store: Path, life: int) -> int:
        self._ask(f"{how} {store} {life}")
        word, pid = self._hear()
        assert word == "begot"
        return int(pid)

    def _bury(self, account: Account) -> int:
        """Hear the rest of what it said before its end. Returns: how it ended."""
        self._ask("bury")
        while (words := self._hear())[0] != "buried":
            account.take(words)
        return int(words[1])

    def _ask(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        self._process.stdin.flush()

    def _hear(self) -> list[Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the yard's process has ended"
        words: list[Any] = json.loads(line)
        assert words[0] != "failed", words[1]
        return words
