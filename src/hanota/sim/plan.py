"""What one seed stands for, as plain values: a town, its settings, and everything that is done to it and when.

A plan can be cut down deed by deed and run again, which is how a failure is shrunk; the seed beside it draws nothing
but what the plan leaves open (latencies, which frame is lost).
"""

from dataclasses import dataclass, field
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import Instant, parse_iso
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.estate import EstateDescription
from hanota.model.policies import Policies

START: Final = parse_iso("2026-01-15T00:00:00Z")
"""When every town begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firmware:
    """An image that a maker has made for one model; `octets` counts its Manufacturer Image.

    `certified`: it stands on the Certified Product List. `healthy`: it passes a device's self-test.
    """

    name: str
    device_type: DeviceType
    manufacturer: int
    image_type: int
    hardware_min: int
    hardware_max: int
    version: int
    octets: int
    content_seed: int
    certified: bool = True
    healthy: bool = True
    predecessors: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that is done: by a Supplier, by somebody in a home, or by chance. `kind` is a row of `deeds.DEEDS`.

    What the other fields mean is the kind's business: `amount` is a share in thousandths, a number of writes or
    milliseconds of skew; `for_ms` how long it lasts.
    """

    at_ms: int
    kind: str
    node: Eui64 | None = None
    party: Eui64 | None = None
    name: str = ""
    amount: int = 0
    for_ms: int = 0
    nodes: tuple[Eui64, ...] = ()

    @property
    def at(self) -> Instant:
        """When it is done."""
        return Instant(START + self.at_ms)

    def says(self) -> str:
        """Say it in one line."""
        parts = [str(part) for part in (self.party, self.name, self.node) if part]
        parts += [str(node) for node in self.nodes]
        parts += [f"{self.amount}"] if self.amount else []
        parts += [f"for {self.for_ms / 1000:g} s"] if self.for_ms else []
        return " ".join([self.kind, *parts])


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run. After `heal_ms` no fault goes on, and everything has to settle."""

    seed: int
    estate: EstateDescription
    firmware: tuple[Firmware, ...]
    policies: Policies
    look_every_ms: int
    deeds: tuple[Deed, ...]
    heal_ms: int
    newcomers: tuple[Eui64, ...] = field(default=())

    def by_name(self, name: str) -> Firmware:
        """Give the firmware of a name."""
        return next(firmware for firmware in self.firmware if firmware.name == name)
