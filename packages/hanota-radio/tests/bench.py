"""A node of hanota on one radio, zigpy alone on the other, and what was stored and noted meanwhile."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import zigpy.types as t
from zigpy.application import ControllerApplication
from zigpy.device import ZigbeeDevice
from zigpy.profiles import zha

from ether import Ether, MemoryRadio, clock, config, meet
from hanota.base.eui import Eui64
from hanota.edge.effects import Node, Note
from hanota.edge.estate import EstateFile
from hanota_radio import Air, HanApplication, RadioHan, on_han

HUB_NWK, DEVICE_NWK = 0x0000, 0x2B1D
EXCHANGE_S = 1.0


class Memory(EstateFile):
    """What is stored, in order with what the ether carried: `log` holds keys and the cluster ids of frames."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[str | int] = []
        self.broken = False

    def put(self, node: Eui64, key: str, value: bytes | None) -> None:
        super().put(node, key, value)
        self.log.append(key)

    def commit(self) -> None:
        if self.broken:
            raise OSError("disk full")
        super().commit()
        self.log.append("commit")


@dataclass
class Pair:
    """Both ends of the ether."""

    ether: Ether
    app: HanApplication
    other: ControllerApplication
    peer: ZigbeeDevice  # hanota's node, as zigpy's end knows it
    memory: Memory
    notes: list[Note] = field(default_factory=list)
    wan: list[bytes] = field(default_factory=list)
    han: RadioHan | None = None

    @property
    def to_server(self) -> Any:
        """zigpy's OTA cluster of a node that is the server."""
        return self.peer.endpoints[1].in_clusters[0x0019]

    @property
    def to_client(self) -> Any:
        """zigpy's OTA cluster of a node that is the client."""
        return self.peer.endpoints[1].out_clusters[0x0019]

    def noted(self, kind: str) -> list[Note]:
        return [note for note in self.notes if note.kind == kind]


@asynccontextmanager
async def pair(
    node_eui: Eui64, peer_eui: Eui64, *, profile: int = zha.PROFILE_ID, known: bool = True
) -> AsyncIterator[Pair]:
    """Two radios that know each other, with nothing of hanota on the first yet. `known` False: it doesn't know who."""
    ether = MemoryRadio.ETHERS["test"] = Ether()
    app = await on_han(MemoryRadio).new(config("test", HUB_NWK, node_eui))
    other = await MemoryRadio.new(config("test", DEVICE_NWK, peer_eui))
    if known:
        meet(app, peer_eui, DEVICE_NWK, profile=profile)
    made = Pair(ether, app, other, meet(other, node_eui, HUB_NWK, profile=profile), Memory())
    ether.sent.clear()
    carry = ether.carry

    def logged(packet: t.ZigbeePacket) -> None:
        made.memory.log.append(int(packet.cluster_id))
        carry(packet)

    ether.carry = logged
    try:
        yield made
    finally:
        await app.shutdown()
        await other.shutdown()


@asynccontextmanager
async def standing(
    made: Pair, make: Callable[[dict[str, bytes]], Node], eui: Eui64, **facts: Any
) -> AsyncIterator[RadioHan]:
    """Put a node, made of what it remembers, on the pair's first radio."""
    node = make(dict(made.memory.memory_of(eui)))
    facts.setdefault("air", Air(profile=zha.PROFILE_ID, endpoint=1))
    async with RadioHan(
        made.app, node, made.memory, clock=clock, send_wan=made.wan.append, observe=made.notes.append, **facts
    ) as han:
        made.han = han
        yield han
