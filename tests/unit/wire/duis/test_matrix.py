"""The request matrix against the facts of the standard's own matrix (domain 1.5, 2.2)."""

import pytest

from hanota.base.vocabulary.parties import UserRole
from hanota.wire.duis import REQUESTS, SIGNED_PRE_COMMAND_VARIANTS, WEB_SERVICES

ALL = {"IS", "ES", "GS", "RSA", "ED", "GT", "OU"}
SUPPLIERS = {"IS", "GS"}
FACTS = {
    "8.2": ("ReadInventory", ALL, {8}, "", True),
    "8.4": ("UpdateInventory", ALL, {8}, "", True),
    "8.13": ("ReturnLocalCommandResponse", SUPPLIERS, {8}, "", True),
    "11.1": ("UpdateFirmware", SUPPLIERS, {8}, "", True),
    "11.2": ("ReadFirmwareVersion", ALL, {1, 2, 3}, "DSP", False),
    "11.3": ("ActivateFirmware", SUPPLIERS, {4, 5, 6, 7}, "Device", False),
    "11.4": ("UpdatePPMIDFirmware", SUPPLIERS, {8}, "", True),
    "12.2": ("DevicePrenotification", ALL, {8}, "", True),
}


def test_each_service_is_as_the_standards_matrix_has_it():
    found = {
        srv: (
            row.element,
            {role.value for role in row.eligible},
            row.command_variants,
            row.future_dated,
            row.non_device,
        )
        for srv, row in REQUESTS.items()
    }
    assert found == FACTS


def test_only_activation_is_critical():
    assert [srv for srv, row in REQUESTS.items() if row.critical] == ["11.3"]


def test_a_row_is_found_by_its_own_reference_and_no_element_twice():
    assert all(srv == row.srv == row.service_reference for srv, row in REQUESTS.items())
    assert len({row.element for row in REQUESTS.values()}) == len(REQUESTS)


def test_firmware_requests_alone_are_answered_with_warnings():
    warned = {srv: (row.warning, row.warning_code) for srv, row in REQUESTS.items() if row.warning or row.warning_code}
    assert warned == {
        "11.1": ("DSPUpdateFirmwareWarning", "W110101"),
        "11.4": ("DSPUpdatePPMIDFirmwareWarning", "W110401"),
    }


def test_each_command_variant_has_its_web_service():
    assert "".join(WEB_SERVICES[variant] for variant in range(1, 9)) == "SDSTSDSD"
    assert all(variant in WEB_SERVICES for row in REQUESTS.values() for variant in row.command_variants)


@pytest.mark.parametrize("variant", range(1, 10))
def test_only_a_critical_request_carries_a_signed_pre_command(variant):
    signed = variant in SIGNED_PRE_COMMAND_VARIANTS
    assert REQUESTS["11.3"].carried(variant) == ("SignedPreCommand" if signed else "ActivateFirmware")
    assert REQUESTS["11.2"].carried(variant) == "ReadFirmwareVersion"


def test_every_role_of_the_standard_is_known():
    assert {role.value for role in UserRole} == ALL
