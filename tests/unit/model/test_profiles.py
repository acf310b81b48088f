"""The profile table: one row a device type, each with what the standards say of it."""

from dataclasses import FrozenInstanceError

import pytest

from hanota.base.limits import IMAGE_OCTETS_MAX_BUSINESS
from hanota.base.vocabulary.devices import DeviceType
from hanota.model.profiles import PROFILES, Activation, DeviceProfile, Eligibility, Slot
from hanota.wire.duis import REQUESTS

every_row = pytest.mark.parametrize("profile", list(PROFILES.values()), ids=lambda row: row.device_type.value)
METERS = {DeviceType.ESME, DeviceType.GSME}


def test_every_device_type_has_its_row() -> None:
    assert list(PROFILES) == [row.device_type for row in PROFILES.values()]
    assert set(PROFILES) == set(DeviceType)


@every_row
def test_a_type_is_updated_by_a_service_that_exists_or_says_why_not(profile: DeviceProfile) -> None:
    if profile.ota:
        assert profile.service_reference in REQUESTS
        assert profile.why_not == ""
    else:
        assert profile.service_reference == ""
        assert len(profile.why_not.split()) >= 4


def test_a_cad_is_out_of_scope_with_its_own_reason() -> None:  # R2
    cad = PROFILES[DeviceType.CAD]
    assert not cad.ota
    assert "CAD" in cad.why_not
    assert cad.why_not not in {row.why_not for row in PROFILES.values() if row is not cad}


@every_row
def test_who_signs_decides_how_it_is_activated_and_who_may_send(profile: DeviceProfile) -> None:  # R1, R16, R17
    signed = profile.device_type in METERS | {DeviceType.HCALCS}
    assert profile.supplier_signed == signed
    assert profile.cpa_certified == signed
    assert (profile.activation is Activation.SIGNED_COMMAND) == signed
    assert (profile.eligibility is Eligibility.RESPONSIBLE_FOR_METER) == signed
    if profile.ota:
        assert profile.service_reference == ("11.1" if signed else "11.4")


@every_row
def test_meters_have_slots_of_their_own_and_the_others_share_one(profile: DeviceProfile) -> None:  # R11
    own = {DeviceType.ESME: Slot.ESME, DeviceType.GSME: Slot.GSME}
    assert profile.slot is own.get(profile.device_type, Slot.SHARED)


@every_row
def test_what_may_be_sent_can_be_held(profile: DeviceProfile) -> None:  # R6, R9
    assert profile.capacity_octets >= IMAGE_OCTETS_MAX_BUSINESS


def test_only_displays_can_ask_for_consent_and_only_gas_meters_sleep() -> None:  # R27
    assert {row.device_type for row in PROFILES.values() if row.consent_display} == {DeviceType.PPMID, DeviceType.IHD}
    assert {row.device_type for row in PROFILES.values() if row.sleepy} == {DeviceType.GSME}


def test_no_device_can_refuse_a_hand_held_terminal_by_default() -> None:  # R25
    assert not any(row.refuses_hht for row in PROFILES.values())


def test_a_row_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        PROFILES[DeviceType.CAD].ota = True
