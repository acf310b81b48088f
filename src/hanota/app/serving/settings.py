"""What each process of `hanota serve` is told. It travels by the environment: a database's URL may hold a password."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from hanota.app.keys import KeySources
from hanota.app.settings import KeyPlaces, TlsFiles
from hanota.model.policies import Policies

VARIABLE: Final = "HANOTA_PART"
"""Where a process finds its settings."""

Kind = Literal["worker", "gateway", "console"]


class PartSettings(BaseModel):
    """One process: what it is, what it works on, and for HTTP where it listens. `base` begins the name of its lane.

    A worker has `key_processes` beside it that look at signatures.
    """

    model_config = ConfigDict(frozen=True)

    kind: Kind
    name: str
    base: str
    database: str
    dcc: str
    nats: str | None = None
    keys: KeyPlaces = KeyPlaces()
    policies: Policies = Policies()
    address: str = "127.0.0.1"
    port: int = 0
    tls: TlsFiles = TlsFiles()
    verbose: bool = False
    key_processes: int = 0

    def as_worker(self, number: int) -> "PartSettings":
        """Give the settings of one of several workers of a host."""
        return self.model_copy(update={"kind": "worker", "name": f"worker-{number}"})

    def as_face(
        self, kind: Literal["gateway", "console"], address: str, port: int, tls: TlsFiles | None = None
    ) -> "PartSettings":
        """Give the settings of a process that listens."""
        where = {"address": address, "port": port, "tls": tls or TlsFiles()}
        return self.model_copy(update={"kind": kind, "name": kind, "base": f"{self.base}-{kind}", "nats": None} | where)

    def environment(self) -> dict[str, str]:
        """Give the environment of its process: this one's, these settings, and one thread for columns."""
        return {**os.environ, VARIABLE: self.model_dump_json(), "POLARS_MAX_THREADS": "1"}

    def key_sources(self) -> KeySources:
        """Give where its keys are."""
        return KeySources(directory=self.keys.directory, store=self.keys.store)


def read_part(environment: Mapping[str, str]) -> PartSettings:
    """Read what a process is told. Raises KeyError where it was not started by `hanota serve`."""
    return PartSettings.model_validate_json(environment[VARIABLE])


def whole(database: str) -> str:
    """Give a database so that it means the same wherever a process stands."""
    return database if "://" in database else str(Path(database).resolve())


def places(sources: KeySources) -> KeyPlaces:
    """Give where keys are, so that it means the same wherever a process stands."""
    return KeyPlaces(
        directory=None if sources.directory is None else sources.directory.resolve(),
        store=None if sources.store is None else sources.store.resolve(),
    )
