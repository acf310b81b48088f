"""Words for devices (DUIS DeviceType, DeviceStatus, CSPRegion; CPL status)."""

from hanota.base.openenum import OpenIntEnum, OpenStrEnum


class DeviceType(OpenStrEnum):
    """What stands on a home area network, by the names that DUIS gives it."""

    ESME = "ESME"
    GSME = "GSME"
    CHF = "CHF"
    GPF = "GPF"
    HCALCS = "HCALCS"
    PPMID = "PPMID"
    IHD = "IHD"
    CAD = "CAD"


class DeviceStatus(OpenStrEnum):
    """DUIS DeviceStatus, as kept in the Smart Metering Inventory."""

    PENDING = "Pending"
    WHITELISTED = "Whitelisted"
    INSTALLED_NOT_COMMISSIONED = "InstalledNotCommissioned"
    COMMISSIONED = "Commissioned"
    DECOMMISSIONED = "Decommissioned"
    WITHDRAWN = "Withdrawn"
    SUSPENDED = "Suspended"
    RECOVERY = "Recovery"
    RECOVERED = "Recovered"


class CplStatus(OpenStrEnum):
    """DUIS CPLStatus: standing of a product on the Certified Product List."""

    ACTIVE = "Active"
    CANCELLED = "Cancelled"
    EXPIRED = "Expired"
    WITHDRAWN = "Withdrawn"


class CspRegion(OpenStrEnum):
    """DUIS CSPRegion: which wide-area network carries to a hub."""

    NORTH = "North"
    CENTRAL = "Central"
    SOUTH = "South"
    NORTH_4G = "4G North"
    CENTRAL_4G = "4G Central"
    SOUTH_4G = "4G South"
    UNKNOWN = "Unknown"
    SMETS1 = "SMETS1"


class TransferResponseCode(OpenIntEnum):
    """Outcome of a transfer over the HAN (CCS08 responseCode; DUIS TransferResponseCode in the same order)."""

    FILE_TRANSFER_SUCCESS = 0
    FIRMWARE_IMAGE_DISCARDED = 1
    HARDWARE_VERSION_MISMATCH = 2
    FILE_TRANSFER_FAILURE = 3


class AlertCode(OpenIntEnum):
    """GBCS alert and event codes that firmware meets, 16 bits (GBCS 16)."""

    FIRMWARE_VERIFICATION_FAILED_AT_POWER_ON = 0x8F1B
    FIRMWARE_VERIFICATION_FAILED = 0x8F1C
    FIRMWARE_VERSION_CHANGED = 0x8F43
    FUTURE_DATED_COMMAND_DONE = 0x8F66
    FUTURE_DATED_COMMAND_FAILED = 0x8F67
    FIRMWARE_VERIFIED = 0x8F72
    FIRMWARE_TRANSFER_FAILED = 0x8F89
    FIRMWARE_TRANSFER_SUCCEEDED = 0x8F8A
    PPMID_FIRMWARE_ACTIVATION = 0x8F8B
