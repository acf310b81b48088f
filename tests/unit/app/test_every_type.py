"""Every device type through the whole system, each as its profile says (R1, R2)."""

from collections.abc import Iterator

import pytest

from hanota.base.instant import HOUR, MINUTE
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.profiles import PROFILES, Activation
from helpers.homes import Homes
from helpers.premises import NEW

UPDATED = [kind for kind, row in PROFILES.items() if row.ota]
every_type = pytest.mark.parametrize("kind", UPDATED, ids=lambda kind: kind.value)


@pytest.fixture
def homes() -> Iterator[Homes]:
    found = Homes()
    yield found
    found.close()


@every_type
def test_a_request_ends_with_a_confirmed_version(homes: Homes, kind: DeviceType) -> None:  # R1
    assert homes.send(kind).code is ResponseCode.I0
    homes.run(2 * HOUR)
    if PROFILES[kind].activation is Activation.SIGNED_COMMAND:
        assert homes.states() == ["TRANSFERRED"]
        homes.activate(kind)
        homes.run(2 * HOUR)
    assert homes.states() == ["CONFIRMED"]
    assert (homes.device(kind).version, homes.device(kind).version_origin) == (NEW, "reported")
    assert homes.events("unexplained_report") == 0
    assert homes.sound()


def test_an_ihd_is_activated_once_its_hub_saw_the_version_and_confirmed_once_it_was_read(homes: Homes) -> None:
    homes.send(DeviceType.IHD)
    homes.run(10 * MINUTE)
    assert homes.states() == ["ACTIVATED"]
    assert not homes.noted("version_read_for_dcc")
    homes.run(10 * MINUTE)
    assert homes.states() == ["CONFIRMED"]
    assert len(homes.noted("version_read_for_dcc")) == 1


def test_an_ihd_is_confirmed_over_bad_links_too() -> None:
    homes = Homes(loss=0.2)
    homes.send(DeviceType.IHD)
    homes.run(6 * HOUR)
    assert homes.states() == ["CONFIRMED"]
    homes.close()
