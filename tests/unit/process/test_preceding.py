"""Sequences: a request that names one before it goes on once that one is done (PrecedingServiceRequestID)."""

from typing import Any

from hanota.base.ids import RequestId
from hanota.base.instant import DAY
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.policies import Policies
from hanota.records.store import schema as t
from helpers.asking import activate, answer_to, ask_inventory, handed_in, hear, prenotification, read_version, sent
from helpers.premises import DCC
from helpers.world import HUB, PPMID_2, SUPPLIER_1, SUPPLIER_2, Bench, opened, request

OPEN, FAILED, UNKNOWN, DONE = ResponseCode.E42, ResponseCode.E41, ResponseCode.E40, ResponseCode.I0


def follow(bench: Bench, named: RequestId, **more: Any) -> ResponseCode:
    """Send a request that names another as the one before it, under a counter of its own each time."""
    return bench.submit(ask_inventory(device=HUB, preceding=named, **more)).code


def test_one_that_nobody_sent_is_unknown() -> None:
    assert follow(Bench(), RequestId(SUPPLIER_1, DCC, 1)) is UNKNOWN


def test_one_that_another_user_sent_is_unknown() -> None:
    bench, first = Bench(), ask_inventory(device=HUB)
    bench.submit(first)
    assert follow(bench, first.header.request_id, sender=SUPPLIER_2) is UNKNOWN
    assert follow(bench, first.header.request_id) is DONE


def test_one_that_nobody_is_proved_to_have_sent_is_unknown() -> None:
    from helpers.world import signed

    bench, first = Bench(), ask_inventory(device=HUB)
    bench.submit(signed(first, SUPPLIER_2))
    assert follow(bench, first.header.request_id) is UNKNOWN


def test_one_that_was_refused_has_failed() -> None:
    bench, first = Bench(), request(PPMID_2)
    bench.submit(first)
    assert follow(bench, first.header.request_id) is FAILED


def test_one_that_the_dcc_answered_is_done_at_once() -> None:
    bench, first = Bench(), prenotification()
    bench.submit(first)
    assert follow(bench, first.header.request_id) is DONE


def test_a_delivery_is_open_until_it_ends() -> None:
    bench, first = Bench(), request()
    bench.submit(first)
    named = first.header.request_id
    assert follow(bench, named) is OPEN
    bench.run()
    assert follow(bench, named) is OPEN
    bench.tell("wan_failed")
    assert follow(bench, named) is DONE  # its outcome is told by alerts


def test_a_command_is_open_until_its_answer() -> None:
    bench, first = Bench(), read_version()
    bench.submit(first, "S")
    named = first.header.request_id
    (down,) = sent(bench.run())
    assert follow(bench, named) is OPEN
    hear(bench, answer_to(down.data))
    assert follow(bench, named) is DONE


def test_a_command_without_answer_has_failed() -> None:
    bench, first = Bench(), read_version()
    bench.submit(first, "S")
    bench.run().run(after_ms=Policies().command.deadline_ms)
    assert follow(bench, first.header.request_id) is FAILED


def test_a_command_in_the_users_hands_is_open_until_he_hands_in_its_answer() -> None:
    bench, first = Bench(), read_version(variant=2)
    octets = opened(bench.submit(first).octets).body.content.octets
    assert follow(bench, first.header.request_id) is OPEN
    bench.submit(handed_in(answer_to(octets)))
    assert follow(bench, first.header.request_id) is DONE


def test_of_an_activation_its_signed_pre_command_counts() -> None:
    bench = Bench()
    first, _ = activate(bench)
    named = first.header.request_id
    assert follow(bench, named) is OPEN
    (down,) = sent(bench.run())
    hear(bench, answer_to(down.data))
    assert follow(bench, named) is DONE


def test_a_request_may_not_precede_itself() -> None:
    bench, asked = Bench(), ask_inventory(device=HUB, counter=5)
    assert follow(bench, asked.header.request_id, counter=5) is UNKNOWN


def test_a_sequence_goes_on_link_by_link() -> None:
    bench = Bench()
    named = None
    for number in range(1, 5):
        asked = ask_inventory(device=HUB, counter=number, preceding=named, first_in_sequence=named is None)
        assert bench.submit(asked).code is DONE
        named = asked.header.request_id
    bench.run(after_ms=DAY)
    assert follow(bench, named) is DONE
    assert len(bench.rows(t.request)) == 5
