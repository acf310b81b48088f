"""A disk that a process of a test has to itself, and whose power can be cut: what was not synced by then is gone.

It is a file system (ext4) in a file, mounted where only that process sees it, so it is gone with the process, however
that ends. A cut is ext4's own shutdown: nothing more is written, not even the journal. When it is mounted again, there
is what a disk would have: all that was synced, perhaps more, since the kernel writes by itself after a while.
"""

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

from helpers.leaving_out import leave_out

_OCTETS = 512 << 20
_SHUTDOWN = 0x8004_587D  # EXT4_IOC_SHUTDOWN: _IOR('X', 125, __u32)
_WITHOUT_JOURNAL = 2  # EXT4_GOING_FLAGS_NOLOGFLUSH
_MOUNT = 'mount -o loop,commit=300 "$0" "$1" && shift && exec "$@"'  # 300 s: not even the journal goes by itself


_TAKES = "a disk that loses its power takes root, loop devices and e2fsprogs (apt-get install e2fsprogs)"


class Disk:
    """An empty disk, in a new file. Where there can be none, the test is left out, and says what that takes."""

    def __init__(self, file: Path) -> None:
        if os.getuid() != 0 or shutil.which("mkfs.ext4") is None:
            leave_out(_TAKES)
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as made:
            made.truncate(_OCTETS)
        subprocess.run(["mkfs.ext4", "-q", "-F", file], check=True)
        tried = subprocess.run(
            self.under(file.with_suffix(".tried"), ["true"]), capture_output=True, check=False, text=True
        )
        if tried.returncode:
            leave_out(f"{_TAKES}: {tried.stderr.strip()}")

    def under(self, place: Path, command: Sequence[str]) -> list[str]:
        """Give the command that runs `command` with the disk at `place`."""
        place.mkdir(parents=True, exist_ok=True)
        return [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            _MOUNT,
            str(self._file),
            str(place),
            *command,
        ]

    def sync(self, pid: int, place: Path) -> None:
        """Have it keep all that was written so far."""
        subprocess.run(["sync", "-f", _seen_by(pid, place)], check=True)

    def cut(self, pid: int, place: Path) -> None:
        """Cut its power; the process is to be killed then."""
        disk = os.open(_seen_by(pid, place), os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(disk, _SHUTDOWN, struct.pack("I", _WITHOUT_JOURNAL))
        finally:
            os.close(disk)


def _seen_by(pid: int, place: Path) -> str:
    return f"/proc/{pid}/root{place}"
