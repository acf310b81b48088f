"""The commands that hub and devices exchange: OTA upgrade and Messaging clusters, TransferData of the Tunneling one.

Field order is the order on the wire, little-endian. A field that may be absent is None then; which control bits or
payload type that means follows from the fields present and is never stated twice. Ids and directions stand in
`tables`.
"""

from dataclasses import dataclass
from typing import Annotated

from hanota.wire.layout import U8, U16, U32, Eui64Field, Octets8, RestOctets, bit, enum8, level, status
from hanota.wire.zcl.status import OtaStatus

_FOUND = status(OtaStatus.SUCCESS)
_WAIT = status(OtaStatus.WAIT_FOR_DATA)


@dataclass(frozen=True, slots=True)
class ImageNotify:
    """Tell clients of an image; `query_jitter` (1…100) thins out who asks. A field present needs the one before it."""

    query_jitter: U8
    manufacturer: Annotated[U16 | None, level(1)] = None
    image_type: Annotated[U16 | None, level(2)] = None
    file_version: Annotated[U32 | None, level(3)] = None


@dataclass(frozen=True, slots=True)
class QueryNextImageRequest:
    """Ask whether there is an image; `file_version` is the one that runs now."""

    manufacturer: U16
    image_type: U16
    file_version: U32
    hardware_version: Annotated[U16 | None, bit(0)] = None


@dataclass(frozen=True, slots=True)
class QueryNextImageResponse:
    """Name the image to fetch (status SUCCESS), or say why there is none."""

    status: Annotated[OtaStatus, enum8(OtaStatus)]
    manufacturer: Annotated[U16 | None, _FOUND] = None
    image_type: Annotated[U16 | None, _FOUND] = None
    file_version: Annotated[U32 | None, _FOUND] = None
    image_octets: Annotated[U32 | None, _FOUND] = None


@dataclass(frozen=True, slots=True)
class ImageBlockRequest:
    """Ask for at most `max_octets` of the image file from `offset` on."""

    manufacturer: U16
    image_type: U16
    file_version: U32
    offset: U32
    max_octets: U8
    node: Annotated[Eui64Field | None, bit(0)] = None
    min_block_period_ms: Annotated[U16 | None, bit(1)] = None


@dataclass(frozen=True, slots=True)
class ImagePageRequest:
    """Ask for `page_octets` of the image file from `offset` on, as blocks `spacing_ms` apart."""

    manufacturer: U16
    image_type: U16
    file_version: U32
    offset: U32
    max_octets: U8
    page_octets: U16
    spacing_ms: U16
    node: Annotated[Eui64Field | None, bit(0)] = None


@dataclass(frozen=True, slots=True)
class ImageBlockResponse:
    """Give a block (status SUCCESS), ask the client to wait (WAIT_FOR_DATA; ZigBee UTC seconds), or stop (ABORT)."""

    status: Annotated[OtaStatus, enum8(OtaStatus)]
    manufacturer: Annotated[U16 | None, _FOUND] = None
    image_type: Annotated[U16 | None, _FOUND] = None
    file_version: Annotated[U32 | None, _FOUND] = None
    offset: Annotated[U32 | None, _FOUND] = None
    data: Annotated[Octets8 | None, _FOUND] = None
    current_time: Annotated[U32 | None, _WAIT] = None
    request_time: Annotated[U32 | None, _WAIT] = None
    min_block_period_ms: Annotated[U16 | None, _WAIT] = None


@dataclass(frozen=True, slots=True)
class UpgradeEndRequest:
    """Say how the download ended; asks when to activate if `status` is SUCCESS."""

    status: Annotated[OtaStatus, enum8(OtaStatus)]
    manufacturer: U16
    image_type: U16
    file_version: U32


@dataclass(frozen=True, slots=True)
class UpgradeEndResponse:
    """Say when to activate: at `upgrade_time` on a clock that now shows `current_time` (ZigBee UTC seconds)."""

    manufacturer: U16
    image_type: U16
    file_version: U32
    current_time: U32
    upgrade_time: U32


@dataclass(frozen=True, slots=True)
class QuerySpecificFileRequest:
    """Ask for a file made for one node alone."""

    node: Eui64Field
    manufacturer: U16
    image_type: U16
    file_version: U32
    stack_version: U16


@dataclass(frozen=True, slots=True)
class QuerySpecificFileResponse:
    """Name the file to fetch (status SUCCESS), or say why there is none."""

    status: Annotated[OtaStatus, enum8(OtaStatus)]
    manufacturer: Annotated[U16 | None, _FOUND] = None
    image_type: Annotated[U16 | None, _FOUND] = None
    file_version: Annotated[U32 | None, _FOUND] = None
    image_octets: Annotated[U32 | None, _FOUND] = None


@dataclass(frozen=True, slots=True)
class ReadAttributes:
    """Ask for attributes; `attributes.write_attributes` writes the list."""

    attributes: RestOctets


@dataclass(frozen=True, slots=True)
class ReadAttributesResponse:
    """Give what was asked for; `attributes.read_records` reads it."""

    records: RestOctets


@dataclass(frozen=True, slots=True)
class DisplayMessage:
    """Have a text shown from `start` (ZigBee UTC seconds, 0: now) for `minutes` (0xFFFF: until it is taken back).

    `extended` is empty, or the octet Extended Message Control. `messaging` has the bits of `control`.
    """

    message: U32
    control: U8
    start: U32
    minutes: U16
    text: Octets8
    extended: RestOctets = b""


@dataclass(frozen=True, slots=True)
class CancelMessage:
    """Take a text back."""

    message: U32
    control: U8 = 0


@dataclass(frozen=True, slots=True)
class GetLastMessage:
    """Ask for the text that is to be shown now; `more` is empty, unless the sender adds what nobody has defined."""

    more: RestOctets = b""


@dataclass(frozen=True, slots=True)
class MessageConfirmation:
    """Say that a text is shown, or what was answered to it; `messaging.read_answer` reads the `answer`."""

    message: U32
    confirmed_at: U32
    answer: RestOctets = b""


@dataclass(frozen=True, slots=True)
class TransferData:
    """Carry octets, here one GBCS message, through an open tunnel. Both sides send it."""

    tunnel: U16
    data: RestOctets


Command = (
    ImageNotify
    | QueryNextImageRequest
    | QueryNextImageResponse
    | ImageBlockRequest
    | ImagePageRequest
    | ImageBlockResponse
    | UpgradeEndRequest
    | UpgradeEndResponse
    | QuerySpecificFileRequest
    | QuerySpecificFileResponse
    | ReadAttributes
    | ReadAttributesResponse
    | DisplayMessage
    | CancelMessage
    | GetLastMessage
    | MessageConfirmation
    | TransferData
)
