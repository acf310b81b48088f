"""The rules for changes of the inventory: each row is hit alone, and the earlier of two is the answer."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from hanota.base.eui import Eui64
from hanota.base.vocabulary.devices import CspRegion, DeviceStatus, DeviceType
from hanota.model.inventory import NOT_YET_COMMISSIONED, STATUS_AFTER, KnownDevice
from hanota.model.policies import InventoryPolicy, Policies, Strictness
from hanota.model.reasons import RequestReason
from hanota.process.check import (
    PRENOTIFICATION_CHECKS,
    UPDATE_CHECKS,
    PrenotificationCase,
    UpdateCase,
    judge_prenotification,
    judge_update,
)
from hanota.wire.duis import DeleteDevice, DetailsUpdate, MpxnUpdate, StatusUpdate
from helpers.asking import DEVICE, GPF, prenotification, update
from helpers.premises import OLD
from helpers.world import ESME, HUB, PPMID, SUPPLIER_1, SUPPLIER_2

_R, _S, _T = RequestReason, DeviceStatus, DeviceType
KNOWN = KnownDevice(
    eui=ESME,
    device_type=_T.ESME,
    status=_S.PENDING,
    premises=1,
    hub=HUB,
    region=CspRegion.NORTH,
    manufacturer=0x121D,
    image_type=0,
    hardware=0x1111,
    version=OLD,
    gbcs_version="4.3",
)
USED = replace(KNOWN, status=_S.COMMISSIONED)
INSTALLED = StatusUpdate(status=_S.INSTALLED_NOT_COMMISSIONED, hub=False)
MPAN = "1234567890199"


def case(change: Any = INSTALLED, **changes: Any) -> UpdateCase:
    facts: dict[str, Any] = {
        "request": update(ESME, change),
        "device": KNOWN,
        "eligible": True,
        "listed": lambda *_: True,
        "holder": lambda _: None,
    }
    return UpdateCase(**(facts | changes))


def reason(change: Any = INSTALLED, **changes: Any) -> RequestReason | None:
    found = judge_update(case(change, **changes))
    return found[0] if found else None


BREAKS: dict[RequestReason, dict[str, Any]] = {
    _R.UPDATE_DEVICE_UNKNOWN: {"device": None},
    _R.UPDATE_NOT_RESPONSIBLE: {"eligible": False},
    _R.STATUS_OF_OTHER_KIND: {"change": replace(INSTALLED, hub=True)},
    _R.STATUS_NOT_REACHABLE: {"change": INSTALLED, "device": USED},
    _R.VERSION_IS_REPORTED: {"change": DetailsUpdate(firmware_version="00020000"), "device": USED},
    _R.DETAILS_FIXED: {"change": DetailsUpdate(model="00001112"), "device": USED},
    _R.DETAILS_NOT_LISTED: {"change": DetailsUpdate(model="00001112"), "listed": lambda *_: False},
    _R.VERSION_UNREADABLE: {"change": DetailsUpdate(firmware_version="v1.0")},
    _R.VARIANT_NOT_ESME: {"change": DetailsUpdate(esme_variant="A"), "device": replace(KNOWN, device_type=_T.PPMID)},
    _R.NOTHING_TO_UPDATE: {"change": DetailsUpdate()},
    _R.DELETE_NOT_PENDING: {"change": DeleteDevice(), "device": USED},
    _R.MPXN_NOT_A_METER: {"change": MpxnUpdate(import_mpxn=MPAN), "device": replace(KNOWN, device_type=_T.PPMID)},
    _R.MPXN_MALFORMED: {"change": MpxnUpdate(import_mpxn="12345")},
    _R.MPXN_TAKEN: {"change": MpxnUpdate(import_mpxn=MPAN), "holder": lambda _: PPMID},
}


def test_a_good_update_breaks_no_rule() -> None:
    assert judge_update(case()) is None


def test_every_row_for_updates_is_tried() -> None:
    assert list(BREAKS) == [check.reason for check in UPDATE_CHECKS]


@pytest.mark.parametrize("broken", BREAKS)
def test_a_broken_rule_for_updates_is_the_answer(broken: RequestReason) -> None:
    found = judge_update(case(**BREAKS[broken]))
    assert found is not None
    assert found[0] is broken
    assert found[1]


PAIRS = [
    (first, second) for first, second in itertools.combinations(BREAKS, 2) if not BREAKS[first].keys() & BREAKS[second]
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_of_two_broken_rules_for_updates_the_earlier_is_the_answer(first: RequestReason, second: RequestReason) -> None:
    assert reason(**BREAKS[first], **BREAKS[second]) is first


@pytest.mark.parametrize("present", DeviceStatus)
@pytest.mark.parametrize("hub", [False, True])
@pytest.mark.parametrize("wanted", DeviceStatus)
def test_a_status_follows_only_those_of_the_table(present: DeviceStatus, hub: bool, wanted: DeviceStatus) -> None:
    known = replace(KNOWN, status=present, device_type=_T.CHF if hub else _T.PPMID)
    may = present in STATUS_AFTER.get((hub, wanted), frozenset())
    found = reason(StatusUpdate(status=wanted, hub=hub), device=known)
    assert found is (None if may else _R.STATUS_NOT_REACHABLE)
    assert present is not wanted or not may  # a status that is so already is no change


@pytest.mark.parametrize("kind", DeviceType)
def test_a_status_for_hubs_is_for_hubs_and_their_gpf_alone(kind: DeviceType) -> None:
    known = replace(KNOWN, device_type=kind)
    of_hub = kind in {_T.CHF, _T.GPF}
    assert (reason(replace(INSTALLED, hub=True), device=known) is None) == of_hub
    assert (reason(INSTALLED, device=known) is None) == (not of_hub)


@pytest.mark.parametrize("status", DeviceStatus)
def test_details_are_free_until_a_device_is_commissioned(status: DeviceStatus) -> None:  # R5
    known, free = replace(KNOWN, status=status), status in NOT_YET_COMMISSIONED
    assert reason(DetailsUpdate(firmware_version="1"), device=known) is (None if free else _R.VERSION_IS_REPORTED)
    assert reason(DetailsUpdate(manufacturer="121D"), device=known) is (None if free else _R.DETAILS_FIXED)
    assert reason(DetailsUpdate(smets_chts_version="SMETS V2.0"), device=known) is None
    assert reason(DeleteDevice(), device=known) is (None if free else _R.DELETE_NOT_PENDING)


def test_what_is_not_given_of_a_model_is_that_of_the_device() -> None:
    asked: list[tuple[str, str]] = []

    def listed(*model: str) -> bool:
        asked.append(model)
        return True

    assert reason(DetailsUpdate(manufacturer="10C7"), listed=listed) is None
    assert reason(DetailsUpdate(model="00011112"), listed=listed) is None
    assert reason(DetailsUpdate(esme_variant="A"), listed=listed) is None
    assert asked == [("10C7", "00001111"), ("121D", "00011112")]


def test_a_device_without_premises_is_his_to_correct_who_prenotified_it() -> None:
    alone = replace(KNOWN, premises=None)
    assert reason(eligible=False, device=alone) is None
    assert reason(eligible=False, device=replace(alone, prenotified_by=SUPPLIER_1)) is None
    assert reason(device=replace(alone, prenotified_by=SUPPLIER_2)) is _R.UPDATE_NOT_RESPONSIBLE
    assert reason(eligible=False, device=replace(KNOWN, prenotified_by=SUPPLIER_1)) is _R.UPDATE_NOT_RESPONSIBLE


@pytest.mark.parametrize(
    ("kind", "change", "fits"),
    [
        (_T.ESME, MpxnUpdate(import_mpxn=MPAN), True),
        (_T.ESME, MpxnUpdate(secondary_import_mpan=MPAN), True),
        (_T.ESME, MpxnUpdate(export_mpan=MPAN), True),
        (_T.ESME, MpxnUpdate(import_mpxn=MPAN[:-1]), False),
        (_T.ESME, MpxnUpdate(import_mpxn=MPAN + "1"), False),
        (_T.ESME, MpxnUpdate(import_mpxn="123456789012x"), False),
        (_T.ESME, MpxnUpdate(import_mpxn="١٢٣٤٥٦٧٨٩٠١٢٣"), False),
        (_T.GSME, MpxnUpdate(import_mpxn="1"), True),
        (_T.GSME, MpxnUpdate(import_mpxn="9876543211"), True),
        (_T.GSME, MpxnUpdate(import_mpxn=MPAN), False),
        (_T.GSME, MpxnUpdate(export_mpan=MPAN), False),
        (_T.GSME, MpxnUpdate(secondary_import_mpan="1"), False),
    ],
)
def test_a_number_has_the_form_that_its_meter_wants(kind: DeviceType, change: MpxnUpdate, fits: bool) -> None:
    assert reason(change, device=replace(KNOWN, device_type=kind)) is (None if fits else _R.MPXN_MALFORMED)


def test_a_meter_may_be_given_the_number_that_it_has() -> None:
    assert reason(MpxnUpdate(import_mpxn=MPAN), holder=lambda _: ESME) is None


# --- 12.2 --------------------------------------------------------------------------------------------------------

WARN = Policies(inventory=InventoryPolicy(prenotified_on_cpl=Strictness.WARN))


def announced(**changes: Any) -> PrenotificationCase:
    facts: dict[str, Any] = {"known": lambda _: False, "listed": lambda *_: True, "policies": Policies()}
    facts |= {name: changes.pop(name) for name in list(changes) if name in facts}
    return PrenotificationCase(request=prenotification(**changes), **facts)


def why(**changes: Any) -> RequestReason | None:
    found = judge_prenotification(announced(**changes))
    return found[0] if found else None


BREAKS_NEW: dict[RequestReason, dict[str, Any]] = {
    _R.PRENOTIFIED_ALREADY: {"known": lambda _: True},
    _R.PRENOTIFIED_NOT_LISTED: {"listed": lambda *_: False},
    _R.PRENOTIFIED_GPF: {"gpf": GPF},
    _R.PRENOTIFIED_VARIANT: {"esme_variant": "A"},
}


def test_a_good_prenotification_breaks_no_rule() -> None:
    assert judge_prenotification(announced()) is None


def test_every_row_for_prenotifications_is_tried() -> None:
    assert list(BREAKS_NEW) == [check.reason for check in PRENOTIFICATION_CHECKS]


@pytest.mark.parametrize("broken", BREAKS_NEW)
def test_a_broken_rule_for_prenotifications_is_the_answer(broken: RequestReason) -> None:
    found = judge_prenotification(announced(**BREAKS_NEW[broken]))
    assert found is not None
    assert found[0] is broken
    assert found[1]


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(BREAKS_NEW, 2)))
def test_of_two_broken_rules_for_prenotifications_the_earlier_is_the_answer(
    first: RequestReason, second: RequestReason
) -> None:
    assert why(**BREAKS_NEW[first], **BREAKS_NEW[second]) is first


def test_a_hub_and_its_gpf_are_both_new_and_two() -> None:
    hub = {"device_type": _T.CHF, "gpf": GPF}
    assert why(**hub) is None
    assert why(**hub, known=lambda eui: eui == GPF) is _R.PRENOTIFIED_ALREADY
    assert why(**(hub | {"gpf": DEVICE})) is _R.PRENOTIFIED_ALREADY  # DCC Boxed: E120201
    assert why(device_type=_T.CHF) is _R.PRENOTIFIED_GPF


def test_an_esme_has_a_variant_and_nothing_else_has() -> None:
    assert why(device_type=_T.ESME) is _R.PRENOTIFIED_VARIANT
    assert why(device_type=_T.ESME, esme_variant="A") is None


def test_a_declared_version_is_a_hex_number() -> None:
    assert why(firmware_version=None) is None
    assert why(firmware_version="v1.0") is _R.PRENOTIFIED_NOT_LISTED


@pytest.mark.parametrize("kind", [_T.ESME, _T.GSME, _T.HCALCS, _T.PPMID, _T.CHF])
def test_the_model_of_a_device_with_gbcs_is_written_in_hex(kind: DeviceType) -> None:
    more = {_T.ESME: {"esme_variant": "A"}, _T.CHF: {"gpf": GPF}}.get(kind, {})
    assert why(device_type=kind, **more) is None
    assert why(device_type=kind, model="ACME-1", **more) is _R.PRENOTIFIED_NOT_LISTED
    assert why(device_type=kind, manufacturer="12", **more) is _R.PRENOTIFIED_NOT_LISTED


def test_policy_warn_lets_a_model_pass_that_the_list_lacks() -> None:
    unlisted = {"listed": lambda *_: False, "policies": WARN}
    assert why(**unlisted) is None
    assert why(**unlisted, model="ACME-1") is _R.PRENOTIFIED_NOT_LISTED
    assert why(**unlisted, model="ACME-1", device_type=_T.IHD) is None


def test_what_hanota_does_not_update_needs_no_entry_on_its_list() -> None:
    unlisted: dict[str, Any] = {"listed": lambda *_: False}
    assert why(**unlisted, device_type=_T.CAD, model="ACME-1") is None
    assert why(**unlisted, device_type=_T.CHF, gpf=GPF) is None
    assert why(**unlisted, device_type=_T.IHD) is _R.PRENOTIFIED_NOT_LISTED


def test_device_and_gpf_are_looked_up_by_their_own_numbers() -> None:
    asked: list[Eui64] = []
    assert why(device_type=_T.CHF, gpf=GPF, known=lambda eui: bool(asked.append(eui))) is None
    assert set(asked) == {DEVICE, GPF}
