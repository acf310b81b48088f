"""SQLite's own file calls, recorded: a VFS of Debian's APSW that serves the interpreter's `sqlite3` as well.

PyPI's APSW brings an SQLite of its own; Debian's shares libsqlite3 with the interpreter, so that what is registered
there serves `sqlite3.connect` here. It is read from where Debian puts it, for it is in no virtual environment.
"""

import importlib.util
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType
from typing import Any

from helpers.power.disk import Op, Remove, Resize, Sync, Write

HOW_TO_GET_IT = "needs a python3-apsw that shares this interpreter's SQLite: apt-get install python3-apsw (Debian)"
_DEBIANS = Path("/usr/lib/python3/dist-packages/apsw")
_UNIX = "unix"
_NAME = "hanota recorder"


@cache
def apsw() -> ModuleType | None:
    """Give APSW; None where there is none that serves this interpreter's `sqlite3`."""
    if not isinstance(sys.modules.get("apsw"), ModuleType):
        found = [path for suffix in EXTENSION_SUFFIXES if (path := _DEBIANS / f"__init__{suffix}").is_file()]
        spec = importlib.util.spec_from_file_location("apsw", found[0]) if found else None
        if spec is None or spec.loader is None:
            return None
        module = importlib.util.module_from_spec(spec)
        sys.modules["apsw"] = module
        spec.loader.exec_module(module)
    module = sys.modules["apsw"]
    return module if _serves(module) else None


def _serves(module: ModuleType) -> bool:
    """Whether what is registered there is what `sqlite3` uses here."""

    class Probe(module.VFS):  # type: ignore[name-defined,misc]  # Debian's module, known only as it runs
        def __init__(self) -> None:
            super().__init__("hanota probe", _UNIX)

    probe = Probe()
    try:
        sqlite3.connect("file:probe?mode=memory&vfs=hanota%20probe", uri=True).close()
    except sqlite3.OperationalError:  # no such vfs
        return False
    finally:
        probe.unregister()
    return True


@contextmanager
def recording(folder: Path, tell: Callable[[Op], None]) -> Iterator[None]:
    """Tell of everything that SQLite has the files of a folder do; other files are left alone."""
    module: Any = apsw()
    assert module is not None, HOW_TO_GET_IT
    beginning = f"{folder.resolve()}/"

    class File(module.VFSFile):  # type: ignore[misc]  # Debian's module, known only as it runs
        def __init__(self, name: str, given: Any, flags: list[int]) -> None:
            self._name = name.removeprefix(beginning)
            super().__init__(_UNIX, given, flags)

        def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
            super().xWrite(data, offset)
            tell(Write(self._name, offset, bytes(data)))

        def xTruncate(self, size: int) -> None:  # noqa: N802
            super().xTruncate(size)
            tell(Resize(self._name, size))

        def xSync(self, flags: int) -> None:  # noqa: N802
            super().xSync(flags)
            tell(Sync(self._name))

    class Recorder(module.VFS):  # type: ignore[misc]  # Debian's module, known only as it runs
        def __init__(self) -> None:
            super().__init__(_NAME, _UNIX, makedefault=True)

        def xOpen(self, given: Any, flags: list[int]) -> Any:  # noqa: N802
            name = given.filename() if isinstance(given, module.URIFilename) else given
            if name is None or not name.startswith(beginning):
                return module.VFSFile(_UNIX, given, flags)
            return File(name, given, flags)

        def xDelete(self, name: str, sync_folder: bool) -> None:  # noqa: N802
            super().xDelete(name, sync_folder)
            if name.startswith(beginning):
                tell(Remove(name.removeprefix(beginning), bool(sync_folder)))

    recorder = Recorder()
    try:
        yield
    finally:
        recorder.unregister()
