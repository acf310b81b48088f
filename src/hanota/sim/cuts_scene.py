"""Who is there when a device's power goes: the hub, the device, its Supplier, and the image that is brought to it."""

from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from random import Random
from typing import Final

from hanota.app.pki import Party, make_pki
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import DAY, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.commands import Entity
from hanota.edge.devices import UNHEALTHY_MARK, HanDevice
from hanota.edge.estate import EstateDescription, builtin_description
from hanota.edge.estate.building import NodeMaker
from hanota.edge.estate.description import DeviceDescription, PremisesDescription
from hanota.edge.hub import HubIdentity
from hanota.model.policies import Policies
from hanota.model.profiles import PROFILES, Activation
from hanota.sim.images import plain_image, whole_file
from hanota.sim.plan import START, Firmware
from hanota.wire.gbcs.build import activate_pre_command, seal_command, sign_pre_command
from hanota.wire.otaimage import read_header
from hanota.wire.smki.certificate import Credential
from hanota.wire.smki.directory import KeyDirectory
from hanota.wire.wan import Distribute, sign_order, write_frame

_ACB: Final = CertificateRole.ACCESS_CONTROL_BROKER
_COUNTER: Final = 1000

OWED: Final[dict[DeviceType, tuple[str, ...]]] = {
    DeviceType.ESME: ("activated by command", "image verified"),
    DeviceType.GSME: ("activated by command", "image verified"),
    DeviceType.HCALCS: ("activated by command", "image transferred"),
    DeviceType.PPMID: ("activated on receipt", "image transferred"),
    DeviceType.IHD: ("image transferred",),
}
"""What Supplier and DCC are to hear, once each, of an update that goes well (domain 7.1)."""

FELL_BACK: Final = {"activated by command": "fell back by command", "activated on receipt": "fell back on receipt"}
"""What they are to hear instead of an image that fails its self-test."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """What stays the same wherever the power goes. `command` is the sealed CS06, None for a device that needs none.

    An image that is not `healthy` is good in every other way, but fails its self-test once it boots.
    """

    device_type: DeviceType
    device: Eui64
    old: bytes
    new: bytes
    healthy: bool
    hub: HubIdentity
    policies: Policies
    order: bytes
    command: bytes | None
    maker: NodeMaker

    @property
    def owed(self) -> tuple[str, ...]:
        """What is to be heard of it in the end."""
        owed = OWED[self.device_type]
        return owed if self.healthy else tuple(FELL_BACK.get(said, said) for said in owed)

    @property
    def last(self) -> bytes:
        """The image that is to run in the end."""
        return self.new if self.healthy else self.old

    @property
    def last_version(self) -> int:
        """Its File Version."""
        return read_header(self.last).file_version

    def power_on(self, memory: dict[str, bytes], now: Instant) -> HanDevice:
        """Give the device as it comes back with what it remembers."""
        node = self.maker.make(self.device, memory, now)
        assert isinstance(node, HanDevice)
        return node


def set_scene(device_type: DeviceType, image_octets: int, policies: Policies, *, healthy: bool = True) -> Scene:
    """Prepare for the device of that type in the first built-in home an image file of so many octets."""
    estate, keys = builtin_description(), _keys()
    home = estate.premises[0]
    device = next(device for device in home.devices if device.device_type is device_type)
    supplier = home.supplier_of(device, START)
    assert supplier is not None
    signer = keys.credential(supplier, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.SUPPLIER)
    firmware = _firmware(device, image_octets, signer, healthy)
    image = whole_file(firmware, signer.key, 0)
    maker = NodeMaker(estate, keys, policies)
    factory = maker.make(device.eui, {}, START)
    assert isinstance(factory, HanDevice)
    return Scene(
        device_type=device_type,
        device=device.eui,
        old=factory.banks.running,
        new=image,
        healthy=healthy,
        hub=_hub(estate, home, keys),
        policies=policies,
        order=_order(estate, keys, supplier, device, image),
        command=_command(estate, keys, signer, device, plain_image(firmware).manufacturer_hash),
        maker=maker,
    )


@cache
def _keys() -> KeyDirectory:
    estate = builtin_description()
    suppliers = [Party(party.eui, party.name) for party in estate.parties]
    rng = Random("hanota power cuts")  # noqa: S311 - a simulation, not a secret
    return make_pki(dcc=estate.dcc, suppliers=suppliers, devices=estate.nodes(), rng=rng, now=START)


def _firmware(device: DeviceDescription, image_octets: int, signer: Credential, healthy: bool) -> Firmware:
    """Give the firmware whose whole image file, with header and tail, has so many octets."""
    content_octets = len(UNHEALTHY_MARK)
    firmware = Firmware(
        name="new",
        device_type=device.device_type,
        manufacturer=device.manufacturer,
        image_type=device.image_type,
        hardware_min=device.hardware_version,
        hardware_max=device.hardware_version,
        version=device.firmware_version + 1,
        octets=content_octets,
        content_seed=image_octets,
        healthy=healthy,
    )
    around_octets = len(whole_file(firmware, signer.key, 0)) - content_octets
    return replace(firmware, octets=image_octets - around_octets)


def _hub(estate: EstateDescription, home: PremisesDescription, keys: KeyDirectory) -> HubIdentity:
    acb = keys.certificate(estate.dcc, KeyUsage.KEY_AGREEMENT, _ACB)
    functions = ((home.hub.chf, DeviceType.CHF), (home.hub.gpf, DeviceType.GPF))
    return HubIdentity(
        chf=home.hub.chf,
        acb=estate.dcc,
        signing=keys.credential(home.hub.chf, KeyUsage.DIGITAL_SIGNATURE),
        acb_signing=keys.certificate(estate.dcc, KeyUsage.DIGITAL_SIGNATURE, _ACB).public_key,
        device_log={device.eui: device.device_type for device in home.devices},
        functions=tuple(
            Entity(
                address=address,
                device_type=device_type,
                agreement=keys.credential(address, KeyUsage.KEY_AGREEMENT),
                acb=acb,
            )
            for address, device_type in functions
        ),
        firmware_version=home.hub.firmware_version,
    )


def _order(
    estate: EstateDescription, keys: KeyDirectory, supplier: Eui64, device: DeviceDescription, image: bytes
) -> bytes:
    header = read_header(image)
    order = Distribute(
        order=1,
        request=RequestId(supplier, estate.dcc, _COUNTER),
        sent=START,
        device=device.eui,
        device_type=device.device_type,
        image_hash=sha256(image).digest(),
        image_octets=len(image),
        manufacturer=header.manufacturer,
        image_type=header.image_type,
        file_version=header.file_version,
        hardware_min=header.hardware_min,
        hardware_max=header.hardware_max,
        expires=Instant(START + 60 * DAY),
    )
    return write_frame(sign_order(order, keys.credential(estate.dcc, KeyUsage.DIGITAL_SIGNATURE, _ACB).key))


def _command(
    estate: EstateDescription, keys: KeyDirectory, signer: Credential, device: DeviceDescription, image_hash: bytes
) -> bytes | None:
    """Give the CS06 as it goes to the device: signed by the Supplier, under the MAC of the ACB."""
    if PROFILES[device.device_type].activation is not Activation.SIGNED_COMMAND:
        return None
    supplier = signer.certificate.eui
    bare = activate_pre_command(
        supplier=supplier, device=device.eui, counter=_COUNTER, manufacturer_hash=image_hash, execution=None
    )
    acb = keys.credential(estate.dcc, KeyUsage.KEY_AGREEMENT, _ACB)
    own = keys.certificate(device.eui, KeyUsage.KEY_AGREEMENT)
    return seal_command(sign_pre_command(bare, signer), acb=acb, device=own)
