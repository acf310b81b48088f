"""Which image blocks devices ask their hubs for: seen where the request reaches the hub.

As a program, `python -m helpers.block_log FILE up …`, it is `hanota` with that log: a line `life` for each life of the
process, `awake` once its homes have power, `EUI offset` for each block asked for. Lines outlive `kill -9`.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.effects import Effect
from hanota.edge.hub import CommsHub
from hanota.wire.zcl import OTA_CLUSTER, ImageBlockRequest, Side, read_command

LIFE, AWAKE = "life", "awake"
OnFrame = Callable[[CommsHub, Eui64, int, bytes, Instant], list[Effect]]


def listening(heard: Callable[[Eui64, int], None]) -> OnFrame:
    """Give `CommsHub.on_frame` as it is, but telling of each block that is asked for: by whom, from which offset."""
    plain = CommsHub.on_frame

    def on_frame(hub: CommsHub, sender: Eui64, cluster: int, octets: bytes, now: Instant) -> list[Effect]:
        if cluster == OTA_CLUSTER:
            _, command = read_command(cluster, octets, Side.CLIENT)
            if isinstance(command, ImageBlockRequest):
                heard(sender, command.offset)
        return plain(hub, sender, cluster, octets, now)

    return on_frame


def read_log(path: Path) -> list[list[tuple[Eui64, int]]]:
    """Give the blocks asked for, life by life."""
    lives: list[list[tuple[Eui64, int]]] = []
    for line in path.read_text().splitlines():
        if line == LIFE:
            lives.append([])
        elif line != AWAKE:
            device, offset = line.split()
            lives[-1].append((Eui64.parse(device), int(offset)))
    return lives


def main() -> None:
    """Run `hanota` with the arguments after the log's name."""
    log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(line: str) -> None:
        os.write(log, f"{line}\n".encode())

    write(LIFE)
    plain_start = CommsHub.start

    def start(hub: CommsHub, now: Instant) -> list[Effect]:
        write(AWAKE)
        return plain_start(hub, now)

    CommsHub.start = start
    CommsHub.on_frame = listening(lambda device, offset: write(f"{device} {offset}"))
    sys.argv[:2] = ["hanota"]
    from hanota.faces.cli import main as run

    run()


if __name__ == "__main__":
    main()
