"""Words of DUIS messages: response codes, DCC Alert codes, refusal lists."""

from hanota.base.openenum import OpenStrEnum


class ResponseCode(OpenStrEnum):
    """DUIS ResponseCode values that hanota gives. Meanings that the standard's data leaves OPEN: docs/errata.md."""

    I0 = "I0"
    I99 = "I99"
    E1 = "E1"
    E2 = "E2"
    E12 = "E12"
    E19 = "E19"
    E100 = "E100"
    E110101 = "E110101"
    E110102 = "E110102"
    E110103 = "E110103"
    E110105 = "E110105"
    W110101 = "W110101"
    E110401 = "E110401"
    E110402 = "E110402"
    E110403 = "E110403"
    E110405 = "E110405"
    W110401 = "W110401"

    @property
    def accepted(self) -> bool:
        """Whether the request goes on: I and W codes do, E codes don't."""
        return self.value[:1] in ("I", "W")


class DccAlertCode(OpenStrEnum):
    """DUIS DCCAlertCode values that hanota sends. N-codes are not tied to contents by the schema: docs/errata.md."""

    N18 = "N18"
    N39 = "N39"
    N49 = "N49"
    N53 = "N53"
    N59 = "N59"
    N60 = "N60"
    N61 = "N61"
    N62 = "N62"


class DeviceList(OpenStrEnum):
    """The five lists of a firmware warning, in DUIS order."""

    INVALID_DEVICE_ID = "InvalidDeviceIDList"
    NOT_COMMISSIONED = "NotCommissionedDeviceIDList"
    NOT_APPLICABLE_FIRMWARE = "NotApplicableFirmwareDeviceIDList"
    OTHER_REQUEST_IN_PROGRESS = "OtherRequestInProgressList"
    INVALID_GBCS_VERSION = "InvalidGBCSVersionList"
