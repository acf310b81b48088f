"""ZigBee Cluster Library frames of the home area network: OTA upgrade (0x0019) and Tunneling (0x0704)."""

from hanota.wire.zcl.commands import (
    Command,
    ImageBlockRequest,
    ImageBlockResponse,
    ImageNotify,
    ImagePageRequest,
    QueryNextImageRequest,
    QueryNextImageResponse,
    QuerySpecificFileRequest,
    QuerySpecificFileResponse,
    TransferData,
    UpgradeEndRequest,
    UpgradeEndResponse,
)
from hanota.wire.zcl.errors import ZclMalformed, ZclShort, ZclUnknown, ZclWrong
from hanota.wire.zcl.frame import read_command, write_command
from hanota.wire.zcl.status import OtaStatus, Side
from hanota.wire.zcl.tables import OTA_CLUSTER, TUNNELING_CLUSTER

__all__ = [
    "OTA_CLUSTER",
    "TUNNELING_CLUSTER",
    "Command",
    "ImageBlockRequest",
    "ImageBlockResponse",
    "ImageNotify",
    "ImagePageRequest",
    "OtaStatus",
    "QueryNextImageRequest",
    "QueryNextImageResponse",
    "QuerySpecificFileRequest",
    "QuerySpecificFileResponse",
    "Side",
    "TransferData",
    "UpgradeEndRequest",
    "UpgradeEndResponse",
    "ZclMalformed",
    "ZclShort",
    "ZclUnknown",
    "ZclWrong",
    "read_command",
    "write_command",
]
