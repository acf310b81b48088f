"""Meters and load-control switches through the whole system: 11.1, receipt, 11.3, the own answer, confirmed."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from hanota.app.world import World, WorldSettings
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import HOUR, MINUTE, SECOND, Instant
from hanota.base.vocabulary.duis import ResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.model.commands import CANCEL_TIME
from hanota.records.store import queries
from hanota.records.store import schema as t
from hanota.wire import duis, gbcs
from hanota.wire.otaimage import GbImage, Tail, read_image, sign_image, write_image
from hanota.wire.smki import Credential
from helpers.images import sample_esme
from helpers.premises import DCC, NOW
from helpers.world import ESME, GSME, HCALCS, SUPPLIER_1, SUPPLIER_2, description

IMAGE_TYPES = {ESME: 0x0000, GSME: 0x0001, HCALCS: 0x0090}
RESPONSIBLE = {ESME: SUPPLIER_1, GSME: SUPPLIER_2, HCALCS: SUPPLIER_1}
VERSION = 0xACDCACDC
every_device = pytest.mark.parametrize("device", IMAGE_TYPES, ids=["ESME", "GSME", "HCALCS"])


class Desk:
    """A Supplier's system and a clock over a world of homes."""

    def __init__(self) -> None:
        self.world = World(WorldSettings(description=description()), now=NOW, rng=Random(3))
        self.now = NOW
        self.counter = 100

    def run(self, ms: int) -> None:
        end = Instant(self.now + ms)
        while (due := self.world.step(self.now)) is not None and due <= end:
            self.now = Instant(max(self.now + 1, due))
        self.now = end

    def key(self, party: Eui64, role: CertificateRole) -> Credential:
        return self.world.keys.credential(party, KeyUsage.DIGITAL_SIGNATURE, role)

    def header(self, srv: str, variant: int, sender: Eui64, target: Eui64 = DCC) -> duis.RequestHeader:
        self.counter += 1
        return duis.RequestHeader(
            request_id=RequestId(sender, target, self.counter),
            command_variant=variant,
            service_reference=srv,
            service_reference_variant=srv,
        )

    def ask(self, request: duis.Request) -> duis.Response:
        header = request.header
        signer = self.key(header.request_id.originator, CertificateRole.XML_SIGN)
        octets = duis.sign(duis.write_request(request), signer)
        answer = self.world.submit(octets, duis.WEB_SERVICES[header.command_variant], self.now)
        return duis.read_response(duis.parse_safely(answer.octets))

    def image(self, device: Eui64) -> GbImage:
        sample = read_image(sample_esme(), Tail.SIGNED)
        own = replace(sample, header=replace(sample.header, image_type=IMAGE_TYPES[device]))
        return sign_image(own, self.key(RESPONSIBLE[device], CertificateRole.SUPPLIER).key)

    def distribute(self, device: Eui64) -> GbImage:
        """Send 11.1 and wait until the device holds the image."""
        image = self.image(device)
        request = duis.FirmwareRequest(
            header=self.header("11.1", 8, RESPONSIBLE[device]),
            image=write_image(image),
            firmware_version=f"{VERSION:08X}",
            device_list=str(device),
        )
        assert self.ask(request).code is ResponseCode.I0
        self.run(HOUR)
        assert self.state() == "TRANSFERRED"
        return image

    def activate(self, device: Eui64, digest: bytes, execution: Instant | None = None) -> RequestId:
        """Send 11.3: transform, sign the Pre-Command, send it."""
        supplier = RESPONSIBLE[device]
        header = self.header("11.3", 4, supplier, device)
        answer = self.ask(duis.ActivateFirmware(header=header, execution=execution, firmware_hash=digest))
        assert isinstance(answer.body, duis.ResponseMessage)
        assert isinstance(answer.body.content, duis.PreCommand)
        signed = gbcs.sign_pre_command(answer.body.content.octets, self.key(supplier, CertificateRole.SUPPLIER))
        request = duis.SignedPreCommand(header=replace(header, command_variant=5), execution=execution, gbcs=signed)
        assert self.ask(request).code is ResponseCode.I99
        return header.request_id

    def state(self) -> str:
        with self.world.store.reading() as connection:
            return str(connection.execute(t.delivery.select()).one().state)

    def told(self, party: Eui64) -> list[duis.Response]:
        with self.world.store.reading() as connection:
            rows = queries.messages(connection, party)
        return [duis.read_response(duis.parse_safely(row.octets)) for row in rows]

    def answers(self, request_id: RequestId) -> list[object]:
        """What came under a RequestID: GBCS payloads, or the code of a dated alert."""
        found: list[object] = []
        for response in self.told(request_id.originator):
            if response.request_id != request_id:
                continue
            assert isinstance(response.body, duis.ResponseMessage)
            content = response.body.content
            if isinstance(content, duis.GbcsPayload):
                found.append(gbcs.read_payload(gbcs.read_message(content.octets)))
            elif isinstance(content, duis.FutureDatedDeviceAlert):
                found.append(int(content.alert_code))
        return found


@pytest.fixture
def desk() -> Iterator[Desk]:
    found = Desk()
    yield found
    found.world.close()


DONE = gbcs.ActivationOutcome(result=gbcs.ActivateImageResponseCode.SUCCESS, file_version=VERSION)


@every_device
def test_an_image_is_distributed_commanded_activated_and_confirmed(desk: Desk, device: Eui64) -> None:
    image = desk.distribute(device)
    request = desk.activate(device, image.manufacturer_hash)
    desk.run(MINUTE)
    assert desk.answers(request) == [DONE]
    assert desk.state() == "ACTIVATED"
    desk.run(HOUR)
    assert desk.state() == "CONFIRMED"


@every_device
def test_a_dated_activation_is_accepted_done_at_its_time_and_told_then(desk: Desk, device: Eui64) -> None:
    image = desk.distribute(device)
    request = desk.activate(device, image.manufacturer_hash, Instant(desk.now + 2 * HOUR))
    desk.run(HOUR)
    assert (desk.answers(request), desk.state()) == ([gbcs.CommandAccepted()], "TRANSFERRED")
    desk.run(HOUR + 30 * SECOND)
    assert desk.answers(request) == [gbcs.CommandAccepted(), 0x8F66]
    desk.run(HOUR)
    assert desk.state() == "CONFIRMED"


def test_an_activation_that_is_called_off_does_not_happen(desk: Desk) -> None:
    image = desk.distribute(ESME)
    first = desk.activate(ESME, image.manufacturer_hash, Instant(desk.now + 2 * HOUR))
    desk.run(MINUTE)
    second = desk.activate(ESME, image.manufacturer_hash, CANCEL_TIME)
    desk.run(6 * HOUR)
    assert desk.answers(first) == desk.answers(second) == [gbcs.CommandAccepted()]
    assert desk.state() == "TRANSFERRED"
    with desk.world.store.reading() as connection:
        states = [row.state for row in connection.execute(t.command.select().order_by(t.command.c.id))]
    assert states == ["CANCELLED", "ANSWERED"]


def test_another_hash_activates_nothing_and_the_right_one_still_does(desk: Desk) -> None:
    image = desk.distribute(ESME)
    wrong = desk.activate(ESME, bytes(32))
    desk.run(MINUTE)
    (answer,) = desk.answers(wrong)
    assert isinstance(answer, gbcs.ActivationOutcome)
    assert answer.result is gbcs.ActivateImageResponseCode.HASH_MISMATCH
    assert desk.state() == "TRANSFERRED"
    desk.activate(ESME, image.manufacturer_hash)
    desk.run(HOUR)
    assert desk.state() == "CONFIRMED"


@pytest.mark.parametrize(("device", "code"), [(ESME, 0x8F72), (GSME, 0x8F72), (HCALCS, None)])
def test_a_meter_tells_its_supplier_itself_that_it_holds_the_image(desk: Desk, device: Eui64, code: int | None) -> None:
    """Of an HCALCS the hub says so (CCS08)."""
    desk.distribute(device)
    bodies = [response.body for response in desk.told(RESPONSIBLE[device])]
    alerts = [int(body.alert_code) for body in bodies if isinstance(body, duis.DeviceAlertMessage)]
    transfers = [
        body.alert
        for body in bodies
        if isinstance(body, duis.DccAlertMessage) and isinstance(body.alert, duis.CommsHubAlert)
    ]
    assert (alerts, len(transfers)) == ([code] if code else [], 0 if code else 1)
