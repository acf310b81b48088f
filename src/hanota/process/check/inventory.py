"""Rules for changes of the inventory: 8.4 Update Inventory and 12.2 Device Pre-notification. Source: R5; domain 2.3."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.vocabulary.devices import DeviceType
from hanota.model.inventory import (
    HUB_TYPES,
    METERS,
    NOT_YET_COMMISSIONED,
    STATUS_AFTER,
    KnownDevice,
    meter_point_fits,
    model_numbers,
    version_number,
)
from hanota.model.policies import Policies, Strictness
from hanota.model.profiles import PROFILES
from hanota.model.reasons import RequestReason
from hanota.process.check.rules import Rule, first_broken
from hanota.wire.duis import (
    DeleteDevice,
    DetailsUpdate,
    DevicePrenotification,
    MpxnUpdate,
    StatusUpdate,
    UpdateInventory,
)

Listed = Callable[[str, str], bool]
"""Whether the Certified Product List has a maker and model, written as DUIS writes them."""


@dataclass(frozen=True, kw_only=True)
class UpdateCase:
    """An 8.4 and the facts that its rules need. `holder` says which meter has a meter point."""

    request: UpdateInventory
    device: KnownDevice | None
    eligible: bool
    listed: Listed
    holder: Callable[[str], Eui64 | None]

    @property
    def known(self) -> KnownDevice:
        """The device; only rules behind `UPDATE_DEVICE_UNKNOWN` may ask for it."""
        assert self.device is not None
        return self.device

    @property
    def status(self) -> StatusUpdate | None:
        """The status asked for, if that is what is asked."""
        return self.request.change if isinstance(self.request.change, StatusUpdate) else None

    @property
    def details(self) -> DetailsUpdate | None:
        """The details given, if that is what is asked."""
        return self.request.change if isinstance(self.request.change, DetailsUpdate) else None

    @property
    def meter_points(self) -> Mapping[str, str]:
        """The meter points given, by `import`, `secondary` or `export`."""
        change = self.request.change
        if not isinstance(change, MpxnUpdate):
            return {}
        given = {"import": change.import_mpxn, "secondary": change.secondary_import_mpan, "export": change.export_mpan}
        return {which: number for which, number in given.items() if number is not None}


def _of_its_kind(case: UpdateCase) -> bool:
    return case.status is None or case.status.hub is (case.known.device_type in HUB_TYPES)


def _reachable(case: UpdateCase) -> bool:
    wanted = case.status
    return wanted is None or case.known.status in STATUS_AFTER.get((wanted.hub, wanted.status), frozenset())


def _version_free(case: UpdateCase) -> bool:
    return case.details is None or case.details.firmware_version is None or not case.known.in_use


def _version_readable(case: UpdateCase) -> bool:
    version = None if case.details is None else case.details.firmware_version
    return version is None or version_number(version) is not None


def _may_change(case: UpdateCase) -> bool:
    """A device of a home is its suppliers' to change; one that is not installed is his who pre-notified it."""
    known, sender = case.known, case.request.header.request_id.originator
    return case.eligible if known.premises is not None else known.prenotified_by in (None, sender)


def _model_free(case: UpdateCase) -> bool:
    details = case.details
    return details is None or not (details.manufacturer or details.model) or not case.known.in_use


def _model_listed(case: UpdateCase) -> bool:
    details = case.details
    if details is None or not (details.manufacturer or details.model):
        return True
    known = case.known
    manufacturer = details.manufacturer or f"{known.manufacturer:04X}"
    model = details.model or f"{known.image_type:04X}{known.hardware:04X}"
    return case.listed(manufacturer, model)


def _variant_fits(case: UpdateCase) -> bool:
    return case.details is None or case.details.esme_variant is None or case.known.device_type is DeviceType.ESME


def _deletable(case: UpdateCase) -> bool:
    return not isinstance(case.request.change, DeleteDevice) or case.known.status in NOT_YET_COMMISSIONED


_R = RequestReason
UPDATE_CHECKS: Final[tuple[Rule[UpdateCase], ...]] = (
    Rule(_R.UPDATE_DEVICE_UNKNOWN, lambda case: case.device is not None, lambda case: f"{case.request.device}"),
    Rule(_R.UPDATE_NOT_RESPONSIBLE, _may_change, lambda case: f"{case.request.device}"),
    Rule(_R.STATUS_OF_OTHER_KIND, _of_its_kind, lambda case: f"{case.request.device} is a {case.known.device_type}"),
    Rule(_R.STATUS_NOT_REACHABLE, _reachable, lambda case: f"{case.request.device} is {case.known.status}"),
    Rule(_R.VERSION_IS_REPORTED, _version_free, lambda case: f"{case.request.device} is {case.known.status}"),
    Rule(_R.DETAILS_FIXED, _model_free, lambda case: f"{case.request.device} is {case.known.status}"),
    Rule(_R.DETAILS_NOT_LISTED, _model_listed, lambda case: f"{case.details}"),
    Rule(_R.VERSION_UNREADABLE, _version_readable, lambda case: f"{case.details}"),
    Rule(_R.VARIANT_NOT_ESME, _variant_fits, lambda case: f"{case.request.device} is a {case.known.device_type}"),
    Rule(
        _R.NOTHING_TO_UPDATE,
        lambda case: case.details != DetailsUpdate(),
        lambda case: f"no detail of {case.request.device} is given",
    ),
    Rule(_R.DELETE_NOT_PENDING, _deletable, lambda case: f"{case.request.device} is {case.known.status}"),
    Rule(
        _R.MPXN_NOT_A_METER,
        lambda case: not case.meter_points or case.known.device_type in METERS,
        lambda case: f"{case.request.device} is a {case.known.device_type}",
    ),
    Rule(
        _R.MPXN_MALFORMED,
        lambda case: all(meter_point_fits(case.known.device_type, *point) for point in case.meter_points.items()),
        lambda case: f"{dict(case.meter_points)} for a {case.known.device_type}",
    ),
    Rule(
        _R.MPXN_TAKEN,
        lambda case: all(case.holder(number) in (None, case.known.eui) for number in case.meter_points.values()),
        lambda case: f"{dict(case.meter_points)}",
    ),
)


def judge_update(case: UpdateCase) -> tuple[RequestReason, str] | None:
    """Give the reason of the first rule that does not hold, with its detail; None if all hold."""
    return first_broken(UPDATE_CHECKS, case)


@dataclass(frozen=True, kw_only=True)
class PrenotificationCase:
    """A 12.2 and the facts that its rules need. `known` says whether the inventory has a device."""

    request: DevicePrenotification
    known: Callable[[Eui64], bool]
    listed: Listed
    policies: Policies


def _new(case: PrenotificationCase) -> bool:
    asked = case.request
    gpf_new = asked.gpf is None or (asked.gpf != asked.device and not case.known(asked.gpf))
    return gpf_new and not case.known(asked.device)


_OUTSIDE_GBCS: Final = frozenset(kind for kind, row in PROFILES.items() if not row.gbcs)


def _listed(case: PrenotificationCase) -> bool:
    asked = case.request
    if asked.device_type not in _OUTSIDE_GBCS and model_numbers(asked.manufacturer, asked.model) is None:
        return False
    if asked.firmware_version is not None and version_number(asked.firmware_version) is None:
        return False
    wanted = case.policies.inventory.prenotified_on_cpl is Strictness.REFUSE
    # Only what hanota updates has entries on its list: hubs are certified too, but not sent to by Users.
    certified = asked.device_type not in HUB_TYPES | {DeviceType.CAD}
    return not (wanted and certified) or case.listed(asked.manufacturer, asked.model)


PRENOTIFICATION_CHECKS: Final[tuple[Rule[PrenotificationCase], ...]] = (
    Rule(_R.PRENOTIFIED_ALREADY, _new, lambda case: f"{case.request.device}, GPF {case.request.gpf}"),
    Rule(_R.PRENOTIFIED_NOT_LISTED, _listed, lambda case: f"{case.request.manufacturer} {case.request.model}"),
    Rule(
        _R.PRENOTIFIED_GPF,
        lambda case: (case.request.gpf is not None) is (case.request.device_type is DeviceType.CHF),
        lambda case: f"a {case.request.device_type} with GPF {case.request.gpf}",
    ),
    Rule(
        _R.PRENOTIFIED_VARIANT,
        lambda case: (case.request.esme_variant is not None) is (case.request.device_type is DeviceType.ESME),
        lambda case: f"a {case.request.device_type} with ESMEVariant {case.request.esme_variant}",
    ),
)


def judge_prenotification(case: PrenotificationCase) -> tuple[RequestReason, str] | None:
    """Give the reason of the first rule that does not hold, with its detail; None if all hold."""
    return first_broken(PRENOTIFICATION_CHECKS, case)
