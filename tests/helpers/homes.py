"""Homes with a head end in front of them, a clock, and the Suppliers' systems: any type from request to its end."""

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

from sqlalchemy import select

from hanota.app.desk import Desk
from hanota.app.desk.views import RequestDetail
from hanota.app.world import World, WorldSettings
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import HOUR, Instant
from hanota.base.vocabulary.devices import CplStatus, DeviceType
from hanota.base.vocabulary.duis import ResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.estate import Observed
from hanota.edge.estate.description import EstateDescription, ProductDescription
from hanota.edge.han.link import HanModel
from hanota.model.access import Caller
from hanota.model.policies import HanPolicy, Policies
from hanota.model.profiles import PROFILES
from hanota.records.ledger import verify
from hanota.records.store import queries
from hanota.records.store import schema as t
from hanota.wan.inprocess import NetworkModel
from hanota.wire import duis, gbcs
from hanota.wire.otaimage import GbImage, OtaHeader, Tail, fit_header, sign_image, write_image
from hanota.wire.smki import Credential
from helpers.premises import DCC, NEW, NOW
from helpers.world import CAD, ESME, GSME, HCALCS, IHD, PPMID, SUPPLIER_1, SUPPLIER_2, description

DEVICE = {
    DeviceType.ESME: ESME,
    DeviceType.GSME: GSME,
    DeviceType.HCALCS: HCALCS,
    DeviceType.PPMID: PPMID,
    DeviceType.IHD: IHD,
    DeviceType.CAD: CAD,
}
IMAGE_TYPE = {
    DeviceType.ESME: 0x0000,
    DeviceType.GSME: 0x0001,
    DeviceType.HCALCS: 0x0090,
    DeviceType.PPMID: 0x0084,
    DeviceType.IHD: 0x0085,
    DeviceType.CAD: 0x0086,
}
MANUFACTURER, HARDWARE = 0x121D, 0x1111
FAST = Policies(han=HanPolicy(block_octets=250, min_block_period_ms=0, wake_every_ms=60_000))


def sender_for(kind: DeviceType) -> Eui64:
    """A Responsible Supplier of the device of that type in home 1."""
    return SUPPLIER_2 if kind is DeviceType.GSME else SUPPLIER_1


def plain_image(kind: DeviceType, version: int = NEW, octets: int = 900) -> GbImage:
    """An image for the device of that type, signed by nobody."""
    header = OtaHeader(
        manufacturer=MANUFACTURER,
        image_type=IMAGE_TYPE[kind],
        file_version=version,
        label=b"test".ljust(32),
        file_octets=0,
        hardware_min=HARDWARE,
        hardware_max=HARDWARE,
    )
    content = Random(f"{kind} {version}").randbytes(octets)
    return GbImage(header=fit_header(header, len(content), Tail.NONE), manufacturer_image=content)


def certified(image: GbImage) -> ProductDescription:
    """The list's entry for an image."""
    return ProductDescription(
        manufacturer=image.header.manufacturer,
        image_type=image.header.image_type,
        hardware_version=HARDWARE,
        firmware_version=image.header.file_version,
        manufacturer_hash=image.manufacturer_hash,
        status=CplStatus.ACTIVE,
        predecessors=(),
    )


class Homes:
    """The built-in homes, and on the list an image for each type in each of `versions`."""

    def __init__(
        self,
        policies: Policies = FAST,
        *,
        versions: Iterable[int] = (NEW,),
        loss: float = 0.0,
        estate: EstateDescription | None = None,
        seed: int = 3,
    ) -> None:
        products = [certified(plain_image(kind, version)) for kind in DEVICE for version in versions]
        base = estate or description()
        settings = WorldSettings(
            description=replace(base, products=(*base.products, *products)),
            policies=policies,
            han=HanModel(loss=loss, duplication=loss),
            network=NetworkModel(loss=loss, duplication=loss),
        )
        self.world = World(settings, now=NOW, rng=Random(seed))
        self.notes: list[Observed] = []
        self.world.estate.observe(self.notes.append)
        self.now = NOW
        self._counter = 100

    def run(self, ms: int = HOUR) -> "Homes":
        """Let time pass."""
        end = Instant(self.now + ms)
        while (due := self.world.step(self.now)) is not None and due <= end:
            self.now = Instant(max(self.now + 1, due))
        self.now = end
        return self

    def key(self, party: Eui64, role: CertificateRole) -> Credential:
        return self.world.keys.credential(party, KeyUsage.DIGITAL_SIGNATURE, role)

    def ask(self, request: duis.Request) -> duis.Response:
        header = request.header
        signer = self.key(header.request_id.originator, CertificateRole.XML_SIGN)
        octets = duis.sign(duis.write_request(request), signer)
        answer = self.world.submit(octets, duis.WEB_SERVICES[header.command_variant], self.now)
        return duis.read_response(duis.parse_safely(answer.octets))

    def header(self, srv: str, variant: int, sender: Eui64, target: Eui64 = DCC) -> duis.RequestHeader:
        self._counter += 1
        return duis.RequestHeader(
            request_id=RequestId(sender, target, self._counter),
            command_variant=variant,
            service_reference=srv,
            service_reference_variant=srv,
        )

    def image(self, kind: DeviceType, version: int = NEW) -> GbImage:
        """The image, signed by its Supplier where the profile asks for it."""
        plain = plain_image(kind, version)
        if not PROFILES[kind].supplier_signed:
            return plain
        return sign_image(plain, self.key(sender_for(kind), CertificateRole.SUPPLIER).key)

    def send(self, kind: DeviceType, version: int = NEW, srv: str | None = None) -> duis.Response:
        """Ask for an update of the device of that type."""
        profile = PROFILES[kind]
        request = duis.FirmwareRequest(
            header=self.header(srv or profile.service_reference, 8, sender_for(kind)),
            image=write_image(self.image(kind, version)),
            firmware_version=f"{version:08X}",
            device_list=str(DEVICE[kind]),
        )
        return self.ask(request)

    def activate(self, kind: DeviceType, version: int = NEW) -> None:
        """Command the activation (11.3) of what a device holds."""
        supplier, device = sender_for(kind), DEVICE[kind]
        header = self.header("11.3", 4, supplier, device)
        digest = self.image(kind, version).manufacturer_hash
        answer = self.ask(duis.ActivateFirmware(header=header, execution=None, firmware_hash=digest))
        assert isinstance(answer.body, duis.ResponseMessage)
        assert isinstance(answer.body.content, duis.PreCommand)
        signed = gbcs.sign_pre_command(answer.body.content.octets, self.key(supplier, CertificateRole.SUPPLIER))
        request = duis.SignedPreCommand(header=replace(header, command_variant=5), execution=None, gbcs=signed)
        assert self.ask(request).code is ResponseCode.I99

    def rows(self, table: Any, **where: Any) -> list[Any]:
        with self.world.store.reading() as connection:
            same = [table.c[name] == value for name, value in where.items()]
            return list(connection.execute(select(table).where(*same).order_by(*table.primary_key.columns)))

    def states(self, kind: DeviceType | None = None) -> list[str]:
        """The states of the deliveries (of one device), oldest first."""
        where = {} if kind is None else {"device": DEVICE[kind].signed}
        return [row.state for row in self.rows(t.delivery, **where)]

    def device(self, kind: DeviceType) -> Any:
        (row,) = self.rows(t.device, eui=DEVICE[kind].signed)
        return row

    def events(self, kind: str) -> int:
        return sum(row.kind == kind for row in self.rows(t.event))

    def noted(self, kind: str) -> list[Observed]:
        return [note for note in self.notes if note.kind == kind]

    def mismatches(self, party: Eui64) -> list[duis.FirmwareVersionMismatch]:
        """The N49 that a party has got."""
        with self.world.store.reading() as connection:
            rows = queries.messages(connection, party)
        bodies = [duis.read_response(duis.parse_safely(row.octets)).body for row in rows]
        told = [body.alert for body in bodies if isinstance(body, duis.DccAlertMessage)]
        return [alert for alert in told if isinstance(alert, duis.FirmwareVersionMismatch)]

    def desk(self) -> Desk:
        """What people may ask."""
        return Desk(self.world.store, self.world.submit, lambda: self.now)

    def requests(self) -> list[RequestDetail]:
        """The requests with what they left out, newest first."""
        desk = self.desk()
        return [desk.request(Caller(), row.request_id, row.command_variant) for row in desk.requests(Caller())]

    def sound(self) -> bool:
        """Whether the chain of events holds."""
        with self.world.store.reading() as connection:
            return bool(verify(connection))

    def close(self) -> None:
        self.world.close()
