"""The whole way of an image in segments: one 11.4 request for each, in whatever order, one delivery, one version."""

import itertools
from random import Random

import pytest

from hanota.app.world import World, WorldSettings
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.duis import ResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.han.link import HanModel
from hanota.model.policies import ImagePolicy, Policies
from hanota.records.ledger import verify
from hanota.records.store import schema as t
from hanota.records.store.queries import deliveries
from hanota.wan.inprocess import NetworkModel
from hanota.wire import duis
from hanota.wire.otaimage import write_image
from hanota.wire.otaimage.segments import split
from helpers.premises import NEW, NOW, OLD
from helpers.world import PPMID, SUPPLIER_1, description, image, read, request

LIMIT = Policies(image=ImagePolicy(max_octets=300))
PARTS = tuple(write_image(part) for part in split(read(image()), 300))
DAY_MS = LIMIT.deadline.requested_ms


def world(*, loss: float = 0.0, seed: int = 3) -> World:
    network = NetworkModel(loss=loss, duplication=loss)
    settings = WorldSettings(description=description(), policies=LIMIT, han=HanModel(loss=loss), network=network)
    return World(settings, now=NOW, rng=Random(seed))


def send(found: World, place: int, *devices: Eui64, now: Instant = NOW) -> ResponseCode:
    signer = found.keys.credential(SUPPLIER_1, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN)
    asked = request(*devices, image=PARTS[place], counter=place + 1)
    return found.submit(duis.sign(duis.write_request(asked), signer), "D", now).code


def states(found: World) -> list[str]:
    with found.store.reading() as connection:
        return [row.state for row in connection.execute(t.delivery.select())]


def run(found: World, now: Instant, until: list[str]) -> Instant:
    """Step from one due time to the next until the deliveries are in these states."""
    end = now + 2 * DAY_MS
    due: Instant | None = found.step(now)
    while states(found) != until:
        assert now < end, states(found)
        assert due is not None, states(found)
        now = max(due, Instant(now + 1))
        due = found.step(now)
    return now


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_segments_in_any_order_become_one_confirmed_version(order: tuple[int, ...]) -> None:
    found = world()
    assert {send(found, place).value for place in order} == {"I0"}
    run(found, NOW, ["CONFIRMED"])
    with found.store.reading() as connection:
        device = connection.execute(t.device.select().where(t.device.c.eui == PPMID.signed)).one()
        row = connection.execute(t.delivery.select()).one()
        assert (device.version, device.version_origin) == (NEW, "reported")
        assert row.offset == sum(map(len, PARTS))
        assert verify(connection)
    found.close()


def test_segments_that_come_hours_apart_over_bad_links_end_the_same() -> None:
    found = world(loss=0.2)
    now = NOW
    for place in (1, 0, 2):
        send(found, place, now=now)
        found.step(now)
        now = Instant(now + DAY_MS // 3)
    run(found, now, ["CONFIRMED"])
    found.close()


def test_with_a_segment_missing_it_expires_and_no_octet_has_travelled() -> None:
    found = world()
    for place in (0, 2):
        send(found, place)
    now = run(found, NOW, ["EXPIRED"])
    assert now == NOW + DAY_MS
    with found.store.reading() as connection:
        assert connection.execute(t.outbox.select()).first() is None
        device = connection.execute(t.device.select().where(t.device.c.eui == PPMID.signed)).one()
    assert device.version == OLD
    found.close()


def test_progress_is_counted_over_all_segments() -> None:
    found = world()
    for place in range(3):
        send(found, place)
    run(found, NOW, ["CONFIRMED"])
    with found.store.reading() as connection:
        (row,) = deliveries(connection, concern=None, limit=10)
    assert row.image_size == row.offset == sum(map(len, PARTS))
    found.close()
