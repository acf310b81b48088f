"""A zigpy application whose frames of the HAN's clusters go to hanota, and to hanota alone.

zigpy would answer an OTA client itself ("no image", "abort"), so these clusters' own commands never reach its devices,
not even while no node is there to take them. Commands that all clusters share are zigpy's unless a node answers them.
"""

from collections.abc import Callable
from typing import Final, cast

import zigpy.types as t
from zigpy.application import ControllerApplication
from zigpy.profiles import zha
from zigpy.zdo import ZDO_ENDPOINT

from hanota.wire.zcl.tables import MESSAGING_CLUSTER, OTA_CLUSTER, TUNNELING_CLUSTER
from hanota_radio.frames import read_header

HAN_CLUSTERS: Final = frozenset({OTA_CLUSTER, MESSAGING_CLUSTER, TUNNELING_CLUSTER})
SMART_ENERGY: Final = 0x0109

Taker = Callable[[t.ZigbeePacket], bool]
"""Is given each frame of the HAN's clusters; False: zigpy shall see it, too."""


class HanApplication(ControllerApplication):
    """To be mixed into a radio library's own application by `on_han`."""

    taker: Taker | None = None

    def packet_received(self, packet: t.ZigbeePacket) -> None:
        """Take one packet from the radio: hanota's go to `taker`, all others to zigpy.

        zigpy ignores the Smart Energy profile, so its interview of such a device would never end: zigpy is told that
        what is left came under Home Automation.
        """
        if packet.dst_ep != ZDO_ENDPOINT:
            if packet.cluster_id in HAN_CLUSTERS and (self.taker(packet) if self.taker else not _general(packet)):
                return
            if packet.profile_id == SMART_ENERGY:
                packet = packet.replace(profile_id=zha.PROFILE_ID)
        super().packet_received(packet)


def _general(packet: t.ZigbeePacket) -> bool:
    header = read_header(packet.data.serialize())
    return header is not None and header.general


def on_han(radio: type[ControllerApplication]) -> type[HanApplication]:
    """Give a radio library's application class with hanota in front of zigpy's devices."""
    return cast("type[HanApplication]", type(f"Han{radio.__name__}", (HanApplication, radio), {}))
