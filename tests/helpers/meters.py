"""A device whose images its Supplier signs (ESME, GSME, HCALCS) on the bench, and what Supplier and ACB say to it."""

from random import Random

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.devices import GbcsCredentials
from hanota.model.policies import HanPolicy, Policies
from hanota.model.profiles import PROFILES
from hanota.wire.gbcs.build import activate_pre_command, read_version_command, seal_command, sign_pre_command
from hanota.wire.gbcs.message import Message, read_message
from hanota.wire.gbcs.payload import ActivateImageResponseCode, ActivationOutcome, Payload, read_payload
from hanota.wire.otaimage import GbImage, OtaHeader, Tail, fit_header, sign_image, write_image
from hanota.wire.smki.certificate import Certificate, Credential
from hanota.wire.zcl import (
    TUNNELING_CLUSTER,
    Command,
    ImageBlockResponse,
    ImageNotify,
    OtaStatus,
    QueryNextImageResponse,
    TransferData,
    UpgradeEndResponse,
)
from hanota.wire.zcl.tunnel import Give, Put, read_tunnelled, write_tunnelled
from helpers.nodes import Bench, device_bench
from helpers.premises import ACB, CHF, DCC, ESME, NEW, OLD, SUPPLIER, keys

SUPPLIER_2 = Eui64.parse("90-B3-D5-1F-30-03-00-00")
GSME = Eui64.parse("00-DB-12-34-56-78-90-A1")
HCALCS = Eui64.parse("00-DB-12-34-56-78-90-A5")

SIGNED_TYPES = (DeviceType.ESME, DeviceType.GSME, DeviceType.HCALCS)
ADDRESS = {DeviceType.ESME: ESME, DeviceType.GSME: GSME, DeviceType.HCALCS: HCALCS}
IMAGE_TYPE = {DeviceType.ESME: 0x0000, DeviceType.GSME: 0x0001, DeviceType.HCALCS: 0x0090}
FAST = Policies(han=HanPolicy(block_octets=250, min_block_period_ms=0))
BLOCK = 250
NEVER = 0xFFFF_FFFF


def supplier_key(party: Eui64 = SUPPLIER) -> Credential:
    """What a Supplier signs images and commands with."""
    return keys().credential(party, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.SUPPLIER)


def signed_image(
    device_type: DeviceType = DeviceType.ESME,
    *,
    version: int = NEW,
    content: bytes | None = None,
    signer: Eui64 = SUPPLIER,
    force_replace: int = 0,
    **header: object,
) -> GbImage:
    """An image for one of these devices as a Supplier signs it, with some header fields changed."""
    numbers: dict[str, object] = {
        "manufacturer": 0x121D,
        "image_type": IMAGE_TYPE[device_type],
        "hardware_min": 0x1111,
        "hardware_max": 0x1211,
        "label": b"test".ljust(32),
    } | header
    plain = OtaHeader(file_version=version, file_octets=0, **numbers)
    body = content if content is not None else Random(version).randbytes(300)
    image = GbImage(header=fit_header(plain, len(body), Tail.NONE), manufacturer_image=body)
    return sign_image(image, supplier_key(signer).key, force_replace)


def anchor(party: Eui64 | None) -> Certificate | None:
    """The trust anchor of a device whose Supplier is `party`."""
    return None if party is None else supplier_key(party).certificate


def meter_bench(
    device_type: DeviceType = DeviceType.ESME,
    *,
    supplier: Eui64 | None = SUPPLIER,
    memory: dict[str, bytes] | None = None,
    **changes: object,
) -> Bench:
    """The device, up and running its factory firmware (or what `memory` says)."""
    address = ADDRESS[device_type]
    facts: dict[str, object] = {
        "address": address,
        "profile": PROFILES[device_type],
        "image_type": IMAGE_TYPE[device_type],
        "factory_image": write_image(signed_image(device_type, version=OLD)),
        "credentials": GbcsCredentials(
            signing=keys().credential(address, KeyUsage.DIGITAL_SIGNATURE),
            agreement=keys().credential(address, KeyUsage.KEY_AGREEMENT),
            acb=keys().certificate(DCC, KeyUsage.KEY_AGREEMENT, ACB),
            supplier=anchor(supplier),
        ),
    }
    device = device_bench(FAST, **(facts | changes))
    if memory is not None:
        device.memory = memory
        device.restart()
    device.wake()
    return device


def name_of(image: GbImage) -> tuple[int, int, int]:
    """The numbers that name an image on the HAN."""
    header = image.header
    return header.manufacturer, header.image_type, header.file_version


def offer(device: Bench, image: GbImage) -> None:
    """Let the hub tell the device of an image."""
    device.hear(ImageNotify(100, *name_of(image)), CHF)
    device.hear(QueryNextImageResponse(OtaStatus.SUCCESS, *name_of(image), image.header.file_octets), CHF)


def serve(device: Bench, image: GbImage, start: int = 0, end: int | None = None, *, octets: bytes = b"") -> None:
    """Give the device the blocks of an image (or, under its name, other octets) between two offsets."""
    served = octets or write_image(image)
    end = len(served) if end is None else end
    for offset in range(start, end, BLOCK):
        block = served[offset : min(offset + BLOCK, end)]
        device.hear(ImageBlockResponse(OtaStatus.SUCCESS, *name_of(image), offset, block), CHF)


def fetch(device: Bench, image: GbImage, *, octets: bytes = b"") -> list[Command]:
    """Let the device fetch an image whole (or, under its name, other octets); give what it says of it then."""
    offer(device, image)
    serve(device, image, octets=octets)
    return device.said


def holding(device: Bench, image: GbImage) -> Bench:
    """The device once it holds the image, and the hub has told it to wait and has taken what it had to say."""
    fetch(device, image)
    confirm(device)
    device.hear(UpgradeEndResponse(*name_of(image), current_time=0, upgrade_time=NEVER), CHF)
    return device


def activate(
    image_hash: bytes,
    counter: int = 1000,
    *,
    execution: Instant | None = None,
    device: Eui64 = ESME,
    supplier: Eui64 = SUPPLIER,
) -> bytes:
    """A CS06 command as it reaches the device: signed by the Supplier, under the MAC of the ACB."""
    bare = activate_pre_command(
        supplier=supplier, device=device, counter=counter, manufacturer_hash=image_hash, execution=execution
    )
    return sealed(sign_pre_command(bare, supplier_key(supplier)), device)


def sealed(signed: bytes, device: Eui64 = ESME) -> bytes:
    """A signed pre-command with the ACB's MAC."""
    acb = keys().credential(DCC, KeyUsage.KEY_AGREEMENT, ACB)
    return seal_command(signed, acb=acb, device=keys().certificate(device, KeyUsage.KEY_AGREEMENT))


def ask_version(device_type: DeviceType, address: Eui64, counter: int = 100) -> bytes:
    """A version read of the ACB on behalf of the Supplier."""
    return read_version_command(
        device_type=device_type,
        acb=keys().credential(DCC, KeyUsage.KEY_AGREEMENT, ACB),
        device=keys().certificate(address, KeyUsage.KEY_AGREEMENT),
        counter=counter,
        user=SUPPLIER,
        user_counter=7,
    )


def tell(device: Bench, data: bytes, sequence: int = 5) -> list[bytes]:
    """Let a GBCS message arrive; give the messages that the device answers with."""
    device.hear(TransferData(0, for_device(device, data)), CHF, sequence=sequence, cluster=TUNNELING_CLUSTER)
    return spoken(device)


def for_device(device: Bench, data: bytes) -> bytes:
    """A message as the hub gives it to a device that sleeps, or bare."""
    return write_tunnelled(Give(0, data)) if device.node._identity.profile.sleepy else data


def from_device(device: Bench, data: bytes) -> bytes:
    """The message in what a device sent through the tunnel; empty for its asking for one."""
    if not device.node._identity.profile.sleepy:
        return data
    said = read_tunnelled(data)
    return said.message if isinstance(said, Put) else b""


def spoken(device: Bench) -> list[bytes]:
    """The GBCS messages that the device sent in its last turn."""
    said = [from_device(device, command.data) for command in device.said if isinstance(command, TransferData)]
    return [message for message in said if message]


def read(octets: bytes) -> tuple[Message, Payload | None]:
    """A message and what it carries."""
    message = read_message(octets)
    return message, read_payload(message)


def payloads(octets: list[bytes]) -> list[object]:
    """What each of some messages carries."""
    return [read(one)[1] for one in octets]


def outcome(result: ActivateImageResponseCode, version: int) -> ActivationOutcome:
    """How an activation ended, and the version that runs."""
    return ActivationOutcome(result=result, file_version=version)


def no_image(device: Bench) -> None:
    """The hub answers the query that follows each boot: there is nothing."""
    device.hear(QueryNextImageResponse(OtaStatus.NO_IMAGE_AVAILABLE), CHF)


def confirm(device: Bench) -> None:
    """The hub has taken what the device said last."""
    pairs = zip(device.sequences, device.said, strict=True)
    for sequence in [sequence for sequence, said in pairs if isinstance(said, TransferData)]:
        device.hear(TransferData(0, b""), CHF, sequence=sequence, cluster=TUNNELING_CLUSTER)


def running_version(device: Bench) -> int:
    """The version that boots."""
    return int(device.node.banks.version)
