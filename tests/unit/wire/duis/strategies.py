"""Hypothesis strategies for every DUIS message that hanota speaks, within what DUIS has room for."""

from dataclasses import replace

from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant, parse_iso
from hanota.base.vocabulary.devices import (
    AlertCode,
    CplStatus,
    CspRegion,
    DeviceStatus,
    DeviceType,
    TransferResponseCode,
)
from hanota.base.vocabulary.duis import DccAlertCode, DeviceList, DuisVersion, ResponseCode
from hanota.wire.duis import (
    REQUESTS,
    ActivateFirmware,
    AlertVersionMismatch,
    CommandFailure,
    CommsHubAlert,
    CommsHubFirmwareActivation,
    CspFirmwareDeliveryStatus,
    DccAlertMessage,
    DeleteDevice,
    DetailsUpdate,
    DeviceAlertMessage,
    DevicePrenotification,
    DeviceStatusChangeEvent,
    DuisVersionMismatch,
    FirmwareDistributionFailure,
    FirmwareRequest,
    FirmwareTransferAlert,
    FirmwareUpgradeRequested,
    FirmwareVersionMismatch,
    FirmwareWarning,
    FutureDatedDeviceAlert,
    GbcsPayload,
    Inventory,
    InventoryDevice,
    LocalCommand,
    MpxnUpdate,
    PpmidAlert,
    PpmidFirmwareUpgrade,
    PreCommand,
    PropertyFilter,
    QuarantinedRequest,
    ReadFirmwareVersion,
    ReadInventory,
    RequestHeader,
    Response,
    ResponseMessage,
    ResponseVersionMismatch,
    ReturnLocalCommandResponse,
    SignedPreCommand,
    StatusUpdate,
    UpdateInventory,
    join_devices,
)

ESME_VARIANTS = [*"ABC", "AD", "BD", "CD", "ADE", "BDE", "CDE", "ADF", "BDF", "CDF", "ADEF", "BDEF", "CDEF"]
ESME_VARIANTS += ["ADG", "ADEG", "AF", "BF", "CF", "AEF", "BEF", "CEF", "AG", "AEG"]

euis = st.builds(Eui64, st.integers(0, (1 << 64) - 1))
ids = st.builds(RequestId, euis, euis, st.integers(0, (1 << 64) - 1))
instants = st.integers(parse_iso("1970-01-01T00:00:00Z"), parse_iso("9999-12-31T23:59:59Z")).map(Instant)
device_lists = st.lists(euis, min_size=1, max_size=4).map(join_devices)
# What XML 1.0 can carry: no controls but tab, line feed and carriage return, no surrogates, not U+FFFE and U+FFFF.
_characters = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff") | st.sampled_from(
    "\t\n\r"
)


def texts(shortest, longest):
    """Texts of so many characters."""
    return st.text(_characters, min_size=shortest, max_size=longest)


versions = st.from_regex(r"[0-9A-F]{8}", fullmatch=True) | texts(1, 8)
optional_ids = st.none() | ids
optional_instants = st.none() | instants
device_types = st.sampled_from(DeviceType)
alert_codes = st.sampled_from(AlertCode) | st.integers(0, 0xFFFF).map(AlertCode)
counts = st.none() | st.integers(0, (1 << 32) - 1)
schema_versions = st.sampled_from([version.value for version in DuisVersion])
octets = st.binary(max_size=60)
uprns = st.integers(1, 10**12 - 1).map(str)
mpans = texts(13, 13)
mpxns = texts(1, 13)
esme_variants = st.sampled_from(ESME_VARIANTS)
filters = st.builds(PropertyFilter, post_code=texts(6, 8), address_identifier=texts(0, 30))


def optional(strategy):
    """The value, or none."""
    return st.none() | strategy


def headers(srv, variants=None):
    """Headers of one service; by default of any command variant that it has."""
    return st.builds(
        RequestHeader,
        request_id=ids,
        command_variant=st.sampled_from(sorted(variants or REQUESTS[srv].command_variants)),
        service_reference=st.just(srv),
        service_reference_variant=st.just(srv),
        schema_version=schema_versions,
        first_in_sequence=optional(st.booleans()),
        preceding=optional_ids,
    )


changes = st.one_of(
    st.builds(
        StatusUpdate,
        status=st.sampled_from([DeviceStatus.PENDING, DeviceStatus.INSTALLED_NOT_COMMISSIONED]),
        hub=st.just(False),
    ),
    st.builds(
        StatusUpdate,
        status=st.sampled_from(
            [DeviceStatus.COMMISSIONED, DeviceStatus.WITHDRAWN, DeviceStatus.INSTALLED_NOT_COMMISSIONED]
        ),
        hub=st.just(True),
    ),
    st.builds(
        DetailsUpdate,
        manufacturer=optional(texts(0, 30)),
        model=optional(texts(0, 30)),
        smets_chts_version=optional(texts(1, 20)),
        firmware_version=optional(versions),
        esme_variant=optional(esme_variants),
    ),
    st.builds(DeleteDevice),
    st.builds(MpxnUpdate, import_mpxn=mpxns),
    st.builds(MpxnUpdate, secondary_import_mpan=mpans),
    st.builds(MpxnUpdate, export_mpan=mpans),
)
firmware_requests = st.sampled_from(["11.1", "11.4"]).flatmap(
    lambda srv: st.builds(
        FirmwareRequest,
        header=headers(srv),
        image=st.binary(max_size=400),
        firmware_version=versions,
        device_list=device_lists,
    )
)
requests = st.one_of(
    firmware_requests,
    st.one_of(
        st.fixed_dictionaries({"uprn": uprns}),
        st.fixed_dictionaries({"device": euis}),
        st.fixed_dictionaries({"mpxn": mpxns}),
        st.fixed_dictionaries({"property_filter": filters}),
    ).flatmap(lambda asked: st.builds(lambda header: ReadInventory(header=header, **asked), headers("8.2"))),
    st.builds(UpdateInventory, header=headers("8.4"), device=euis, change=changes),
    st.builds(ReturnLocalCommandResponse, header=headers("8.13"), original_request_id=optional_ids, gbcs=octets),
    st.builds(ReadFirmwareVersion, header=headers("11.2"), execution=optional_instants),
    st.builds(
        ActivateFirmware,
        header=headers("11.3", {4}),
        execution=optional_instants,
        firmware_hash=st.binary(min_size=32, max_size=32),
    ),
    st.builds(SignedPreCommand, header=headers("11.3", {5, 6, 7}), execution=optional_instants, gbcs=octets),
    st.builds(
        DevicePrenotification,
        header=headers("12.2"),
        device=euis,
        manufacturer=texts(0, 30),
        model=texts(0, 30),
        device_type=device_types,
        smets_chts_version=optional(texts(1, 20)),
        firmware_version=optional(versions),
        esme_variant=optional(esme_variants),
        gpf=optional(euis),
    ),
)

inventory_devices = st.builds(
    InventoryDevice,
    device=euis,
    device_type=device_types,
    status=optional(st.sampled_from(DeviceStatus)),
    manufacturer=texts(0, 30),
    model=texts(0, 30),
    smets_chts_version=optional(texts(1, 20)),
    firmware_version=optional(versions),
    firmware_version_status=optional(st.sampled_from(CplStatus)),
    cpl_status=optional(st.sampled_from(CplStatus)),
    date_commissioned=optional(st.dates().map(str)),
    import_mpxn=optional(mpxns),
    secondary_import_mpan=optional(mpans),
    export_mpan=optional(mpans),
    esme_variant=optional(esme_variants),
    uprn=optional(uprns),
    property_filter=optional(filters),
    csp_region=optional(st.sampled_from(CspRegion)),
    gbcs_version=optional(texts(0, 5)),
    han_variant=optional(texts(0, 12)),
    s1sp=optional(texts(0, 5)),
    connectivity=optional(st.sampled_from(["Cellular", "Virtual"])),
)
warnings = st.builds(FirmwareWarning, st.dictionaries(st.sampled_from(DeviceList), device_lists))
contents = st.one_of(
    st.none(),
    st.builds(Inventory, devices=st.lists(inventory_devices, min_size=1, max_size=3).map(tuple)),
    st.builds(GbcsPayload, octets=octets),
    st.builds(LocalCommand, octets=octets),
    st.builds(PreCommand, gbcs_version=texts(0, 4), octets=octets),
    st.builds(
        FutureDatedDeviceAlert,
        alert_code=st.sampled_from([AlertCode(0x8F66), AlertCode(0x8F67)]),
        octets=octets,
        instruction_number=st.integers(0, 0xFFFF),
        total=st.integers(0, 0xFFFF),
    ),
)
answers = st.one_of(
    st.sampled_from(["11.1", "11.4"]).flatmap(
        lambda srv: st.builds(
            ResponseMessage,
            service_reference=st.just(srv),
            service_reference_variant=st.just(srv),
            content=optional(warnings),
        )
    ),
    st.sampled_from([*REQUESTS]).flatmap(
        lambda srv: st.builds(
            ResponseMessage,
            service_reference=st.just(srv),
            service_reference_variant=st.just(srv),
            content=contents,
        )
    ),
    st.builds(ResponseMessage, service_reference=st.just("8.14"), service_reference_variant=st.just("8.14.2")),
)
alerts = st.one_of(
    st.builds(DeviceStatusChangeEvent, device=euis, change=st.sampled_from(["DeviceSuspended", "DeviceRestored"])),
    st.builds(CommandFailure, request_id=ids, schedule_id=st.none() | st.integers(0, 10**12), device=euis),
    st.builds(FirmwareDistributionFailure, request_id=ids, device_list=device_lists),
    st.builds(
        PpmidAlert,
        device=euis,
        alert_code=alert_codes,
        at=optional_instants,
        upgrade=st.none() | st.builds(PpmidFirmwareUpgrade, firmware_version=versions, success=st.booleans()),
    ),
    st.builds(
        QuarantinedRequest,
        kind=st.sampled_from(["ADUserThresholdBreach", "ADDCCThresholdBreach", "ADAttributeLimitsBreach"]),
        request_id=ids,
        event_ref=st.integers(1 - 10**20, 10**20 - 1),
    ),
    st.builds(
        FirmwareVersionMismatch,
        device=euis,
        device_type=device_types,
        version_smi=versions,
        version_device=versions,
    ),
    st.builds(FirmwareUpgradeRequested, device_type=device_types, firmware_version=versions, device_list=device_lists),
    st.builds(
        CspFirmwareDeliveryStatus,
        request_id=ids,
        hub=euis,
        device=euis,
        firmware_version=versions,
        at=instants,
        success=st.booleans(),
    ),
    st.builds(
        CommsHubAlert,
        hub=euis,
        alert_code=alert_codes,
        at=optional_instants,
        transfer=st.none()
        | st.builds(
            FirmwareTransferAlert,
            request_id=optional_ids,
            device=euis,
            firmware_version=versions,
            result=st.sampled_from(TransferResponseCode),
        ),
    ),
    st.builds(CommsHubFirmwareActivation, device=euis, firmware_version=versions),
    st.builds(
        DuisVersionMismatch,
        about=st.builds(AlertVersionMismatch, code=texts(0, 4), device=optional(euis), request_id=optional_ids)
        | st.builds(
            ResponseVersionMismatch,
            request_id=ids,
            service_reference=texts(0, 4),
            service_reference_variant=texts(0, 4),
            request_version=texts(0, 4),
        ),
        user_version=texts(0, 4),
    ),
)
alert_messages = st.builds(
    DccAlertMessage,
    code=st.sampled_from(DccAlertCode),
    throttled_sequence=counts,
    throttled_count=counts,
    alert=alerts,
)
device_alerts = st.builds(
    DeviceAlertMessage, alert_code=alert_codes, throttled_sequence=counts, throttled_count=counts, gbcs=octets
)
latest_responses = st.builds(
    Response,
    request_id=optional_ids,
    response_id=optional_ids,
    code=st.sampled_from(ResponseCode),
    at=instants,
    body=answers | device_alerts | alert_messages,
)


def in_version(response, version):
    """Give what is left of a response in an older version of DUIS."""
    values = {"schema_version": version}
    if version < "5.3" and response.code is ResponseCode.E110106:
        values["code"] = ResponseCode.E110102
    content = getattr(response.body, "content", None)
    if isinstance(content, Inventory):
        devices = tuple(_device_in_version(device, version) for device in content.devices)
        values["body"] = replace(response.body, content=Inventory(devices=devices))
    return replace(response, **values)


def _device_in_version(device, version):
    region = device.csp_region
    if version < "5.3" and region is not None and region.value.startswith("4G"):
        region = CspRegion.UNKNOWN
    return replace(device, csp_region=region, connectivity=None if version < "5.4" else device.connectivity)


responses = st.builds(in_version, latest_responses, schema_versions)
