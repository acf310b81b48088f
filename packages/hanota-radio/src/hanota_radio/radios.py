"""Radio libraries of zigpy by name, and a radio started with hanota's endpoint on it."""

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

import zigpy.config as conf
from zigpy.application import RADIO_ENTRY_POINT_GROUP, ControllerApplication

from hanota.base.errors import require
from hanota.wire.zcl import Side
from hanota_radio.application import HAN_CLUSTERS, HanApplication, on_han
from hanota_radio.carrier import Air
from hanota_radio.errors import NoSuchRadio, RadioFailed

RADIOS: Final = {
    "ezsp": "bellows.zigbee.application:ControllerApplication",
    "znp": "zigpy_znp.zigbee.application:ControllerApplication",
    "deconz": "zigpy_deconz.zigbee.application:ControllerApplication",
    "xbee": "zigpy_xbee.zigbee.application:ControllerApplication",
}
"""By the chip's protocol: Silicon Labs, Texas Instruments, dresden elektronik, Digi. Libraries may announce more."""

# Device id by side in the Smart Energy profile: Energy Service Interface, In-Home Display.
_DEVICE_IDS: Final = {Side.SERVER: 0x0500, Side.CLIENT: 0x0502}
_CLUSTERS: Final = sorted(HAN_CLUSTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stick:
    """A radio: library, device file, and where zigpy keeps its devices (None: nowhere). `side` is the node's."""

    radio: str
    device: str
    side: Side = Side.SERVER
    baudrate: int = 115_200
    database: Path | None = None
    channel: int | None = None


def find_radio(name: str) -> type[ControllerApplication]:
    """Give a radio library's application by its name, or by `package.module:Class`. Raises NoSuchRadio."""
    announced = {entry.name: entry.value for entry in entry_points(group=RADIO_ENTRY_POINT_GROUP)}
    module, _, attribute = (announced | RADIOS).get(name, name).partition(":")
    require(attribute, NoSuchRadio, radio=name, reason=f"known are {', '.join(sorted(announced | RADIOS))}")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise NoSuchRadio(radio=name, reason=str(error)) from error
    fits = isinstance(found, type) and issubclass(found, ControllerApplication)
    require(fits, NoSuchRadio, radio=name, reason="it is no ControllerApplication")
    radio: type[ControllerApplication] = found
    return radio


def zigpy_config(stick: Stick, air: Air) -> dict[str, object]:
    """Write zigpy's configuration: hanota's endpoint beside zigpy's own, and nothing that would answer OTA clients."""
    server = stick.side is Side.SERVER
    endpoint = {
        "endpoint": air.endpoint,
        "profile": air.profile,
        "device_type": _DEVICE_IDS[stick.side],
        "device_version": 0,
        "input_clusters": _CLUSTERS if server else [],
        "output_clusters": [] if server else _CLUSTERS,
    }
    network: dict[str, object] = {} if stick.channel is None else {conf.CONF_NWK_CHANNEL: stick.channel}
    return {
        conf.CONF_DEVICE: {conf.CONF_DEVICE_PATH: stick.device, conf.CONF_DEVICE_BAUDRATE: stick.baudrate},
        conf.CONF_DATABASE: None if stick.database is None else str(stick.database),
        conf.CONF_OTA: {conf.CONF_OTA_ENABLED: False, conf.CONF_OTA_BROADCAST_ENABLED: False},
        conf.CONF_TOPO_SCAN_ENABLED: False,
        conf.CONF_NWK: network,
        conf.CONF_ADDITIONAL_ENDPOINTS: [endpoint],
    }


@asynccontextmanager
async def started(stick: Stick, air: Air | None = None) -> AsyncIterator[HanApplication]:
    """Start a radio, forming a network if it has none, and shut it down in the end. Raises NoSuchRadio, RadioFailed."""
    radio = on_han(find_radio(stick.radio))
    app: ControllerApplication | None = None
    try:
        app = await radio.new(zigpy_config(stick, air or Air()), start_radio=False)
        await app.startup(auto_form=True)
    except Exception as error:  # serial ports, zigpy and every radio library have errors of their own
        if app is not None:
            await app.shutdown()  # the database, too, which zigpy leaves open where the start fails
        raise RadioFailed(device=stick.device, reason=str(error) or type(error).__name__) from error
    try:
        assert isinstance(app, HanApplication)
        yield app
    finally:
        await app.shutdown()
