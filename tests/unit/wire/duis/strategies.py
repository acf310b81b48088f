"""Hypothesis strategies for every DUIS message that hanota speaks, within what DUIS has room for."""

from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant, parse_iso
from hanota.base.vocabulary.devices import AlertCode, DeviceType, TransferResponseCode
from hanota.base.vocabulary.duis import DccAlertCode, DeviceList, ResponseCode
from hanota.wire.duis import (
    CommandFailure,
    CommsHubAlert,
    CspFirmwareDeliveryStatus,
    DccAlertMessage,
    FirmwareDistributionFailure,
    FirmwareRequest,
    FirmwareTransferAlert,
    FirmwareUpgradeRequested,
    FirmwareVersionMismatch,
    FirmwareWarning,
    PpmidAlert,
    PpmidFirmwareUpgrade,
    RequestHeader,
    Response,
    ResponseMessage,
    join_devices,
)

euis = st.builds(Eui64, st.integers(0, (1 << 64) - 1))
ids = st.builds(RequestId, euis, euis, st.integers(0, (1 << 64) - 1))
instants = st.integers(parse_iso("1970-01-01T00:00:00Z"), parse_iso("9999-12-31T23:59:59Z")).map(Instant)
device_lists = st.lists(euis, min_size=1, max_size=4).map(join_devices)
# What XML 1.0 can carry: no controls but tab, line feed and carriage return, no surrogates, not U+FFFE and U+FFFF.
xml_text = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff") | st.sampled_from("\t\n\r"),
    min_size=1,
    max_size=8,
)
versions = st.from_regex(r"[0-9A-F]{8}", fullmatch=True) | xml_text
optional_ids = st.none() | ids
optional_instants = st.none() | instants
device_types = st.sampled_from(DeviceType)
alert_codes = st.sampled_from(AlertCode) | st.integers(0, 0xFFFF).map(AlertCode)
counts = st.none() | st.integers(0, (1 << 32) - 1)
schema_versions = st.sampled_from(["5.1", "5.2", "5.3", "5.4"])

headers = st.sampled_from(["11.1", "11.4"]).flatmap(
    lambda srv: st.builds(
        RequestHeader,
        request_id=ids,
        command_variant=st.integers(1, 9),
        service_reference=st.just(srv),
        service_reference_variant=st.just(srv),
        schema_version=schema_versions,
        first_in_sequence=st.none() | st.booleans(),
        preceding=optional_ids,
    )
)
requests = st.builds(
    FirmwareRequest,
    header=headers,
    image=st.binary(max_size=400),
    firmware_version=versions,
    device_list=device_lists,
)

warnings = st.builds(FirmwareWarning, st.dictionaries(st.sampled_from(DeviceList), device_lists))
answers = st.one_of(
    st.sampled_from(["11.1", "11.4"]).flatmap(
        lambda srv: st.builds(
            ResponseMessage,
            service_reference=st.just(srv),
            service_reference_variant=st.just(srv),
            warning=st.none() | warnings,
        )
    ),
    st.builds(ResponseMessage, service_reference=st.just("8.14"), service_reference_variant=st.just("8.14.2")),
)
alerts = st.one_of(
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
)
alert_messages = st.builds(
    DccAlertMessage,
    code=st.sampled_from(DccAlertCode),
    throttled_sequence=counts,
    throttled_count=counts,
    alert=alerts,
)
responses = st.builds(
    Response,
    request_id=optional_ids,
    response_id=optional_ids,
    code=st.sampled_from(ResponseCode),
    at=instants,
    body=answers | alert_messages,
    schema_version=schema_versions,
)
