"""zigpy radios without hardware: they share an ether, and time passes only while nothing happens."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, ClassVar

import zigpy.types as t
import zigpy.zdo.types as zdo_t
from zigpy.application import ControllerApplication
from zigpy.device import ZigbeeDevice
from zigpy.endpoint import Status
from zigpy.exceptions import DeliveryError
from zigpy.profiles import zha
from zigpy.state import NodeInfo
from zigpy.zcl.clusters.general import Ota

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota_radio.frames import zigpy_eui
from helpers.premises import NOW


class _Selector(selectors.DefaultSelector):
    """Instead of waiting for a time, it lets it be that time."""

    passed_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0 if timeout is not None else None)
        if not ready and timeout:
            self.passed_s += timeout
        return ready


class QuickLoop(asyncio.SelectorEventLoop):
    """An event loop in which hours pass at once."""

    def __init__(self) -> None:
        self._quick = _Selector()
        super().__init__(self._quick)

    def time(self) -> float:
        return self._quick.passed_s


def clock() -> Instant:
    """The instant on the clock of the running loop."""
    return Instant(NOW + round(asyncio.get_running_loop().time() * 1000))


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine; one that never ends runs into its hour quickly."""
    with asyncio.Runner(loop_factory=QuickLoop) as runner:
        runner.run(asyncio.wait_for(main, 24 * 3600))


@dataclass
class Ether:
    """Carries packets between radios. `hook` may swallow one (True), or raise as a radio does that had no ack."""

    radios: dict[int, "MemoryRadio"] = field(default_factory=dict)
    hook: Callable[[t.ZigbeePacket], bool] = lambda _: False
    sent: list[t.ZigbeePacket] = field(default_factory=list)

    def carry(self, packet: t.ZigbeePacket) -> None:
        self.sent.append(packet)
        if self.hook(packet) or packet.dst.addr_mode != t.AddrMode.NWK:
            return
        there = self.radios.get(int(packet.dst.address))
        if there is None:
            raise DeliveryError("nobody there")
        arrived = packet.replace(tx_options=t.TransmitOptions.NONE, lqi=t.uint8_t(200), rssi=t.int8s(-60))
        asyncio.get_running_loop().call_soon(there.packet_received, arrived)

    def of(self, cluster: int) -> list[bytes]:
        """The frames sent on a cluster, in order."""
        return [packet.data.serialize() for packet in self.sent if packet.cluster_id == cluster]


class MemoryRadio(ControllerApplication):
    """A radio in the ether; its device path is `ether/nwk/EUI-64`."""

    ETHERS: ClassVar[dict[str, Ether]] = {}
    endpoints: list[zdo_t.SimpleDescriptor]

    @property
    def _place(self) -> tuple[Ether, int, Eui64]:
        ether, nwk, eui = self.config["device"]["path"].split("/")
        return self.ETHERS[ether], int(nwk, 16), Eui64.parse(eui)

    async def connect(self) -> None:
        ether, nwk, _ = self._place
        ether.radios[nwk] = self
        self.endpoints = []

    async def disconnect(self) -> None:
        ether, nwk, _ = self._place
        ether.radios.pop(nwk, None)

    async def load_network_info(self, *, load_devices: bool = False) -> None:
        _, nwk, eui = self._place
        self.state.node_info = NodeInfo(nwk=t.NWK(nwk), ieee=zigpy_eui(eui), logical_type=zdo_t.LogicalType.Coordinator)

    async def start_network(self) -> None:
        own = self.add_device(self.state.node_info.ieee, self.state.node_info.nwk)
        own.add_endpoint(1)
        own.manufacturer, own.model = "hanota", "ether"
        await self.register_endpoints()

    async def add_endpoint(self, descriptor: zdo_t.SimpleDescriptor) -> None:
        self.endpoints.append(descriptor)

    async def send_packet(self, packet: t.ZigbeePacket) -> None:
        await asyncio.sleep(0)
        self._place[0].carry(packet)

    async def force_remove(self, dev: ZigbeeDevice) -> None: ...

    async def permit_ncp(self, time_s: int = 60) -> None: ...

    async def permit_with_link_key(self, node: t.EUI64, link_key: t.KeyData, time_s: int = 60) -> None: ...

    async def reset_network_info(self) -> None: ...

    async def write_network_info(self, *, network_info: object, node_info: object) -> None: ...


def config(ether: str, nwk: int, eui: Eui64) -> dict[str, Any]:
    """Write what zigpy needs to know of a radio in the ether."""
    return {
        "device": {"path": f"{ether}/{nwk:04x}/{eui}"},
        "backup_enabled": False,
        "topology_scan_enabled": False,
        "ota": {"enabled": False, "broadcast_enabled": False},
    }


def meet(
    app: ControllerApplication, eui: Eui64, nwk: int, *, profile: int = zha.PROFILE_ID, endpoint: int = 1
) -> ZigbeeDevice:
    """Let `app` know another radio as an interviewed device with the OTA cluster on both sides."""
    device = app.add_device(zigpy_eui(eui), t.NWK(nwk))
    device.node_desc = zdo_t.NodeDescriptor(1, 64, 142, 0x121D, 82, 255, 0, 255, 0)
    there = device.add_endpoint(endpoint)
    there.status, there.profile_id = Status.ZDO_INIT, profile
    there.add_input_cluster(Ota.cluster_id)
    there.add_output_cluster(Ota.cluster_id)
    return device
