"""The system under `hub.force_replace: own`: a Supplier corrects the image that its meter is just fetching (R12)."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from hanota.app.world import World, WorldSettings
from hanota.base.ids import RequestId
from hanota.base.instant import HOUR, MINUTE, Instant
from hanota.base.vocabulary.devices import CplStatus
from hanota.base.vocabulary.duis import DeviceList, ResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.estate.description import ProductDescription
from hanota.model.policies import HubPolicy, Policies
from hanota.records.ledger import story
from hanota.records.store import schema as t
from hanota.wire import duis
from hanota.wire.otaimage import GbImage, OtaHeader, Tail, fit_header, sign_image, write_image
from helpers.premises import DCC, NOW
from helpers.world import ESME, SUPPLIER_1, description

VERSIONS = (0x0300_0000, 0x0300_0001)


def plain_image(version: int) -> GbImage:
    device = next(device for home in description().premises for device in home.devices if device.eui == ESME)
    header = OtaHeader(
        manufacturer=device.manufacturer,
        image_type=device.image_type,
        file_version=version,
        label=b"test".ljust(32),
        file_octets=0,
        hardware_min=device.hardware_version,
        hardware_max=device.hardware_version,
    )
    body = Random(version).randbytes(20_000)
    return GbImage(header=fit_header(header, len(body), Tail.NONE), manufacturer_image=body)


def certified(image: GbImage) -> ProductDescription:
    header = image.header
    assert header.hardware_min is not None
    return ProductDescription(
        manufacturer=header.manufacturer,
        image_type=header.image_type,
        hardware_version=header.hardware_min,
        firmware_version=header.file_version,
        manufacturer_hash=image.manufacturer_hash,
        status=CplStatus.ACTIVE,
        predecessors=(),
    )


class Desk:
    """A Supplier's system over a world whose list has both images."""

    def __init__(self, policy: str) -> None:
        base = description()
        products = (*base.products, *(certified(plain_image(version)) for version in VERSIONS))
        policies = Policies(hub=HubPolicy(force_replace=policy))
        settings = WorldSettings(description=replace(base, products=products), policies=policies)
        self.world = World(settings, now=NOW, rng=Random(3))
        self.now = NOW

    def run(self, ms: int, until: str | None = None, delivery: int = 1) -> None:
        end = Instant(self.now + ms)
        while (due := self.world.step(self.now)) is not None and due <= end and self.state(delivery) != until:
            self.now = Instant(max(self.now + 1, due))
        assert until is None or self.state(delivery) == until

    def send(self, place: int) -> duis.Response:
        """Send 11.1 with one of the two images; the second has ForceReplace 1."""
        header = duis.RequestHeader(
            request_id=RequestId(SUPPLIER_1, DCC, 100 + place),
            command_variant=8,
            service_reference="11.1",
            service_reference_variant="11.1",
        )
        keys, use = self.world.keys, KeyUsage.DIGITAL_SIGNATURE
        signing = keys.credential(SUPPLIER_1, use, CertificateRole.SUPPLIER).key
        request = duis.FirmwareRequest(
            header=header,
            image=write_image(sign_image(plain_image(VERSIONS[place]), signing, force_replace=place)),
            firmware_version=f"{VERSIONS[place]:08X}",
            device_list=str(ESME),
        )
        octets = duis.sign(duis.write_request(request), keys.credential(SUPPLIER_1, use, CertificateRole.XML_SIGN))
        answer = self.world.submit(octets, duis.WEB_SERVICES[header.command_variant], self.now)
        return duis.read_response(duis.parse_safely(answer.octets))

    def state(self, delivery: int) -> str | None:
        with self.world.store.reading() as connection:
            row = connection.execute(t.delivery.select().where(t.delivery.c.id == delivery)).first()
        return None if row is None else str(row.state)

    def story(self, delivery: int) -> list[str]:
        with self.world.store.reading() as connection:
            return [str(line["kind"]) for line in story(connection, delivery)]


@pytest.fixture
def own() -> Iterator[Desk]:
    desk = Desk("own")
    yield desk
    desk.world.close()


def test_the_later_image_is_delivered_instead(own: Desk) -> None:
    assert own.send(0).code is ResponseCode.I0
    own.run(HOUR, until="TRANSFERRING")
    assert own.send(1).code is ResponseCode.I0
    own.run(6 * HOUR, until="TRANSFERRED", delivery=2)
    assert own.state(1) == "DISCARDED"
    assert "displaced" in own.story(1)
    own.run(MINUTE)
    assert (own.state(1), own.state(2)) == ("DISCARDED", "TRANSFERRED")
    with own.world.store.reading() as connection:
        cancel = connection.execute(t.outbox.select().where(t.outbox.c.kind == "cancel")).one()
    assert cancel.due is None, "the hub has said that the earlier order is over"


def test_under_off_the_later_request_is_told_of_the_one_in_progress() -> None:
    desk = Desk("off")
    desk.send(0)
    desk.run(HOUR, until="TRANSFERRING")
    body = desk.send(1).body
    assert isinstance(body, duis.ResponseMessage)
    assert list(body.content.lists) == [DeviceList.OTHER_REQUEST_IN_PROGRESS]
    desk.run(6 * HOUR, until="TRANSFERRED")
    desk.world.close()
