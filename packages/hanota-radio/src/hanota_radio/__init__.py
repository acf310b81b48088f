"""hanota's hub and devices on a real ZigBee network: the HAN interface over zigpy's `ControllerApplication` (R40).

The package is GPL-3.0-or-later, as zigpy is; hanota itself never imports it.
"""

from hanota_radio.application import HAN_CLUSTERS, HanApplication, on_han
from hanota_radio.carrier import Air, Keeper, RadioHan

__version__ = "0.1.0"

__all__ = ["HAN_CLUSTERS", "Air", "HanApplication", "Keeper", "RadioHan", "__version__", "on_han"]
