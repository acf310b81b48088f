"""Nodes made out of an estate's description, its keys and what each node remembers."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.base.errors import BadValue, require
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.commands import Entity
from hanota.edge.devices import DeviceIdentity, GbcsCredentials, HanDevice
from hanota.edge.effects import Node
from hanota.edge.estate.description import DeviceDescription, EstateDescription, PremisesDescription
from hanota.edge.estate.factory import factory_image
from hanota.edge.hub import CommsHub, HubIdentity
from hanota.model.policies import Policies
from hanota.model.profiles import PROFILES
from hanota.wire.otaimage import write_image
from hanota.wire.smki.certificate import Certificate
from hanota.wire.smki.directory import KeyDirectory

_ACB: Final = CertificateRole.ACCESS_CONTROL_BROKER


class NodeMaker:
    """Makes the node of any address of an estate, as often as its power comes back."""

    def __init__(self, description: EstateDescription, keys: KeyDirectory, policies: Policies) -> None:
        self._keys = keys
        self._policies = policies
        self._dcc = description.dcc
        self._named = {home.name: home for home in description.premises}
        self._homes = {home.hub.chf: home for home in description.premises}
        self._devices = {device.eui: (device, home) for home in description.premises for device in home.devices}
        self._acb_signing = keys.certificate(self._dcc, KeyUsage.DIGITAL_SIGNATURE, _ACB).public_key
        self._acb_agreement = keys.certificate(self._dcc, KeyUsage.KEY_AGREEMENT, _ACB)

    def home(self, name: str) -> PremisesDescription:
        """Give a home as it is now. Raises BadValue: there is none of that name."""
        require(name in self._named, BadValue, kind="home", value=name, expected="the name of a home of this estate")
        return self._named[name]

    def describe(self, home: PremisesDescription, keys: KeyDirectory) -> None:
        """Make the nodes of a home by another description from now on; `keys` hold the credentials of all."""
        former = self._named[home.name]
        del self._homes[former.hub.chf]
        for device in former.devices:
            del self._devices[device.eui]
        self._keys = keys
        self._named[home.name] = self._homes[home.hub.chf] = home
        self._devices |= {device.eui: (device, home) for device in home.devices}

    @staticmethod
    def nodes_of(home: PremisesDescription) -> tuple[Eui64, ...]:
        """Give the addresses of a home that have a node: the hub, and every device. The GPF lives in the hub."""
        return (home.hub.chf, *(device.eui for device in home.devices))

    def make(self, address: Eui64, memory: Mapping[str, bytes], now: Instant) -> Node:
        """Make one node as its power comes: it believes the Supplier that is responsible for it `now`.

        Raises KeyMissing, CertificateMissing: the key directory lacks its credentials, or the Supplier's certificate.
        """
        home = self._homes.get(address)
        if home is not None:
            return CommsHub(self._hub_identity(home), self._policies, memory)
        device, home = self._devices[address]
        return HanDevice(self._device_identity(device, home, now), self._policies, memory)

    def _hub_identity(self, home: PremisesDescription) -> HubIdentity:
        chf = home.hub.chf
        return HubIdentity(
            chf=chf,
            acb=self._dcc,
            signing=self._keys.credential(chf, KeyUsage.DIGITAL_SIGNATURE),
            acb_signing=self._acb_signing,
            device_log={device.eui: device.device_type for device in home.devices},
            functions=(self._function(chf, DeviceType.CHF), self._function(home.hub.gpf, DeviceType.GPF)),
            firmware_version=home.hub.firmware_version,
        )

    def _function(self, address: Eui64, device_type: DeviceType) -> Entity:
        agreement = self._keys.credential(address, KeyUsage.KEY_AGREEMENT)
        return Entity(address=address, device_type=device_type, agreement=agreement, acb=self._acb_agreement)

    def _device_identity(self, device: DeviceDescription, home: PremisesDescription, now: Instant) -> DeviceIdentity:
        return DeviceIdentity(
            address=device.eui,
            hub=home.hub.chf,
            profile=PROFILES[device.device_type],
            manufacturer=device.manufacturer,
            image_type=device.image_type,
            hardware_version=device.hardware_version,
            factory_image=_factory_file(device),
            capacity_octets=device.capacity_octets,
            credentials=self._credentials(device, home, now),
            maker_key=self._maker_key(device),
        )

    def _maker_key(self, device: DeviceDescription) -> ec.EllipticCurvePublicKey | None:
        if device.maker is None:
            return None
        return self._keys.certificate(device.maker, KeyUsage.DIGITAL_SIGNATURE).public_key

    def _credentials(
        self, device: DeviceDescription, home: PremisesDescription, now: Instant
    ) -> GbcsCredentials | None:
        if not PROFILES[device.device_type].gbcs:
            return None
        return GbcsCredentials(
            signing=self._keys.credential(device.eui, KeyUsage.DIGITAL_SIGNATURE),
            agreement=self._keys.credential(device.eui, KeyUsage.KEY_AGREEMENT),
            acb=self._acb_agreement,
            supplier=self._anchor(device, home, now),
        )

    def _anchor(self, device: DeviceDescription, home: PremisesDescription, now: Instant) -> Certificate | None:
        if not PROFILES[device.device_type].supplier_signed:
            return None
        party = home.supplier_of(device, now)
        if party is None:
            return None
        return self._keys.certificate(party, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.SUPPLIER)


@lru_cache(maxsize=1024)
def _factory_file(device: DeviceDescription) -> bytes:
    return write_image(factory_image(device))
