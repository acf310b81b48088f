"""The profile table decides: adding a row is all it takes, and who is left out hears why (R2, R15)."""

from dataclasses import replace

import pytest

from hanota.base.instant import HOUR
from hanota.base.vocabulary.devices import CspRegion, DeviceType
from hanota.base.vocabulary.duis import DeviceList, ResponseCode
from hanota.model.profiles import PROFILES
from hanota.wire import duis
from helpers.homes import DEVICE, Homes
from helpers.premises import NEW
from helpers.world import PPMID, description


def left_out(answer: duis.Response) -> dict[str, str]:
    """The lists of devices that a request does not reach."""
    assert isinstance(answer.body, duis.ResponseMessage)
    assert isinstance(answer.body.content, duis.FirmwareWarning)
    return dict(answer.body.content.lists)


def test_a_row_of_the_table_makes_a_device_type_updatable_end_to_end(monkeypatch: pytest.MonkeyPatch) -> None:  # R2
    row = replace(PROFILES[DeviceType.IHD], device_type=DeviceType.CAD)
    monkeypatch.setitem(PROFILES, DeviceType.CAD, row)
    homes = Homes()
    assert homes.send(DeviceType.CAD).code is ResponseCode.I0
    homes.run(2 * HOUR)
    assert homes.states() == ["CONFIRMED"]
    assert (homes.device(DeviceType.CAD).version, homes.device(DeviceType.CAD).version_origin) == (NEW, "reported")
    homes.close()


def test_without_the_row_a_cad_is_refused_with_its_own_reason() -> None:  # R2
    homes = Homes()
    answer = homes.send(DeviceType.CAD, srv="11.4")
    assert not answer.code.accepted
    assert left_out(answer) == {DeviceList.INVALID_DEVICE_ID: str(DEVICE[DeviceType.CAD])}
    (request,) = homes.requests()
    (refused,) = request.refused
    assert (refused.reason, refused.devices) == ("no_ota", (str(DEVICE[DeviceType.CAD]),))
    homes.close()


def test_a_smets1_device_is_refused_with_its_own_reason() -> None:  # R15
    first, *others = description().premises
    estate = replace(description(), premises=(replace(first, region=CspRegion.SMETS1), *others))
    homes = Homes(estate=estate)
    answer = homes.send(DeviceType.PPMID)
    assert left_out(answer) == {DeviceList.INVALID_DEVICE_ID: str(PPMID)}
    (request,) = homes.requests()
    assert [refused.reason for refused in request.refused] == ["smets1"]
    assert "S1SP" in request.refused[0].remedy
    homes.close()
