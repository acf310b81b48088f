"""What the operator looks after: a party sees its own of it and decides nothing; the operator decides once."""

from collections.abc import Callable
from typing import Any

import pytest

from hanota.app.desk import Acts, Desk, NotAllowed, NotHeld
from hanota.base.ids import RequestId
from hanota.base.instant import iso
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.access import Caller
from hanota.model.policies import AlertPolicy, AnomalyPolicy, Policies
from hanota.records.store import schema as t
from hanota.records.store.outcomes import mark_refused
from hanota.wire import duis
from helpers.premises import DCC, NOW
from helpers.world import ESME, LANE, PPMID, STRANGER, SUPPLIER_1, SUPPLIER_2, Bench, request

pytestmark = pytest.mark.usefixtures("each_store")

OPERATOR, SENDER, OTHER, NOBODY = Caller(), Caller(SUPPLIER_1), Caller(SUPPLIER_2), Caller(STRANGER)
PARTIES = [SENDER, OTHER, NOBODY]
NONE_A_DAY = Policies(anomaly=AnomalyPolicy.model_validate({"limits": "11.4=0/24h"}))


def desk_of(bench: Bench) -> Desk:
    acts = Acts(release=bench.pipeline.release, drop=bench.pipeline.drop, lane=LANE)
    return Desk(bench.store, bench.pipeline.accept, lambda: bench.now, acts)


# --- quarantine --------------------------------------------------------------------------------------------------


@pytest.fixture
def holding() -> Bench:
    """A request beyond the limit."""
    bench = Bench(policies=NONE_A_DAY)
    bench.submit(request(counter=1))
    return bench


def test_a_request_that_is_held_is_seen_by_its_sender_and_the_operator(holding: Bench) -> None:
    desk = desk_of(holding)
    (view,) = desk.quarantined(OPERATOR)
    assert desk.quarantined(SENDER) == [view]
    assert desk.quarantined(OTHER) == desk.quarantined(NOBODY) == []
    assert (view.number, view.request_id, view.service_reference) == (1, str(RequestId(SUPPLIER_1, DCC, 1)), "11.4")
    assert (view.party, view.party_name, view.state) == (str(SUPPLIER_1), "Supplier 1", "held")
    assert (view.since, view.decided_at) == (iso(NOW), None)


def test_the_overview_counts_what_waits_for_the_operator(holding: Bench) -> None:
    desk = desk_of(holding)
    assert [desk.overview(caller).held for caller in (OPERATOR, SENDER, OTHER)] == [1, 1, 0]
    desk.drop(OPERATOR, 1)
    assert desk.overview(OPERATOR).held == 0


@pytest.mark.parametrize(("act", "state", "deliveries"), [("release", "released", 1), ("drop", "dropped", 0)])
def test_what_the_operator_decides_is_done_and_stays(holding: Bench, act: str, state: str, deliveries: int) -> None:
    desk = desk_of(holding)
    getattr(desk, act)(OPERATOR, 1)
    holding.run()
    (view,) = desk.quarantined(OPERATOR)
    assert (view.state, view.decided_at) == (state, iso(NOW))
    assert len(desk.deliveries(OPERATOR)) == deliveries
    for again in (desk.release, desk.drop):
        with pytest.raises(NotHeld):
            again(OPERATOR, 1)


@pytest.mark.parametrize("caller", PARTIES)
def test_a_party_decides_nothing(holding: Bench, caller: Caller) -> None:
    desk = desk_of(holding)
    for act in (desk.release, desk.drop):
        with pytest.raises(NotAllowed):
            act(caller, 1)
    assert desk.quarantined(OPERATOR)[0].state == "held"


def test_what_is_not_held_can_not_be_decided() -> None:
    bench = Bench()
    bench.submit(request(counter=1))
    for desk in (desk_of(bench), Desk(bench.store, bench.pipeline.accept, lambda: bench.now)):
        for act in (desk.release, desk.drop):
            with pytest.raises(NotHeld):
                act(OPERATOR, 1)


# --- dead letters ------------------------------------------------------------------------------------------------


@pytest.fixture
def undelivered() -> Bench:
    """A delivery whose alerts to two parties were given up."""
    bench = Bench()
    bench.deliver()
    bench.tell("image_held")
    assert {row.party for row in bench.rows(t.message)} == {SUPPLIER_1.signed, SUPPLIER_2.signed}
    bench.change(t.message, {"dead_at": bench.now, "due": None, "tries": 20, "last_error": "HTTP 503"})
    return bench


def test_messages_that_were_given_up_are_seen_by_their_party_and_the_operator(undelivered: Bench) -> None:
    desk = desk_of(undelivered)
    everything = desk.dead_letters(OPERATOR)
    assert {view.party for view in everything} == {str(SUPPLIER_1), str(SUPPLIER_2)}
    for caller in PARTIES:
        assert desk.dead_letters(caller) == [view for view in everything if view.party == str(caller.party)]
    assert desk.dead_letters(NOBODY) == []
    (view,) = desk.dead_letters(SENDER)
    assert (view.kind, view.device, view.devices) == ("DeliveredToHub", str(PPMID), 1)
    assert (view.tries, view.error, view.given_up_at) == (20, "HTTP 503", iso(undelivered.now))
    assert desk.overview(OPERATOR).dead_letters == len(everything)


def test_only_the_operator_has_them_tried_anew(undelivered: Bench) -> None:
    desk = desk_of(undelivered)
    numbers = [view.message for view in desk.dead_letters(OPERATOR)]
    for caller in PARTIES:
        with pytest.raises(NotAllowed):
            desk.replay(caller, numbers)
    assert desk.replay(OPERATOR, [*numbers, 10_000]).messages == len(numbers)
    assert desk.dead_letters(OPERATOR) == []
    assert {(row.due, row.tries, row.dead_at) for row in undelivered.rows(t.message)} == {(undelivered.now, 0, None)}
    assert desk.replay(OPERATOR, numbers).messages == 0


def test_a_delivery_tells_of_its_alert_that_was_given_up_and_replayed() -> None:
    bench = Bench()
    bench.deliver()
    bench.tell("image_held")
    numbers = [row.id for row in bench.rows(t.message)]
    with bench.store.writing() as connection:
        mark_refused(connection, LANE, [(each, "HTTP 503") for each in numbers], bench.now, AlertPolicy(tries_max=1))
    desk = desk_of(bench)
    desk.replay(OPERATOR, numbers)
    told = {line.kind: line for line in desk.delivery(SENDER, 1).timeline}
    assert told["message_dead"].facts["error"] == "HTTP 503"
    assert told["message_replayed"].text == "an alert that was given up is tried anew"


# --- commands ----------------------------------------------------------------------------------------------------


def test_commands_are_seen_by_their_user_and_the_operator() -> None:
    bench = Bench()
    header = duis.RequestHeader(
        request_id=RequestId(SUPPLIER_1, ESME, 7),
        command_variant=1,
        service_reference="11.2",
        service_reference_variant="11.2",
    )
    assert bench.submit(duis.ReadFirmwareVersion(header=header), "S").code is ResponseCode.I99
    bench.run()
    desk = desk_of(bench)
    (view,) = desk.commands(OPERATOR)
    assert desk.commands(SENDER) == [view]
    assert desk.commands(OTHER) == desk.commands(NOBODY) == []
    assert (view.request_id, view.command_variant, view.service_reference) == (str(header.request_id), 1, "11.2")
    assert (view.device, view.party, view.party_name) == (str(ESME), str(SUPPLIER_1), "Supplier 1")
    assert (view.state, view.ended, view.execute_at) == ("SENT", False, None)
    assert view.deadline is not None
    bench.change(t.command, {"state": "ANSWERED"})
    (answered,) = desk.commands(OPERATOR)
    assert (answered.ended, answered.deadline) == (True, None)


@pytest.mark.parametrize("ask", ["commands", "quarantined", "dead_letters"])
def test_lists_have_a_limit(ask: str, holding: Bench) -> None:
    found: Callable[..., list[Any]] = getattr(desk_of(holding), ask)
    assert found(OPERATOR, limit=0) == []


def test_a_device_that_is_only_announced_is_seen_by_the_operator() -> None:
    bench = Bench()
    announced = duis.DevicePrenotification(
        header=duis.RequestHeader(
            request_id=RequestId(SUPPLIER_1, DCC, 8),
            command_variant=8,
            service_reference="12.2",
            service_reference_variant="12.2",
        ),
        device=STRANGER,
        manufacturer="121D",
        model="00841111",
        device_type=DeviceType.PPMID,
        smets_chts_version="SMETS V5.1",
        firmware_version="00010000",
    )
    before = {home.home for home in desk_of(bench).homes(OPERATOR)}
    answer = bench.submit(announced)
    assert answer.code is ResponseCode.I0, answer
    view = desk_of(bench).device(OPERATOR, str(STRANGER))
    assert (view.home, view.region, view.status, view.manufacturer, view.model) == (
        None,
        None,
        "Pending",
        "121D",
        "00841111",
    )
    assert {home.home for home in desk_of(bench).homes(OPERATOR)} == before
