"""Requests that race for the same devices: one wins each device, the other is told (R13)."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from hanota.app.world import World, WorldSettings
from hanota.base.eui import Eui64
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.duis import DeviceList, ResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.estate import EstateDescription
from hanota.process.acceptance import Answer
from hanota.records.store import schema as t
from hanota.wire import duis
from helpers.premises import NOW
from helpers.world import PPMID, SUPPLIER_1, SUPPLIER_2, Bench, description, opened, request, signed

PAIRS = 100
DEVICES = [Eui64(0x00DB_0000_0000_0000 + number) for number in range(PAIRS)]


def crowd(count: int = PAIRS) -> EstateDescription:
    """Home 1 with so many PPMIDs more."""
    home = description().premises[0]
    (plain,) = (device for device in home.devices if device.eui == PPMID)
    more = tuple(replace(plain, eui=eui, device_type=DeviceType.PPMID) for eui in DEVICES[:count])
    return replace(description(), premises=(replace(home, devices=(*home.devices, *more)), *description().premises[1:]))


def race(submit: Callable[[bytes], Answer], pairs: list[tuple[bytes, bytes]]) -> list[tuple[Answer, Answer]]:
    """Let two threads send their half of each pair at the same moment, pair after pair."""
    answers: tuple[list[Answer], list[Answer]] = ([], [])
    together = threading.Barrier(2)

    def send(side: int) -> None:
        for pair in pairs:
            together.wait()
            answers[side].append(submit(pair[side]))

    threads = [threading.Thread(target=send, args=(side,)) for side in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(zip(*answers, strict=True))


def taken(answer: Answer) -> set[Eui64]:
    """The devices that an answer lists as being under another request."""
    body = opened(answer.octets).body
    assert isinstance(body, duis.ResponseMessage)
    lists = body.content.lists if body.content else {}
    assert set(lists) <= {DeviceList.OTHER_REQUEST_IN_PROGRESS}
    return {eui for text in lists.values() for eui in duis.split_devices(text)}


def both(devices: tuple[Eui64, ...], counter: int, others: tuple[Eui64, ...] | None = None) -> tuple[bytes, bytes]:
    return (
        signed(request(*devices, counter=counter, sender=SUPPLIER_1)),
        signed(request(*(others or devices), counter=counter, sender=SUPPLIER_2)),
    )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(path=tmp_path / "store.sqlite", estate=crowd())


def test_of_100_racing_pairs_each_device_has_one_winner(bench: Bench) -> None:
    pairs = [both((eui,), number) for number, eui in enumerate(DEVICES, 1)]
    for eui, answers in zip(DEVICES, race(bench.submit, pairs), strict=True):
        codes = sorted(answer.code for answer in answers)
        assert codes == [ResponseCode.E110403, ResponseCode.I0]
        (loser,) = (answer for answer in answers if answer.code is ResponseCode.E110403)
        assert taken(loser) == {eui}
    bench.run()
    rows = bench.rows(t.delivery)
    assert sorted(row.device for row in rows) == sorted(eui.signed for eui in DEVICES)
    assert len({row.device for row in bench.rows(t.work)}) == PAIRS


def test_of_requests_that_overlap_in_part_each_device_has_one_winner(bench: Bench) -> None:
    sets = [(tuple(DEVICES[at : at + 3]), tuple(DEVICES[at + 1 : at + 4])) for at in range(0, 96, 4)]
    pairs = [both(one, number, other) for number, (one, other) in enumerate(sets, 1)]
    for (one, other), (first, second) in zip(sets, race(bench.submit, pairs), strict=True):
        won, lost = set(one) - taken(first), set(other) - taken(second)
        assert won | lost == set(one) | set(other)  # never none
        assert not won & lost  # never both
        assert {won == set(one), lost == set(other)} == {True, False}  # serial: one of them saw all devices free


def test_the_same_request_sent_by_both_threads_is_one_request(bench: Bench) -> None:
    octets = [signed(request(eui, counter=number)) for number, eui in enumerate(DEVICES[:20], 1)]
    for first, second in race(bench.submit, [(document, document) for document in octets]):
        assert first == second
        assert first.code is ResponseCode.I0
    assert len(bench.rows(t.request)) == 20


def test_they_race_against_a_world_that_is_being_stepped(tmp_path: Path) -> None:
    count = 10
    world = World(WorldSettings(description=crowd(count), folder=tmp_path / "home"), now=NOW, rng=Random(1))
    stopping, now = threading.Event(), [NOW]

    def step() -> None:
        while not stopping.is_set():
            world.step(now[0])
            now[0] += 100

    stepping = threading.Thread(target=step)
    stepping.start()
    try:

        def sign_with(sender: Eui64, document: bytes) -> bytes:
            role = CertificateRole.XML_SIGN
            return duis.sign(document, world.keys.credential(sender, KeyUsage.DIGITAL_SIGNATURE, role))

        pairs = [
            (
                sign_with(SUPPLIER_1, duis.write_request(request(eui, counter=number, sender=SUPPLIER_1))),
                sign_with(SUPPLIER_2, duis.write_request(request(eui, counter=number, sender=SUPPLIER_2))),
            )
            for number, eui in enumerate(DEVICES[:count], 1)
        ]
        answers = race(lambda octets: world.submit(octets, "D", NOW), pairs)
    finally:
        stopping.set()
        stepping.join()
    assert [sorted(answer.code for answer in pair) for pair in answers] == [["E110403", "I0"]] * count
    world.step(now[0])
    with world.store.reading() as connection:
        rows = connection.execute(t.delivery.select()).all()
    assert sorted(row.device for row in rows) == sorted(eui.signed for eui in DEVICES[:count])
    world.close()
