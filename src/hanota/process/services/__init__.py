"""What each Service Request does once it is believed: facts from the registry, its rules, its outcome.

`SERVICES` is the table; acceptance looks a request up in it by its type, inside its one writing transaction.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from hanota.process.services.commands import hand_in, read_version, send_signed, transform
from hanota.process.services.distribution import distribute
from hanota.process.services.inventory import prenotify, read_inventory, update_inventory
from hanota.process.services.work import Broker, Outcome, Work
from hanota.wire import duis

SERVICES: Final[Mapping[type[duis.Request], Callable[[Work[Any]], Outcome]]] = MappingProxyType(
    {
        duis.FirmwareRequest: distribute,
        duis.ReadInventory: read_inventory,
        duis.UpdateInventory: update_inventory,
        duis.DevicePrenotification: prenotify,
        duis.ReadFirmwareVersion: read_version,
        duis.ActivateFirmware: transform,
        duis.SignedPreCommand: send_signed,
        duis.ReturnLocalCommandResponse: hand_in,
    }
)

__all__ = ["SERVICES", "Broker", "Outcome", "Work"]
