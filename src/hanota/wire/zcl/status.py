"""Sides of a ZigBee conversation and the statuses of the OTA cluster."""

from enum import IntEnum

from hanota.base.openenum import OpenIntEnum


class Side(IntEnum):
    """Who sent a frame; the number is the direction bit of the ZCL frame control (ZCL 2.4.1.1)."""

    CLIENT = 0
    SERVER = 1


class OtaStatus(OpenIntEnum):
    """ZCL status codes that the OTA cluster uses (ZCL 2.6.3)."""

    SUCCESS = 0x00
    NOT_AUTHORIZED = 0x7E
    MALFORMED_COMMAND = 0x80
    TIMEOUT = 0x94
    ABORT = 0x95
    INVALID_IMAGE = 0x96
    WAIT_FOR_DATA = 0x97
    NO_IMAGE_AVAILABLE = 0x98
    REQUIRE_MORE_IMAGE = 0x99
