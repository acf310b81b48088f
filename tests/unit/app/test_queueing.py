"""Which message goes next to a party: in order for each device, side by side for different ones."""

from random import Random

import pytest

from hanota.app.queueing import PARTY_FLIGHTS_MAX, PartyQueue
from hanota.base.eui import Eui64
from hanota.records.store.outgoing import DueMessage
from helpers.world import SUPPLIER_1


def message(number: int, device: int | None = None, *, listed: bool = False) -> DueMessage:
    return DueMessage(
        id=number,
        party=SUPPLIER_1,
        endpoint="http://party.example/",
        device=None if device is None else Eui64(device),
        kind="Response",
        listed=listed,
        response_id=None,
        document=b"",
        facts=None,
        schema_version=None,
        delivery=None,
        tries=0,
    )


def queue(*messages: DueMessage, pace: int = PARTY_FLIGHTS_MAX) -> PartyQueue:
    """A queue whose party has taken enough to be given `pace` at once."""
    found = PartyQueue()
    taken = 0
    while 2**taken < pace:
        taken += 1
        found.taken(message(-taken))
    found.add(messages)
    return found


def all_that_go(found: PartyQueue) -> list[int]:
    going = []
    while (next_one := found.take()) is not None:
        going.append(next_one.id)
    return going


def test_a_new_party_gets_one_and_each_one_taken_doubles_that_up_to_a_limit() -> None:
    found = PartyQueue()
    found.add(message(number, number) for number in range(1, 100))
    sizes = []
    for _ in range(5):
        all_that_go(found)
        sizes.append(len(found.flying))
        found.taken(next(iter(found.flying.values())))
    assert sizes == [1, 2, 4, 8, 8]


def test_a_party_that_is_silent_gets_one_again_and_what_waited_is_dropped() -> None:
    found = queue(*[message(number, number) for number in range(1, 20)])
    going = all_that_go(found)
    found.silent(found.flying[going[0]])
    assert (found.waiting, found.take()) == (0, None)
    for number in going[1:]:
        found.refused(found.flying[number])
    found.add([message(30, 30), message(31, 31)])
    assert all_that_go(found) == [30]


def test_messages_about_one_device_go_one_after_the_other_and_others_pass() -> None:
    found = queue(message(1, 7), message(2, 7), message(3, 8), message(4), message(5), message(6, 7))
    assert all_that_go(found) == [1, 3, 4]
    found.taken(found.flying[1])
    assert all_that_go(found) == [2]
    found.refused(found.flying[2])  # one that is refused lets the next pass
    assert all_that_go(found) == [6]


def test_the_numbers_give_the_order_however_they_came() -> None:
    found = queue(message(5, 7))
    found.add([message(2, 7)])
    found.add([message(2, 7), message(3, 7)])
    assert all_that_go(found) == [2]
    found.add([message(2, 7)])  # it is under way
    assert found.waiting == 2


def test_a_message_with_a_list_goes_alone_after_all_before_and_before_all_behind() -> None:
    found = queue(message(1, 7), message(2, 8, listed=True), message(3, 9), message(4, 10, listed=True))
    assert all_that_go(found) == [1]
    found.taken(found.flying[1])
    assert all_that_go(found) == [2]
    found.taken(found.flying[2])
    assert all_that_go(found) == [3]
    found.taken(found.flying[3])
    assert all_that_go(found) == [4]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_comes_everything_goes_once_and_in_order_of_its_device(seed: int) -> None:
    rng = Random(seed)
    messages = [message(number, rng.choice([None, 1, 2, 3]), listed=rng.random() < 0.1) for number in range(200)]
    found, ended = queue(*messages, pace=rng.choice([1, 2, 8])), []
    while found.waiting or found.flying:
        all_that_go(found)
        assert 0 < len(found.flying) <= PARTY_FLIGHTS_MAX
        assert len({each.device for each in found.flying.values()}) == len(found.flying)
        one = rng.choice(list(found.flying.values()))
        rng.choice([found.taken, found.refused])(one)
        ended.append(one)
    assert len(ended) == len({each.id for each in ended}) == 200
    for device in {each.device for each in messages}:
        of_device = [each.id for each in ended if each.device == device or each.listed]
        assert of_device == sorted(of_device)
