"""Change of Supplier in a home: from then on its devices obey the new one, and nothing of the old one (R16, I3)."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, HOUR, MINUTE, Instant
from hanota.edge.devices import HanDevice
from hanota.edge.estate import Estate, EstateDescription, EstateFile, builtin_description
from hanota.edge.estate.description import SupplyDescription
from hanota.wire.gbcs.payload import ActivateImageResponseCode, ActivationOutcome, CommandAccepted, DatedActivation
from helpers.meters import GSME, HCALCS, SUPPLIER_2, activate
from helpers.premises import CHF, ESME, IHD, NOW, PPMID, SUPPLIER, Premises, keys

AT = Instant(NOW + 2 * HOUR)
HASH = bytes(32)
HELD_NONE = ActivateImageResponseCode.NO_IMAGE_HELD


def changing(at: Instant = AT, party: Eui64 = SUPPLIER_2) -> EstateDescription:
    """The built-in estate, whose first home gets another electricity Supplier."""
    base = builtin_description()
    home = base.premises[0]
    points = tuple(
        replace(point, suppliers=(*point.suppliers, SupplyDescription(since=at, party=party)))
        if point.device == ESME
        else point
        for point in home.meter_points
    )
    return replace(base, premises=(replace(home, meter_points=points), *base.premises[1:]))


@dataclass
class Home(Premises):
    """An estate in which a Supplier changes; `description` says when."""

    description: EstateDescription = field(default_factory=changing)

    def open_estate(self) -> None:
        self.estate = Estate(
            self.description,
            wan=self.wan.premises,
            keys=keys(),
            policies=self.policies,
            rng=self.rng,
            file=EstateFile(self.path),
            han=self.han,
        )
        self.estate.observe(self.notes.append)

    def go_to(self, at: int) -> "Home":
        """Let everything happen until then."""
        while True:
            due = self.estate.advance(self.now)
            self._serve()
            dues = [when for when in (due, self.wan.next_due()) if when is not None]
            if not dues or min(dues) > at:
                self.now = Instant(at)
                return self
            self.now = max(self.now, min(dues))

    def anchor(self, address: Eui64) -> Eui64 | None:
        """Whom a device believes; None while it has no power."""
        node = self.estate.node(address)
        if node is None:
            return None
        assert isinstance(node, HanDevice)
        credentials = node._identity.credentials
        assert credentials is not None
        return None if credentials.supplier is None else credentials.supplier.eui

    def command(self, supplier: Eui64, counter: int, execution: Instant | None = None) -> list[Any]:
        """Let a Supplier command the ESME. Gives what it answers within ten minutes, and all alerts."""
        before = len(self.messages)
        self.send_gbcs(activate(HASH, counter, device=ESME, supplier=supplier, execution=execution), ESME)
        self.go_to(self.now + 10 * MINUTE)
        return [payload for _, payload in self.messages[before:]]


def test_meter_and_load_switch_believe_the_new_supplier_from_that_instant() -> None:
    home = Home().go_to(AT - 1)
    assert [home.anchor(device) for device in (ESME, HCALCS, GSME)] == [SUPPLIER, SUPPLIER, SUPPLIER_2]
    home.go_to(AT)
    assert [home.anchor(device) for device in (ESME, HCALCS, GSME)] == [SUPPLIER_2, SUPPLIER_2, SUPPLIER_2]


def test_devices_that_obey_no_supplier_go_on_undisturbed() -> None:
    home = Home().go_to(AT + HOUR)
    cut = {note.node for note in home.noted("power_cut")}
    assert cut == {ESME, HCALCS, GSME}
    assert not cut & {CHF, PPMID, IHD}


def test_other_homes_go_on_undisturbed() -> None:
    home = Home().go_to(AT + HOUR)
    assert {note.home for note in home.noted("power_cut")} == {home.description.premises[0].name}


def test_the_new_supplier_is_obeyed_and_the_old_one_is_not() -> None:
    home = Home().go_to(AT - HOUR)
    assert home.command(SUPPLIER, 1000) == [ActivationOutcome(result=HELD_NONE, file_version=home_version())]
    home.go_to(AT)
    assert home.command(SUPPLIER, 2000) == []
    assert home.command(SUPPLIER_2, 1000) == [ActivationOutcome(result=HELD_NONE, file_version=home_version())]


def test_what_the_old_supplier_dated_is_not_done() -> None:
    home = Home().go_to(MINUTE + NOW)
    assert home.command(SUPPLIER, 1000, Instant(AT + HOUR)) == [CommandAccepted()]
    home.go_to(AT + DAY)
    assert home.payloads(DatedActivation) == []
    (dropped,) = home.noted("dated_activation_dropped", ESME)
    assert AT <= dropped.at < AT + MINUTE  # it starts again, which takes a while


def test_what_the_old_supplier_dated_before_the_change_is_done() -> None:
    home = Home().go_to(MINUTE + NOW)
    at = Instant(AT - HOUR)
    assert home.command(SUPPLIER, 1000, at) == [CommandAccepted()]
    home.go_to(AT + DAY)
    assert [alert.at for alert in home.payloads(DatedActivation)] == [at]


@pytest.mark.parametrize("at", [NOW - DAY, NOW])
def test_a_change_that_lies_in_the_past_starts_nothing_again(at: int) -> None:
    home = Home(description=changing(Instant(at))).go_to(NOW + DAY)
    assert home.noted("power_cut") == []
    assert home.anchor(ESME) == SUPPLIER_2


def test_a_device_without_power_at_that_time_is_not_woken_by_it() -> None:
    home = Home().go_to(AT - MINUTE)
    home.estate.reboot(ESME, home.now, off_ms=HOUR)
    home.go_to(AT + MINUTE)
    assert home.estate.node(ESME) is None
    home.go_to(AT + HOUR)
    assert home.anchor(ESME) == SUPPLIER_2


def test_a_change_outlives_the_process(tmp_path: Any) -> None:
    home = Home(path=tmp_path / "estate.sqlite").go_to(AT - HOUR)
    assert home.command(SUPPLIER, 1000, Instant(AT + HOUR)) == [CommandAccepted()]
    home.kill()
    home.go_to(AT + DAY)
    assert (home.anchor(ESME), home.payloads(DatedActivation)) == (SUPPLIER_2, [])


def home_version() -> int:
    """The factory firmware of the ESME of the first home."""
    devices = builtin_description().premises[0].devices
    return next(device.firmware_version for device in devices if device.eui == ESME)
