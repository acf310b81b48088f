"""Two Suppliers of one home ask for the same devices at the same moment: exactly one gets each device (R13, R16)."""

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hanota.base.ids import RequestId
from helpers.system import (
    SUPPLIER_1,
    SUPPLIER_2,
    Answered,
    Client,
    Home,
    Service,
    ask,
    firmware,
    make_estate,
    rows,
    running,
    signed,
)

PAIRS = 100
AT_ONCE = 4  # pairs, so twice as many requests
NEW = firmware(0x0002_012F)

Posted = tuple[RequestId, Answered]


def test_of_100_racing_pairs_one_wins_each_device_and_the_other_lists_it(tmp_path: Path) -> None:
    homes = [Home(number) for number in range(1, 2 * PAIRS + 1)]
    estate = make_estate(tmp_path / "estate.toml", homes, [NEW])
    with running(Service(tmp_path / "home", estate), speed=1) as service:  # slow: no winner ends before the race does
        pairs = race(service.client(), homes)
        winners = {check_pair(pair, homes[2 * at : 2 * at + 2]) for at, pair in enumerate(pairs)}
        assert len(winners) == PAIRS
        wait_for_deliveries(service, len(homes))  # they are made behind the answers
        made = rows(service.store, "SELECT DISTINCT r.request_id FROM delivery d JOIN request r ON r.id = d.request")
        by_device = rows(service.store, "SELECT device, count(*) FROM delivery GROUP BY device")
        at_work = rows(service.store, "SELECT count(*) FROM work")
    assert {request_id for (request_id,) in made} == {str(winner) for winner in winners}
    assert by_device == sorted((home.ppmid.signed, 1) for home in homes)
    assert at_work == [(len(homes),)]


def race(client: Client, homes: Sequence[Home]) -> list[list[Posted]]:
    """Let both Suppliers ask for the PPMIDs of two homes each time, several such pairs at the same moment."""
    requests = [
        [
            ask(NEW.octets, [home.ppmid for home in homes[at : at + 2]], version=NEW.version, sender=sender)
            for sender in (SUPPLIER_1, SUPPLIER_2)
        ]
        for at in range(0, len(homes), 2)
    ]
    documents = [[(request.header.request_id, signed(request, client.keys)) for request in pair] for pair in requests]
    starting = threading.Barrier(2 * AT_ONCE)
    clients = [Client(client.url, client.keys) for _ in range(2 * AT_ONCE)]
    answers: dict[RequestId, Answered] = {}

    def post(worker: int, document: tuple[RequestId, bytes]) -> None:
        starting.wait()
        answers[document[0]] = clients[worker].post(document[1])

    order = random.Random(1)
    with ThreadPoolExecutor(2 * AT_ONCE) as workers:
        for first in range(0, PAIRS, AT_ONCE):
            together = [document for pair in documents[first : first + AT_ONCE] for document in pair]
            order.shuffle(together)
            list(workers.map(post, range(len(together)), together))
    return [[(request_id, answers[request_id]) for request_id, _ in pair] for pair in documents]


def wait_for_deliveries(service: Service, wanted: int, within_s: float = 30) -> None:
    give_up = time.monotonic() + within_s
    while rows(service.store, "SELECT count(*) FROM delivery") != [(wanted,)]:
        assert time.monotonic() < give_up, f"not {wanted} deliveries after {within_s} s"
        time.sleep(0.05)


def check_pair(pair: Sequence[Posted], homes: Sequence[Home]) -> RequestId:
    """Exactly one of the two was accepted whole, the other lists every device. Returns: the winner."""
    devices = [str(home.ppmid) for home in homes]
    (winner, won), (_, lost) = sorted(pair, key=lambda posted: posted[1].code != "I0")
    assert (won.code, won.lists) == ("I0", {})
    assert (lost.code, lost.lists) == ("E110403", {"OtherRequestInProgressList": devices})
    return winner
