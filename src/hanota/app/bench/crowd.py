"""An estate in which one request makes many messages: many displays, whose other suppliers are all to be told."""

import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from hanota.app.head_end import HeadEnd
from hanota.app.pki import Party, make_pki
from hanota.app.registering import register_estate
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import CplStatus, DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage, UserRole
from hanota.callbacks.port import Callback
from hanota.edge.estate import EstateDescription, builtin_description
from hanota.edge.estate.description import (
    DeviceDescription,
    PartyDescription,
    PremisesDescription,
    ProductDescription,
)
from hanota.model.policies import Policies
from hanota.records.store import Store, open_store
from hanota.wan.inprocess import InProcessWan, NetworkModel
from hanota.wire import duis
from hanota.wire.otaimage import GbImage, write_image
from hanota.wire.otaimage.build import ImageDescription, PayloadDescription, build_image
from hanota.wire.smki import Credential

_VERSION: Final = 0x0002_012F
_IMAGE_OCTETS: Final = 1_000
_FIRST_DISPLAY: Final = 0x00DB_4000_0000_0000
_FIRST_NODE: Final = 0x00DB_5000_0000_0000
_FIRST_PARTY: Final = 0x90B3_D51F_4000_0000
_NODES_EACH: Final = 4  # hub, its gas proxy and two meters


@dataclass(frozen=True, slots=True)
class Crowd:
    """A head end to whose parties so many messages are due; `signer` is the DCC's for XML."""

    head_end: HeadEnd
    store: Store
    dcc: Eui64
    signer: Credential
    messages: int

    def sign(self, octets: bytes) -> bytes:
        """Sign a document as the DCC does."""
        return duis.sign(octets, self.signer)


def gather(
    folder: Path,
    *,
    messages: int,
    endpoints: list[str],
    callback: Callback,
    now: Instant,
    policies: Policies | None = None,
) -> Crowd:
    """Let one Supplier update so many displays, of whose homes each endpoint's party supplies the gas of its share.

    The head end makes the messages from a signed request: each tells a party that somebody updates a device.
    """
    base = builtin_description()
    home = base.premises[0]
    display = next(device for device in home.devices if device.device_type is DeviceType.PPMID)
    image = _image(display)
    parties = tuple(
        PartyDescription(
            name=f"Gas {n}", eui=Eui64(_FIRST_PARTY + n), roles=(UserRole.GAS_SUPPLIER,), callback=endpoint
        )
        for n, endpoint in enumerate(endpoints)
    )
    displays = [Eui64(_FIRST_DISPLAY + number) for number in range(messages)]
    homes = tuple(_home(home, display, n, party.eui, displays[n :: len(parties)]) for n, party in enumerate(parties))
    sender = base.parties[0]
    description = replace(base, parties=(sender, *parties), premises=homes, products=(_product(image, display),))
    rng = secrets.SystemRandom()
    keys = make_pki(dcc=base.dcc, suppliers=[Party(sender.eui, sender.name)], rng=rng, now=now)
    store = open_store(folder / "store.sqlite")
    register_estate(store, description, keys)
    signing, role = KeyUsage.DIGITAL_SIGNATURE, CertificateRole
    head_end = HeadEnd(
        store,
        keys=keys,
        dcc=base.dcc,
        wan=InProcessWan(NetworkModel(), rng).head_end,
        callback=callback,
        policies=policies or Policies(),
    )
    signer = keys.credential(sender.eui, signing, role.XML_SIGN)
    answer = head_end.accept(duis.sign(_request(description, image, displays), signer), "D", now)
    assert answer.code.accepted, answer
    head_end.step(now, alerts=False)
    return Crowd(head_end, store, base.dcc, keys.credential(base.dcc, signing, role.DSP_XML_SIGN), messages)


def _home(
    like: PremisesDescription, display: DeviceDescription, number: int, gas: Eui64, displays: list[Eui64]
) -> PremisesDescription:
    chf, gpf, esme, gsme = (Eui64(_FIRST_NODE + _NODES_EACH * number + place) for place in range(_NODES_EACH))
    meters = [device for device in like.devices if device.device_type in {DeviceType.ESME, DeviceType.GSME}]
    renamed = {old.eui: new for old, new in zip(meters, (esme, gsme), strict=True)}
    points = []
    for point in like.meter_points:
        (first, *_) = point.suppliers
        of_gas = renamed[point.device] == gsme
        suppliers = (replace(first, party=gas),) if of_gas else (first,)
        points.append(
            replace(point, mpxn=f"{point.mpxn[:-4]}{number:04}", device=renamed[point.device], suppliers=suppliers)
        )
    return replace(
        like,
        name=f"Home {number}",
        uprn=like.uprn + number,
        hub=replace(like.hub, chf=chf, gpf=gpf),
        meter_points=tuple(points),
        devices=(
            *(replace(meter, eui=renamed[meter.eui]) for meter in meters),
            *(replace(display, eui=eui) for eui in displays),
        ),
    )


def _image(display: DeviceDescription) -> GbImage:
    return build_image(
        ImageDescription(
            manufacturer=display.manufacturer,
            image_type=display.image_type,
            file_version=_VERSION,
            label="hanota measurement",
            hardware_min=display.hardware_version,
            hardware_max=display.hardware_version,
            payload=PayloadDescription(octets=_IMAGE_OCTETS, seed=1),
        )
    )


def _product(image: GbImage, display: DeviceDescription) -> ProductDescription:
    return ProductDescription(
        manufacturer=display.manufacturer,
        image_type=display.image_type,
        hardware_version=display.hardware_version,
        firmware_version=_VERSION,
        manufacturer_hash=image.manufacturer_hash,
        status=CplStatus.ACTIVE,
        predecessors=(),
    )


def _request(description: EstateDescription, image: GbImage, displays: list[Eui64]) -> bytes:
    header = duis.RequestHeader(
        request_id=RequestId(description.parties[0].eui, description.dcc, 1),
        command_variant=8,
        service_reference="11.4",
        service_reference_variant="11.4",
    )
    return duis.write_request(
        duis.FirmwareRequest(
            header=header,
            image=write_image(image),
            firmware_version=image.header.version_text,
            device_list=duis.join_devices(displays),
        )
    )
