"""The frames between head end and hub, as values. Kinds and directions stand in `tables`, signing in `signing`.

Field order is the order on the wire, big-endian. Down go orders (signed by the DCC), image chunks, GBCS messages and
acknowledgements; up come receipts and GBCS messages, each in an `Uplink` that the hub signs, and unsigned fetches.
"""

from dataclasses import dataclass
from typing import Annotated

from hanota.base.openenum import OpenIntEnum
from hanota.base.vocabulary.devices import DeviceType
from hanota.wire.layout import (
    U8,
    U16,
    U32,
    U64,
    Eui64Field,
    Octets8,
    RequestIdField,
    RestOctets,
    Time64,
    bit,
    enum8,
    fixed,
    text8,
)

_HARDWARE = bit(0)


class ReceiptStatus(OpenIntEnum):
    """What a hub says about an order."""

    ACCEPTED = 1
    HELD = 2
    TRANSFERRING = 3
    TRANSFERRED = 4
    REFUSED_NO_SLOT = 16
    REFUSED_MALFORMED = 17
    HASH_MISMATCH = 18
    HARDWARE_MISMATCH = 19
    CANCELLED = 32
    EXPIRED = 33
    DISCARDED = 34
    TRANSFER_FAILED = 35


class SeenWhy(OpenIntEnum):
    """How a hub came to see a device's version."""

    READ_FOR_DCC = 1
    ASKED_FOR_IMAGE = 2


class ConsentAnswer(OpenIntEnum):
    """What became of asking a consumer (R27)."""

    ASKED = 1
    ACCEPTED = 2
    DEFERRED = 3
    REFUSED = 4
    TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribute:
    """Order a hub to bring one image to one device. `image_hash` is the SHA-256 of the whole OTA file.

    `force_replace` is the octet of that name of a meter's image (GBCS 11.2.2), 0 for others. `parts` is empty for an
    image in one piece. Else the image goes in segments: each part is SHA-256 and size (U32) of one segment's file, in
    order, and `image_hash` and `image_octets` are those of the first.
    """

    order: U64
    device: Eui64Field
    device_type: Annotated[DeviceType, text8(DeviceType)]
    request: RequestIdField
    image_hash: Annotated[bytes, fixed(32)]
    image_octets: U32
    manufacturer: U16
    image_type: U16
    file_version: U32
    hardware_min: Annotated[U16 | None, _HARDWARE] = None
    hardware_max: Annotated[U16 | None, _HARDWARE] = None
    expires: Time64
    sent: Time64
    force_replace: U8 = 0
    parts: RestOctets = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerDistribute:
    """A Distribute as it was before meters and segments: hubs still hold such orders, and they still stand."""

    order: U64
    device: Eui64Field
    device_type: Annotated[DeviceType, text8(DeviceType)]
    request: RequestIdField
    image_hash: Annotated[bytes, fixed(32)]
    image_octets: U32
    manufacturer: U16
    image_type: U16
    file_version: U32
    hardware_min: Annotated[U16 | None, _HARDWARE] = None
    hardware_max: Annotated[U16 | None, _HARDWARE] = None
    expires: Time64
    sent: Time64


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDevice:
    """Have the hub read which version a device runs, where the device itself can't be asked by GBCS (an IHD)."""

    message: U64
    device: Eui64Field
    sent: Time64


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Take an order back."""

    order: U64
    sent: Time64


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOrder:
    """An order's octets with the DCC's signature over them. Only `signing.open_order` reads the order inside."""

    signature: Annotated[bytes, fixed(64)]
    body: RestOctets


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageChunk:
    """Octets of an image file from `offset` on; `image_octets` is the size of the whole file."""

    image_hash: Annotated[bytes, fixed(32)]
    offset: U32
    image_octets: U32
    data: RestOctets


@dataclass(frozen=True, slots=True, kw_only=True)
class GbcsDown:
    """A GBCS message for a device of the home or for the hub itself. `message` is the head end's number for it."""

    message: U64
    device: Eui64Field
    data: RestOctets


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """The head end has the uplink of that event number on disk: the hub may forget it."""

    event: U64


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """How an order stands: octets of the file that the device has, blocks served, blocks among them served again."""

    order: U64
    status: Annotated[ReceiptStatus, enum8(ReceiptStatus)]
    offset: U32
    blocks: U32
    repeats: U32


@dataclass(frozen=True, slots=True, kw_only=True)
class GbcsUp:
    """A GBCS message from the hub or from one of its devices."""

    data: RestOctets


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSeen:
    """The version that a device of the home told its hub, in an answer to `message` (0: in no answer)."""

    device: Eui64Field
    file_version: U32
    why: Annotated[SeenWhy, enum8(SeenWhy)]
    message: U64


@dataclass(frozen=True, slots=True, kw_only=True)
class StrangerSeen:
    """A node outside the device log wanted something and was refused (R25). `attempts` counts its tries so far."""

    node: Eui64Field
    attempts: U32


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven:
    """How a consumer was asked or answered about an order's image; `until` is when a deferral or refusal ends."""

    order: U64
    answer: Annotated[ConsentAnswer, enum8(ConsentAnswer)]
    until: Time64


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """Something a hub has to say, kept by it until acknowledged.

    `event` rises with each uplink of the hub. Only `signing.open_uplink` reads what is inside.
    """

    hub: Eui64Field
    event: U64
    sent: Time64
    signature: Octets8
    body: RestOctets


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Ask for at most `max_octets` of an image file from `offset` on. Not durable, not signed: asking again is safe."""

    hub: Eui64Field
    image_hash: Annotated[bytes, fixed(32)]
    offset: U32
    max_octets: U32


Order = Distribute | Cancel | ReadDevice
Report = Receipt | GbcsUp | DeviceSeen | StrangerSeen | ConsentGiven
Frame = SignedOrder | ImageChunk | GbcsDown | Acknowledge | Uplink | Fetch
