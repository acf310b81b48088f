"""8.2 Read Inventory, 8.4 Update Inventory, 12.2 Device Pre-notification: answered by the DCC itself."""

from typing import Any, Final

from hanota.base.eui import Eui64
from hanota.base.instant import Instant, iso
from hanota.base.vocabulary.devices import CplStatus, CspRegion, DeviceStatus, DeviceType
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.inventory import model_numbers, version_number
from hanota.model.profiles import PROFILES
from hanota.model.reasons import RequestReason
from hanota.process.check import PrenotificationCase, UpdateCase, judge_prenotification, judge_update
from hanota.process.services.work import Outcome, Work, refused
from hanota.records.registry import inventory as known
from hanota.wire.duis import (
    DeleteDevice,
    DetailsUpdate,
    DevicePrenotification,
    Inventory,
    InventoryChange,
    InventoryDevice,
    MpxnUpdate,
    PropertyFilter,
    ReadInventory,
    StatusUpdate,
    UpdateInventory,
)

_ADDRESS_CHARS_MAX: Final = 30
_CELLULAR: Final = frozenset(
    {CspRegion.CENTRAL, CspRegion.SOUTH, CspRegion.NORTH_4G, CspRegion.CENTRAL_4G, CspRegion.SOUTH_4G}
)
"""Regions whose hubs have a mobile network; that of the North is long-range radio."""


def read_inventory(work: Work[ReadInventory]) -> Outcome:
    """Give all devices of the premises that the request finds (8.2)."""
    asked = work.request
    named = asked.property_filter
    found = known.places(
        work.connection,
        device=asked.device,
        meter_point=asked.mpxn,
        uprn=asked.uprn,
        address=None if named is None else (named.post_code, named.address_identifier),
    )
    what = f"{asked.device or asked.mpxn or asked.uprn or named}"
    if not found:
        return refused((RequestReason.INVENTORY_NOT_FOUND, what), work)
    if len(found) > 1:
        return refused((RequestReason.INVENTORY_AMBIGUOUS, what), work)
    devices = tuple(map(_device, known.devices_at(work.connection, found[0])))
    return Outcome(code=ResponseCode.I0, content=Inventory(devices=devices))


def _device(row: Any) -> InventoryDevice:
    kind = DeviceType(row.device_type)
    standing = None if row.standing is None else CplStatus(row.standing)
    region = None if row.region is None else CspRegion(row.region)
    return InventoryDevice(
        device=Eui64.from_signed(row.eui),
        device_type=kind,
        status=None if kind is DeviceType.CAD else DeviceStatus(row.status),
        manufacturer=row.manufacturer_text or f"{row.manufacturer:04X}",
        model=row.model_text or f"{row.image_type:04X}{row.hardware:04X}",
        smets_chts_version=row.smets_version,
        firmware_version=None if row.version is None else f"{row.version:08X}",
        firmware_version_status=standing,
        cpl_status=standing,
        date_commissioned=None if row.commissioned_at is None else iso(Instant(row.commissioned_at))[:10],
        import_mpxn=row.mpxn_import or row.supplied,
        secondary_import_mpan=row.mpxn_secondary,
        export_mpan=row.mpxn_export,
        esme_variant=row.esme_variant,
        uprn=row.uprn,
        property_filter=_address(row),
        csp_region=region,
        gbcs_version=None if row.gbcs_version == known.GBCS_VERSION_UNKNOWN else row.gbcs_version,
        han_variant=row.han_variant,
        connectivity="Cellular" if kind is DeviceType.CHF and region in _CELLULAR else None,
    )


def _address(row: Any) -> PropertyFilter | None:
    if row.postcode is None or row.address is None:
        return None
    return PropertyFilter(post_code=row.postcode, address_identifier=row.address[:_ADDRESS_CHARS_MAX])


def _listed(work: Work[Any], manufacturer: str, model: str) -> bool:
    numbers = model_numbers(manufacturer, model)
    return numbers is not None and known.listed(
        work.connection, numbers.manufacturer, numbers.image_type, numbers.hardware
    )


def update_inventory(work: Work[UpdateInventory]) -> Outcome:
    """Change the status, the details or the meter points of a device, or take it out (8.4)."""
    asked, connection = work.request, work.connection
    case = UpdateCase(
        request=asked,
        device=known.find_device(connection, asked.device),
        eligible=known.eligible(connection, asked.device, work.sender, work.now),
        listed=lambda manufacturer, model: _listed(work, manufacturer, model),
        holder=lambda number: known.holder_of(connection, number),
    )
    if failed := judge_update(case):
        return refused(failed, work)
    if isinstance(asked.change, DeleteDevice):
        known.delete_device(connection, work.lane, asked.device, work.now)
    else:
        values = _changes(asked.change, work.now)
        known.change_device(connection, work.lane, asked.device, values, work.now)
    return Outcome(code=ResponseCode.I0)


def _changes(change: InventoryChange, now: Instant) -> dict[str, object]:
    """Give the columns that a change sets."""
    match change:
        case StatusUpdate():
            commissioned = {"commissioned_at": now} if change.status is DeviceStatus.COMMISSIONED else {}
            return {"status": change.status.value, **commissioned}
        case MpxnUpdate():
            given = {
                "mpxn_import": change.import_mpxn,
                "mpxn_secondary": change.secondary_import_mpan,
                "mpxn_export": change.export_mpan,
            }
            return {name: value for name, value in given.items() if value is not None}
        case DetailsUpdate():
            return _details(change)
        case _:
            return {}


def _details(change: DetailsUpdate) -> dict[str, object]:
    values: dict[str, object] = {"smets_version": change.smets_chts_version, "esme_variant": change.esme_variant}
    if change.manufacturer:
        values |= {"manufacturer": int(change.manufacturer, 16), "manufacturer_text": change.manufacturer}
    if change.model:
        values |= {"image_type": int(change.model[:4], 16), "hardware": int(change.model[4:], 16)}
        values |= {"model_text": change.model}
    if change.firmware_version is not None:
        values |= {"version": version_number(change.firmware_version)}
    return {name: value for name, value in values.items() if value is not None}


def prenotify(work: Work[DevicePrenotification]) -> Outcome:
    """Enter a device that is to be installed (12.2); a hub comes with its GPF."""
    asked, connection = work.request, work.connection
    case = PrenotificationCase(
        request=asked,
        known=lambda eui: known.find_device(connection, eui) is not None,
        listed=lambda manufacturer, model: _listed(work, manufacturer, model),
        policies=work.policies,
    )
    if failed := judge_prenotification(case):
        return refused(failed, work)
    numbers = model_numbers(asked.manufacturer, asked.model)
    profile = PROFILES.get(asked.device_type)
    values: dict[str, object] = {
        "device_type": asked.device_type.value,
        "manufacturer_text": asked.manufacturer,
        "model_text": asked.model,
        "smets_version": asked.smets_chts_version,
        "esme_variant": asked.esme_variant,
        "version": None if asked.firmware_version is None else version_number(asked.firmware_version),
        "capacity_octets": 0 if profile is None else profile.capacity_octets,
        "gpf": None if asked.gpf is None else asked.gpf.signed,
        "prenotified_by": work.sender.signed,
    }
    if numbers is not None:
        values |= {
            "manufacturer": numbers.manufacturer,
            "image_type": numbers.image_type,
            "hardware": numbers.hardware,
        }
    known.enter_device(connection, work.lane, asked.device, values, work.now)
    if asked.gpf is not None:
        proxy = {**values, "device_type": DeviceType.GPF.value, "gpf": None}
        known.enter_device(connection, work.lane, asked.gpf, proxy, work.now)
    return Outcome(code=ResponseCode.I0)
