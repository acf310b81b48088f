"""The air of a run as a capture file."""

from typing import BinaryIO

from hanota.edge.han.pcap import HanCapture
from hanota.sim.run import Meet
from hanota.sim.town import Town


def captured(file: BinaryIO) -> Meet:
    """Give what writes every frame of a town's homes to `file`, for Wireshark to open."""

    def meet(town: Town) -> None:
        hubs = {home.hub.chf for home in town.plan.estate.premises} | set(town.plan.newcomers)
        town.world.estate.tap(HanCapture(file, hubs).write)

    return meet
