"""What happened to a town, written down by nobody who takes part: who was responsible when, what went over the WAN,
which versions ran, and what was done locally. The checks hold the system's own word against it.
"""

from collections import defaultdict
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.estate.description import PremisesDescription
from hanota.model.profiles import PROFILES, Eligibility
from hanota.sim.plan import Plan
from hanota.wire.wan import Acknowledge, FrameMalformed, Uplink, read_frame
from hanota.wire.zcl import Answer

_METERS: Final = frozenset({DeviceType.ESME, DeviceType.GSME})
FRAMES_KEPT: Final = 400
GBCS_KEPT: Final = 8
GBCS_UP: Final = 0x92  # kind of a GbcsUp, whose message stands behind version and kind
GBCS_AT: Final = 2


class Record:
    """The record of one run."""

    def __init__(self, plan: Plan) -> None:
        self.homes: dict[Eui64, PremisesDescription] = {}
        self.types: dict[Eui64, DeviceType] = {}
        self.supplies: dict[str, list[tuple[Instant, Eui64]]] = {}
        self.ran: dict[Eui64, set[int]] = {}
        self.claimed: dict[Eui64, set[int]] = defaultdict(set)
        self.local: dict[Eui64, set[bytes]] = defaultdict(set)
        self.attacked: set[str] = set()
        self.rebuilt: set[str] = set()  # homes whose hub was swapped
        self.said: dict[tuple[Eui64, int], Answer] = {}  # by device and version: what its consumer pressed last
        self.uplinks: dict[tuple[Eui64, int], bytes] = {}
        self.acknowledged: set[tuple[Eui64, int]] = set()
        self.frames_up: list[tuple[Eui64, int, bytes]] = []
        self.gbcs_seen: list[bytes] = []
        for home in plan.estate.premises:
            self.enter(home)

    def enter(self, home: PremisesDescription) -> None:
        """Take a home down as it is described now; who was there before is not forgotten."""
        for device in home.devices:
            self.homes[device.eui] = home
            self.types[device.eui] = device.device_type
            self.ran.setdefault(device.eui, {device.firmware_version})
        for point in home.meter_points:
            known = self.supplies.setdefault(point.mpxn, [])
            known += [(supply.since, supply.party) for supply in point.suppliers if not known]

    def supplier_changed(self, mpxn: str, party: Eui64, now: Instant) -> None:
        """Take down that another party supplies a meter point from now on."""
        self.supplies[mpxn].append((now, party))

    def responsible(self, party: Eui64, device: Eui64, at: Instant) -> bool:
        """Whether a party is a Responsible Supplier of a device at an instant (R16, R17)."""
        home = self.homes.get(device)
        if home is None:
            return False
        kind = self.types[device]
        points = home.meter_points
        if kind in _METERS:
            points = tuple(point for point in points if point.device == device)
        elif PROFILES[kind].eligibility is Eligibility.RESPONSIBLE_FOR_METER:
            first = next((d.eui for d in home.devices if d.device_type is DeviceType.ESME), None)
            points = tuple(point for point in points if point.device == first)
        return any(self._supplier(point.mpxn, at) == party for point in points)

    def suppliers_ever(self, device: Eui64) -> frozenset[Eui64]:
        """Who ever was a supplier in the home of a device."""
        home = self.homes.get(device)
        points = home.meter_points if home is not None else ()
        return frozenset(party for point in points for _, party in self.supplies[point.mpxn])

    def _supplier(self, mpxn: str, at: Instant) -> Eui64 | None:
        begun = [party for since, party in self.supplies[mpxn] if since <= at]
        return begun[-1] if begun else None

    def heard(self) -> list[tuple[Eui64, bytes]]:
        """Give the frames kept that the head end has acknowledged: it has heard them."""
        return [(hub, octets) for hub, event, octets in self.frames_up if (hub, event) in self.acknowledged]

    def on_wan(self, up: bool, hub: Eui64, octets: bytes, _: Instant) -> None:
        """Take down what hubs say, and what of that is acknowledged."""
        try:
            frame = read_frame(octets)
        except FrameMalformed:
            return
        if up and isinstance(frame, Uplink):
            self.uplinks[hub, frame.event] = frame.body
            self.frames_up.append((hub, frame.event, octets))
            del self.frames_up[:-FRAMES_KEPT]
            if frame.body[1] == GBCS_UP:
                self.gbcs_seen.append(frame.body[GBCS_AT:])
                del self.gbcs_seen[:-GBCS_KEPT]
        elif isinstance(frame, Acknowledge):
            self.acknowledged.add((hub, frame.event))
