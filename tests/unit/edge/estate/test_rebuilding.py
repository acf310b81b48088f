"""What a changed description means to the nodes of a home: who leaves, comes, or starts again; nobody else does."""

from dataclasses import replace

import pytest

from hanota.base.errors import BadValue
from hanota.base.eui import Eui64
from hanota.base.instant import HOUR, MINUTE, Instant
from hanota.edge.devices import HanDevice
from hanota.edge.estate import builtin_description
from hanota.edge.estate.description import PremisesDescription, SupplyDescription
from hanota.edge.estate.rebuilding import rebuilding
from helpers.meters import HCALCS, SUPPLIER_2
from helpers.premises import CHF, ESME, IHD, NOW, PPMID, Premises, keys

HOME = builtin_description().premises[0]
NODES = {HOME.hub.chf, *(device.eui for device in HOME.devices)}
NEW = Eui64(0x00DB_1234_5678_9E04)


def supplied(at: int) -> PremisesDescription:
    points = tuple(
        replace(point, suppliers=(*point.suppliers, SupplyDescription(since=Instant(at), party=SUPPLIER_2)))
        if point.device == ESME
        else point
        for point in HOME.meter_points
    )
    return replace(HOME, meter_points=points)


def swapped() -> PremisesDescription:
    devices = (replace(device, eui=NEW) if device.eui == PPMID else device for device in HOME.devices)
    return replace(HOME, devices=tuple(devices))


def test_what_is_the_same_changes_nothing() -> None:
    change = rebuilding(HOME, HOME, NOW)
    assert (change.gone, change.fresh, change.again, change.handovers) == ((), (), (), ())


def test_of_a_swapped_device_only_the_hub_hears() -> None:
    change = rebuilding(HOME, swapped(), NOW)
    assert (change.gone, change.fresh, change.again) == ((PPMID,), (NEW,), (CHF,))


def test_a_new_hub_starts_every_device_again() -> None:
    change = rebuilding(HOME, replace(HOME, hub=replace(HOME.hub, chf=NEW)), NOW)
    assert (change.gone, change.fresh, set(change.again)) == ((CHF,), (NEW,), NODES - {CHF})


def test_a_new_supplier_starts_those_again_that_obey_one() -> None:
    assert rebuilding(HOME, supplied(NOW), NOW).again == (ESME, HCALCS)
    later = rebuilding(HOME, supplied(NOW + HOUR), NOW)
    assert later.again == ()
    assert {(at, device) for at, device in later.handovers if device in {ESME, HCALCS}} == {
        (NOW + HOUR, ESME),
        (NOW + HOUR, HCALCS),
    }


# --- in a running estate -----------------------------------------------------------------------------------------


@pytest.fixture
def home() -> Premises:
    found = Premises()
    found.estate.advance(Instant(NOW + MINUTE))
    return found


def test_a_home_of_another_name_is_unknown(home: Premises) -> None:
    with pytest.raises(BadValue, match="Nowhere"):
        home.estate.change_home(replace(HOME, name="Nowhere"), keys(), NOW)


def test_a_device_without_power_starts_as_described_when_it_comes_back(home: Premises) -> None:
    now = Instant(NOW + MINUTE)
    home.estate.reboot(ESME, now, off_ms=HOUR)
    home.estate.change_home(supplied(now), keys(), now)
    assert home.estate.node(ESME) is None
    home.estate.advance(Instant(now + HOUR))
    node = home.estate.node(ESME)
    assert isinstance(node, HanDevice)
    assert node._identity.credentials is not None
    assert node._identity.credentials.supplier is not None
    assert node._identity.credentials.supplier.eui == SUPPLIER_2


def test_others_keep_their_power(home: Premises) -> None:
    now = Instant(NOW + MINUTE)
    before = {address: home.estate.node(address) for address in (CHF, PPMID, IHD)}
    home.estate.change_home(supplied(now), keys(), now)
    assert {address: home.estate.node(address) for address in before} == before
