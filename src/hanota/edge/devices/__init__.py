"""Devices of a home, as their profile makes them: OTA client, two banks, GBCS application. Sans-IO."""

from hanota.edge.devices.banks import UNHEALTHY_MARK
from hanota.edge.devices.device import HanDevice
from hanota.edge.devices.identity import DeviceIdentity, GbcsCredentials

__all__ = ["UNHEALTHY_MARK", "DeviceIdentity", "GbcsCredentials", "HanDevice"]
