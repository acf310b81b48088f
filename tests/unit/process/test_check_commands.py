"""The rules for commands to a device: each row is hit alone, and the earlier of two is the answer."""

import itertools
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from hanota.base.instant import DAY, HOUR, SECOND, Instant
from hanota.base.vocabulary.devices import CspRegion, DeviceStatus, DeviceType
from hanota.base.vocabulary.parties import UserRole
from hanota.model.commands import CANCEL_TIME
from hanota.model.inventory import KnownDevice
from hanota.model.policies import Policies
from hanota.model.reasons import RequestReason
from hanota.process.check import (
    PRE_COMMAND_CHECKS,
    TARGET_CHECKS,
    PreCommandCase,
    TargetCase,
    gbcs_time,
    judge_pre_command,
    judge_target,
)
from hanota.wire import gbcs
from hanota.wire.duis import REQUESTS
from helpers.asking import HASH, activation, hand_back, pre_command, read_version, supplier_key
from helpers.meters import sealed
from helpers.premises import NOW, OLD
from helpers.world import ESME, HUB, PPMID, SUPPLIER_1, SUPPLIER_2, keys

_R, _S, _T = RequestReason, DeviceStatus, DeviceType
LATER = Instant(NOW + HOUR)
FAR = Instant(NOW + 3650 * DAY + SECOND)
KNOWN = KnownDevice(
    eui=PPMID,
    device_type=_T.PPMID,
    status=_S.COMMISSIONED,
    premises=1,
    hub=HUB,
    region=CspRegion.NORTH,
    manufacturer=0x121D,
    image_type=0,
    hardware=0x1111,
    version=OLD,
    gbcs_version="4.3",
)
METER = replace(KNOWN, eui=ESME, device_type=_T.ESME)


def case(srv: str = "11.2", variant: int = 1, execution: Instant | None = None, **changes: Any) -> TargetCase:
    asked = read_version(PPMID, variant, execution) if srv == "11.2" else activation(ESME, execution)
    if srv == "11.3" and variant != 4:
        asked = hand_back(asked, b"", variant)
    facts: dict[str, Any] = {
        "request": asked,
        "row": REQUESTS[srv],
        "roles": frozenset({UserRole.IMPORT_SUPPLIER}),
        "device": KNOWN if srv == "11.2" else METER,
        "eligible": True,
        "certified": True,
        "now": NOW,
        "policies": Policies(),
    }
    return TargetCase(**(facts | changes))


def reason(*args: Any, **changes: Any) -> RequestReason | None:
    found = judge_target(case(*args, **changes))
    return found[0] if found else None


BREAKS: dict[RequestReason, dict[str, Any]] = {
    _R.TARGET_UNKNOWN: {"device": None},
    _R.TARGET_NOT_YOURS: {"eligible": False},
    _R.TARGET_OF_OTHER_TYPE: {"device": replace(KNOWN, device_type=_T.IHD)},
    _R.TARGET_STATUS: {"device": replace(KNOWN, status=_S.PENDING)},
    _R.ESME_UNREACHABLE: {"device": METER, "certified": False},
    _R.TARGET_UNREACHABLE: {"certified": False},
    _R.TIME_NOT_TAKEN: {"variant": 2, "execution": LATER},
    _R.TIME_IS_PAST: {"execution": NOW},
    _R.TIME_TOO_FAR: {"execution": FAR},
}


@pytest.mark.parametrize(
    ("srv", "variant"), [("11.2", 1), ("11.2", 2), ("11.2", 3), *(("11.3", cv) for cv in (4, 5, 6, 7))]
)
def test_a_good_command_breaks_no_rule(srv: str, variant: int) -> None:
    assert judge_target(case(srv, variant)) is None


def test_every_row_for_targets_is_tried() -> None:
    assert list(BREAKS) == [check.reason for check in TARGET_CHECKS]


@pytest.mark.parametrize("broken", BREAKS)
def test_a_broken_rule_for_targets_is_the_answer(broken: RequestReason) -> None:
    found = judge_target(case(**BREAKS[broken]))
    assert found is not None
    assert found[0] is broken
    assert found[1]


PAIRS = [
    (first, second) for first, second in itertools.combinations(BREAKS, 2) if not BREAKS[first].keys() & BREAKS[second]
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_broken_rules_for_targets_the_earlier_is_the_answer(first: RequestReason, second: RequestReason) -> None:
    assert reason(**BREAKS[first], **BREAKS[second]) is first


@pytest.mark.parametrize("kind", DeviceType)
def test_which_devices_take_which_command(kind: DeviceType) -> None:
    reads = kind not in {_T.IHD, _T.CAD}  # these have no GBCS
    acts = kind in {_T.ESME, _T.GSME, _T.HCALCS}  # a PPMID acts on receipt
    known = replace(KNOWN, device_type=kind)
    assert reason("11.2", device=known) is (None if reads else _R.TARGET_OF_OTHER_TYPE)
    assert reason("11.3", 4, device=known) is (None if acts else _R.TARGET_OF_OTHER_TYPE)


@pytest.mark.parametrize("status", DeviceStatus)
def test_in_which_status_a_device_takes_a_command(status: DeviceStatus) -> None:
    reads = status in {_S.COMMISSIONED, _S.INSTALLED_NOT_COMMISSIONED, _S.SUSPENDED}  # MP105
    acts = status in {_S.COMMISSIONED, _S.SUSPENDED}
    assert reason("11.2", device=replace(KNOWN, status=status)) is (None if reads else _R.TARGET_STATUS)
    assert reason("11.3", 4, device=replace(METER, status=status)) is (None if acts else _R.TARGET_STATUS)


@pytest.mark.parametrize("role", UserRole)
def test_who_supplies_nothing_is_held_to_the_matrix_alone_and_never_for_what_is_critical(role: UserRole) -> None:
    supplies = role in {UserRole.IMPORT_SUPPLIER, UserRole.GAS_SUPPLIER, UserRole.EXPORT_SUPPLIER}
    theirs = {"eligible": False, "roles": frozenset({role})}
    assert reason("11.2", **theirs) is (_R.TARGET_NOT_YOURS if supplies else None)
    assert reason("11.3", 4, **theirs) is _R.TARGET_NOT_YOURS


@pytest.mark.parametrize(("srv", "variant"), [("11.2", 2), ("11.2", 3), ("11.3", 6), ("11.3", 7)])
def test_what_a_user_brings_to_the_device_has_no_time_of_its_own(srv: str, variant: int) -> None:
    assert reason(srv, variant, LATER) is _R.TIME_NOT_TAKEN


@pytest.mark.parametrize(("srv", "variant"), [("11.2", 1), ("11.3", 4), ("11.3", 5)])
def test_a_time_is_to_come_or_cancels(srv: str, variant: int) -> None:
    assert reason(srv, variant, Instant(NOW + 1)) is None
    assert reason(srv, variant, CANCEL_TIME) is None
    assert reason(srv, variant, Instant(FAR - SECOND)) is None
    assert reason(srv, variant, FAR) is _R.TIME_TOO_FAR
    assert reason(srv, variant, NOW) is _R.TIME_IS_PAST
    assert reason(srv, variant, Instant(NOW - 1)) is _R.TIME_IS_PAST


def test_a_device_is_reached_by_its_hub_and_its_certificate() -> None:
    assert reason(device=replace(KNOWN, hub=None)) is _R.TARGET_UNREACHABLE
    assert reason("11.3", 4, device=replace(METER, hub=None)) is _R.ESME_UNREACHABLE


# --- Signed Pre-Commands -----------------------------------------------------------------------------------------

ASKED = activation()


@cache
def signed_by(party: Any = SUPPLIER_1, **changes: Any) -> bytes:
    """The Pre-Command, signed by one who may not be its originator."""
    message = gbcs.read_message(pre_command(ASKED, **changes))
    return gbcs.write_message(gbcs.sign_message(message, supplier_key(party).key))


def handed(octets: bytes, **changes: Any) -> PreCommandCase:
    signers = changes.pop("signers", [supplier_key().certificate])
    request = hand_back(ASKED, octets, changes.pop("variant", 5), **changes)
    return PreCommandCase(request=request, signers=signers, now=NOW, policies=Policies())


def why(octets: bytes, **changes: Any) -> RequestReason | None:
    found = judge_pre_command(handed(octets, **changes))
    return found[0] if found else None


BREAKS_SIGNED: dict[RequestReason, tuple[bytes, dict[str, Any]]] = {
    _R.PRE_COMMAND_UNREADABLE: (signed_by()[:-1], {}),
    _R.PRE_COMMAND_OF_ANOTHER: (signed_by(counter=1), {}),
    _R.TIME_NOT_TAKEN: (signed_by(execution=LATER), {"variant": 6}),
    _R.TIME_IS_PAST: (signed_by(execution=NOW), {}),
    _R.TIME_TOO_FAR: (signed_by(execution=FAR), {}),
    _R.PRE_COMMAND_NOT_SIGNED: (signed_by(SUPPLIER_2), {}),
}


def test_a_good_pre_command_breaks_no_rule() -> None:
    assert judge_pre_command(handed(signed_by())) is None


def test_every_row_for_pre_commands_is_tried() -> None:
    assert list(BREAKS_SIGNED) == [check.reason for check in PRE_COMMAND_CHECKS]


@pytest.mark.parametrize("broken", BREAKS_SIGNED)
def test_a_broken_rule_for_pre_commands_is_the_answer(broken: RequestReason) -> None:
    octets, changes = BREAKS_SIGNED[broken]
    found = judge_pre_command(handed(octets, **changes))
    assert found is not None
    assert found[0] is broken
    assert found[1]


@pytest.mark.parametrize("variant", [6, 7])
def test_what_a_user_brings_to_the_device_may_cancel_but_not_be_dated(variant: int) -> None:
    assert why(signed_by(execution=gbcs.CANCELLED_AT), variant=variant) is None
    assert why(signed_by(execution=LATER), variant=variant) is _R.TIME_NOT_TAKEN


def test_of_another_request_is_said_before_whose_signature_it_is() -> None:
    assert why(signed_by(SUPPLIER_2, counter=1)) is _R.PRE_COMMAND_OF_ANOTHER


@pytest.mark.parametrize(
    "changes",
    [
        {"counter": 1},
        {"supplier": SUPPLIER_2},
        {"device": PPMID},
        {"execution": LATER, "in_request": Instant(LATER + 1000)},
    ],
    ids=["counter", "originator", "device", "time"],
)
def test_parties_counter_and_time_are_those_of_the_request(changes: dict[str, Any]) -> None:
    execution = changes.pop("in_request", None)
    assert why(signed_by(**changes), execution=execution) is _R.PRE_COMMAND_OF_ANOTHER


def test_a_request_that_repeats_no_time_takes_that_of_the_command() -> None:
    assert why(signed_by(execution=LATER)) is None
    assert why(signed_by(execution=LATER), execution=Instant(LATER + 999)) is None  # GBCS has whole seconds
    assert why(signed_by(), execution=LATER) is _R.PRE_COMMAND_OF_ANOTHER


def test_a_counter_inside_the_payload_that_differs_is_of_another() -> None:
    message = gbcs.read_message(pre_command(ASKED))
    inner = gbcs.ActivateFirmware(manufacturer_hash=HASH, originator_counter=1, execution=None)
    forged = replace(message, payload=gbcs.write_payload(inner, message.header))
    octets = gbcs.write_message(gbcs.sign_message(forged, supplier_key().key))
    assert why(octets) is _R.PRE_COMMAND_OF_ANOTHER


def test_what_is_not_signed_at_all_is_not_signed() -> None:
    assert why(pre_command(ASKED)) is _R.PRE_COMMAND_NOT_SIGNED
    assert why(signed_by(), signers=[]) is _R.PRE_COMMAND_NOT_SIGNED


@pytest.mark.parametrize("octets", [b"", b"\xdf", bytes(200)])
def test_noise_is_unreadable(octets: bytes) -> None:
    assert why(octets) is _R.PRE_COMMAND_UNREADABLE


def test_what_somebody_sealed_already_is_no_pre_command() -> None:
    assert why(sealed(signed_by())) is _R.PRE_COMMAND_UNREADABLE


def test_another_use_case_is_no_pre_command() -> None:
    message = gbcs.read_message(signed_by())
    code = gbcs.MessageCode.CS08_READ_PPMID_HCALCS_FIRMWARE_VERSION
    other = replace(message, header=replace(message.header, message_code=code))
    assert why(gbcs.write_message(other)) is _R.PRE_COMMAND_UNREADABLE


def test_any_certificate_of_the_sender_will_do() -> None:
    both = [supplier_key(SUPPLIER_2).certificate, supplier_key().certificate]
    assert why(signed_by(), signers=both) is None


def test_the_time_that_cancels_is_written_otherwise_in_gbcs() -> None:
    assert gbcs_time(CANCEL_TIME) == gbcs.CANCELLED_AT
    assert gbcs_time(None) is None
    assert gbcs_time(Instant(NOW + 1999)) == NOW + 1000
    assert why(signed_by(execution=gbcs.CANCELLED_AT), execution=CANCEL_TIME) is None


def test_the_keys_of_the_test_are_the_suppliers() -> None:
    assert supplier_key().certificate.eui == SUPPLIER_1
    assert keys().certificate(SUPPLIER_1, supplier_key().certificate.usage, supplier_key().certificate.role)
