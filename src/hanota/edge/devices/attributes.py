"""The attributes of a device's OTA client, as the hub may read them (ZCL 11.10)."""

from collections.abc import Mapping
from typing import Final

from hanota.edge.devices.banks import Banks
from hanota.edge.devices.client import OtaClient
from hanota.edge.devices.identity import DeviceIdentity
from hanota.model.profiles import Activation
from hanota.wire.otaimage import read_header
from hanota.wire.zcl import (
    OtaAttribute,
    ReadAttributes,
    ReadAttributesResponse,
    UpgradeStatus,
    read_attributes,
    write_records,
)

_NO_OFFSET, _NO_VERSION = 0xFFFF_FFFF, 0xFFFF_FFFF
_PERIOD_MAX: Final = 0xFFFE
_SERVER_ALLOWED, _OUT_OF_BAND = 0, 1  # who may activate
_DO_NOT_APPLY: Final = 1  # what a device does with an image when nobody ever tells it to activate

# IMAGE_UPGRADE_STATUS by the state of the client; at rest it depends on whether an image waits for its command.
_STATUS: Final[Mapping[str, UpgradeStatus]] = {
    "DOWNLOADING": UpgradeStatus.DOWNLOAD_IN_PROGRESS,
    "ENDING": UpgradeStatus.DOWNLOAD_COMPLETE,
    "WAITING": UpgradeStatus.WAITING_TO_UPGRADE,
    "TRIAL": UpgradeStatus.COUNT_DOWN,
}


def answer_read(
    asked: ReadAttributes, identity: DeviceIdentity, banks: Banks, client: OtaClient
) -> ReadAttributesResponse:
    """Give what was asked for, in its order; of what the device lacks, that it does. Raises ZclMalformed."""
    values = _values(identity, banks, client)
    wanted = (OtaAttribute(number) for number in read_attributes(asked.attributes))
    return ReadAttributesResponse(write_records({number: values.get(number) for number in wanted}))


def _values(identity: DeviceIdentity, banks: Banks, client: OtaClient) -> dict[OtaAttribute, int]:
    by_command = identity.profile.activation is Activation.SIGNED_COMMAND
    held, running = banks.held, read_header(banks.running)
    waiting = None if held is None else read_header(held)
    resting = UpgradeStatus.NORMAL if waiting is None else UpgradeStatus.WAITING_FOR_EXTERNAL_EVENT
    return {
        OtaAttribute.UPGRADE_SERVER: client.server.value,
        OtaAttribute.FILE_OFFSET: client.fetched_octets if client.state == "DOWNLOADING" else _NO_OFFSET,
        OtaAttribute.CURRENT_FILE_VERSION: running.file_version,
        OtaAttribute.CURRENT_STACK_VERSION: running.stack_version,
        OtaAttribute.DOWNLOADED_FILE_VERSION: _NO_VERSION if waiting is None else waiting.file_version,
        OtaAttribute.DOWNLOADED_STACK_VERSION: 0xFFFF if waiting is None else waiting.stack_version,
        OtaAttribute.IMAGE_UPGRADE_STATUS: _STATUS.get(client.state, resting),
        OtaAttribute.MANUFACTURER: identity.manufacturer,
        OtaAttribute.IMAGE_TYPE: identity.image_type,
        OtaAttribute.MINIMUM_BLOCK_PERIOD: min(client.period_ms, _PERIOD_MAX),
        OtaAttribute.UPGRADE_ACTIVATION_POLICY: _OUT_OF_BAND if by_command else _SERVER_ALLOWED,
        OtaAttribute.UPGRADE_TIMEOUT_POLICY: _DO_NOT_APPLY,
    }
