"""A home changes while an update is under way: what becomes of deliveries and commands, who is told, what is sent."""

from typing import Any

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, HOUR, MINUTE, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.alerts import AlertKind
from hanota.model.delivery import DELIVERY, ENDS, OF_THE_REGISTRY, State
from hanota.model.policies import ConsentPolicy, Policies
from hanota.process.activate import Activate
from hanota.process.deliver import Deliver
from hanota.process.intake.frames import _RECEIPT_EVENTS
from hanota.process.intake.gbcs import _OUTCOME_EVENTS, _TRANSFER_EVENTS
from hanota.process.report import Report
from hanota.records.store import schema as t
from hanota.records.store.outbox import unsent
from hanota.wire.otaimage import Tail, read_image
from helpers.asking import activate, command, kinds, read_version, sent, told
from helpers.premises import NEW, NOW, OLD
from helpers.world import ESME, HUB, PPMID, STRANGER, SUPPLIER_1, SUPPLIER_2, Bench, batch, ctx, request
from unit.process.refusals_firmware import certify_esme, esme_file, esme_request
from unit.records.test_changes import NEW_CHF, NEW_ESME, NEW_PPMID, device, hub, row_like, supplier

_K = AlertKind
ON_THE_WAY = ["ON_WAN", "HELD", "TRANSFERRING"]
HELD_BY_DEVICE = ["ACTIVATING", "ACTIVATED"]
STEPS = ("image_held", "transfer_progressed", "transferred", "activation_succeeded")
ESME_HASH = read_image(esme_file(), Tail.SIGNED).manufacturer_hash


def ppmid_at(state: str) -> Bench:
    """A delivery of Supplier 1 to the PPMID of home 1 as far as this state."""
    bench = Bench()
    if state == "REQUESTED":
        bench.submit(request())
        bench.pipeline._materialise(bench.now)
        return bench
    bench.deliver()
    for event in STEPS:
        if bench.state() == state:
            break
        own = event == "activation_succeeded"
        bench.tell(event, None if own else 1, version=NEW if own else None)
    assert bench.state() == state
    return bench


def esme_at(state: str) -> Bench:
    """The same with the ESME."""
    bench = Bench()
    certify_esme(bench)
    assert bench.submit(esme_request()).code.accepted
    bench.run()
    for event in STEPS[:3]:
        if bench.state() == state:
            break
        own: dict[str, Any] = {"device": ESME, "image_hash": ESME_HASH} if event == "transferred" else {}
        bench.tell(event, None if own else 1, **own)
    assert bench.state() == state
    return bench


def orders(bench: Bench) -> list[tuple[str, Eui64]]:
    """What is to leave now, and to which hub."""
    with bench.store.reading() as connection:
        return [(sending.kind, sending.hub) for sending in unsent(connection, bench.now)]


def told_of(bench: Bench, kind: AlertKind) -> list[Eui64]:
    return [Eui64.from_signed(row.party) for row in bench.rows(t.message, kind=kind.value)]


# --- change of Supplier ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["HELD", "TRANSFERRING", *HELD_BY_DEVICE])
@pytest.mark.parametrize("since", [NOW - DAY, NOW, NOW + MINUTE])
def test_a_ppmids_update_goes_on_and_the_new_supplier_is_told_once_when_his_time_comes(state: str, since: int) -> None:
    bench = ppmid_at(state)
    supplier(bench, since=since)
    if since > NOW:
        assert told_of(bench.run(), _K.UPGRADE_REQUESTED) == [SUPPLIER_2]
        bench.run(after_ms=MINUTE)
    for _ in range(3):
        bench.run()
        assert (bench.state(), told_of(bench, _K.UPGRADE_REQUESTED)) == (state, [SUPPLIER_2, STRANGER])
    if state == "HELD":
        bench.tell("transfer_progressed")
    assert told_of(bench, _K.UPGRADE_REQUESTED) == [SUPPLIER_2, STRANGER]


def test_a_report_that_comes_before_that_instant_does_not_make_it_forgotten() -> None:
    bench = ppmid_at("HELD")
    supplier(bench, since=NOW + HOUR)
    bench.tell("transfer_progressed")
    assert told_of(bench.run(after_ms=HOUR), _K.UPGRADE_REQUESTED) == [SUPPLIER_2, STRANGER]


def test_the_new_supplier_hears_the_verdict_and_before_it_what_it_is_about() -> None:
    bench = ppmid_at("ACTIVATED")
    supplier(bench, since=NOW + HOUR)
    bench.now = Instant(NOW + HOUR)
    bench.tell("version_read", None, version=NEW, result=0)
    assert bench.state() == "CONFIRMED"
    his = [row.kind for row in bench.rows(t.message, party=STRANGER.signed)]
    assert his == [_K.UPGRADE_REQUESTED, _K.CONFIRMED]


@pytest.mark.parametrize("state", ["REQUESTED", "ON_WAN"])
@pytest.mark.parametrize("accepted", [True, False])
def test_a_ppmids_update_that_no_hub_holds_is_lost(state: str, accepted: bool) -> None:
    bench = ppmid_at(state)
    if accepted and state == "ON_WAN":
        bench.tell("order_accepted")
    supplier(bench, since=NOW + MINUTE)
    if state == "REQUESTED":
        bench.now = Instant(NOW + MINUTE)
    assert bench.run().state() in ("ON_WAN", "RESPONSIBILITY_LOST")
    bench.run(after_ms=MINUTE)
    assert bench.state() == "RESPONSIBILITY_LOST"
    assert told_of(bench, _K.GIVEN_UP) == [SUPPLIER_1]
    assert bench.sends().count("cancel") == (state == "ON_WAN")


@pytest.mark.parametrize("state", [*ON_THE_WAY, "TRANSFERRED"])
def test_a_meters_update_is_lost_wherever_it_is(state: str) -> None:
    bench = esme_at(state)
    supplier(bench, since=NOW + MINUTE)
    assert bench.run().state() == state
    bench.run(after_ms=MINUTE)
    assert (bench.state(), bench.sends()[-1]) == ("RESPONSIBILITY_LOST", "cancel")
    assert told_of(bench, _K.UPGRADE_REQUESTED) == []


def test_a_sender_who_stays_responsible_goes_on_and_the_other_one_is_told() -> None:
    bench = ppmid_at("ON_WAN")
    supplier(bench, mpxn="9876543211")  # the gas meter's, whose Supplier is not the sender
    bench.run()
    assert (bench.state(), told_of(bench, _K.UPGRADE_REQUESTED)) == ("ON_WAN", [SUPPLIER_2, STRANGER])


# --- a device leaves ---------------------------------------------------------------------------------------------

GONE = {
    "REQUESTED": (_K.GIVEN_UP, False),
    "ON_WAN": (_K.GIVEN_UP, True),
    "HELD": (_K.GIVEN_UP, True),
    "TRANSFERRING": (_K.GIVEN_UP, True),
    "ACTIVATING": (_K.NO_REPORT, False),
    "ACTIVATED": (_K.NO_REPORT, False),
}
"""What is told when the device goes in a state, and whether the hub is to drop its order."""


@pytest.mark.parametrize("state", GONE)
def test_the_update_of_a_device_that_left_ends_and_its_parties_are_told(state: str) -> None:
    bench = ppmid_at(state)
    device(bench)
    kind, cancels = GONE[state]
    assert bench.run().state() == "DEVICE_GONE"
    assert told_of(bench, kind) == ([SUPPLIER_1, SUPPLIER_2] if kind is _K.NO_REPORT else [SUPPLIER_1])
    assert bench.sends().count("cancel") == cancels
    assert (bench.rows(t.work), bench.row(t.delivery).deadline) == ([], None)
    assert bench.story()[-3:].count("device_gone") == 1


@pytest.mark.parametrize("state", [*ON_THE_WAY, "TRANSFERRED"])
def test_so_does_that_of_a_meter(state: str) -> None:
    bench = esme_at(state)
    device(bench, ESME, row_like(ESME, NEW_ESME))
    assert (bench.run().state(), bench.sends()[-1]) == ("DEVICE_GONE", "cancel")
    assert told_of(bench, _K.GIVEN_UP) == [SUPPLIER_1]


def test_an_update_that_is_accepted_but_not_begun_ends_as_well() -> None:
    bench = Bench()
    bench.submit(request())
    device(bench)
    assert bench.run().state() == "DEVICE_GONE"


def test_the_new_device_may_be_updated_at_once() -> None:
    bench = ppmid_at("TRANSFERRING")
    device(bench)
    assert bench.submit(request(NEW_PPMID, counter=2)).code is ResponseCode.I0
    assert bench.run().state(2) == "ON_WAN"


@pytest.mark.parametrize("state", [*ON_THE_WAY, *HELD_BY_DEVICE])
def test_what_the_old_device_still_says_changes_nothing(state: str) -> None:
    bench = ppmid_at(state)
    device(bench)
    bench.run()
    bench.tell("activation_succeeded", None, version=NEW)
    assert bench.state() == "DEVICE_GONE"


@pytest.mark.parametrize(("target", "code"), [(PPMID, ResponseCode.E30), (ESME, ResponseCode.E20)])
def test_a_command_to_it_ends_with_its_reason(target: Eui64, code: ResponseCode) -> None:
    bench = Bench()
    assert bench.submit(read_version(target), "S").code is ResponseCode.I99
    bench.run()
    device(bench, target, row_like(target, NEW_PPMID))
    assert sent(bench.run()) == []
    assert (command(bench).state, command(bench).due) == ("UNANSWERED", None)
    assert [document.code for document in told(bench)] == [code]
    assert "command_device_gone" in [row.kind for row in bench.rows(t.event)]


def test_a_command_that_has_not_left_does_not_leave_any_more() -> None:
    bench = Bench()
    activate(bench)
    device(bench, ESME, row_like(ESME, NEW_ESME))
    assert sent(bench.run()) == []
    assert (command(bench).state, kinds(bench)) == ("UNANSWERED", ["Response"])


# --- the hub is swapped ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ON_THE_WAY)
def test_an_update_on_its_way_is_ordered_again_of_the_new_hub(state: str) -> None:
    bench = ppmid_at(state)
    hub(bench)
    bench.run()
    row = bench.row(t.delivery)
    assert (row.state, row.hub) == ("ON_WAN", NEW_CHF.signed)
    assert orders(bench) == [("distribute", NEW_CHF)]
    assert bench.story()[-2:] == ["hub_swapped", "released"]
    assert [row.kind for row in bench.rows(t.message)].count(_K.GIVEN_UP) == 0


@pytest.mark.parametrize("state", [*ON_THE_WAY, "TRANSFERRED"])
def test_a_meters_update_does_the_same_until_the_meter_holds_the_image(state: str) -> None:
    bench = esme_at(state)
    hub(bench)
    bench.run()
    wanted = "TRANSFERRED" if state == "TRANSFERRED" else "ON_WAN"
    assert (bench.state(), bench.row(t.delivery).hub) == (wanted, NEW_CHF.signed)


@pytest.mark.parametrize("state", HELD_BY_DEVICE)
def test_what_the_device_holds_goes_on_and_is_read_by_the_new_hub(state: str) -> None:
    bench = ppmid_at(state)
    hub(bench)
    assert bench.run().state() == state
    bench.run(after_ms=DAY - HOUR)
    assert ("read_version", NEW_CHF) in orders(bench)
    if state == "ACTIVATING":
        bench.tell("activation_succeeded", None, version=NEW)
    bench.run(after_ms=HOUR)
    bench.tell("version_read", None, version=NEW, result=0)
    assert bench.state() == "CONFIRMED"


def test_an_update_that_waits_for_the_consumer_is_ordered_of_the_new_hub_which_asks_anew() -> None:
    for asked in (True, False):
        bench = Bench(Policies(consent=ConsentPolicy(mode="may_refuse")))
        bench.deliver()
        for event in STEPS[:3]:
            bench.tell(event)
        if asked:
            bench.tell("consent_asked")
        assert bench.state() == ("CONSENT" if asked else "TRANSFERRED")
        hub(bench)
        assert bench.run().state() == "ON_WAN"
        assert orders(bench) == [("distribute", NEW_CHF)]


def test_an_update_not_yet_released_goes_to_the_new_hub() -> None:
    bench = ppmid_at("REQUESTED")
    hub(bench)
    assert bench.run().state() == "ON_WAN"
    assert orders(bench) == [("distribute", NEW_CHF)]


@pytest.mark.parametrize("event", sorted(_RECEIPT_EVENTS.values()) + sorted(_TRANSFER_EVENTS.values()))
def test_what_the_old_hub_still_says_has_no_standing(event: str) -> None:
    bench = ppmid_at("TRANSFERRING")
    hub(bench)
    bench.run()
    before = bench.row(t.delivery)
    bench.tell(event, reporter=HUB)
    assert bench.row(t.delivery) == before


@pytest.mark.parametrize(
    ("event", "state"), [("activation_succeeded", "ACTIVATED"), ("activation_failed", "ACTIVATION_FAILED")]
)
def test_what_the_device_itself_says_counts_even_before_the_new_hub_is_asked(event: str, state: str) -> None:
    bench = ppmid_at("TRANSFERRING")
    hub(bench)
    bench.tell(event, None, version=NEW)
    assert bench.state() == state


def test_a_sender_who_is_not_responsible_any_more_is_not_served_by_the_new_hub() -> None:
    bench = ppmid_at("HELD")
    supplier(bench)
    bench.run()
    hub(bench)
    assert bench.run().state() == "RESPONSIBILITY_LOST"
    assert orders(bench) == []


def test_nobody_asks_the_old_hub_to_drop_what_has_ended() -> None:
    bench = ppmid_at("HELD")
    device(bench)
    bench.run()
    assert ("cancel", HUB) in orders(bench)
    hub(bench)
    assert orders(bench) == []


def test_a_command_goes_by_the_new_hub() -> None:
    bench = Bench()
    bench.submit(read_version(), "S")
    hub(bench)
    bench.run()
    assert command(bench).hub == NEW_CHF.signed
    assert len(sent(bench)) == 1


def test_a_command_to_the_old_hub_itself_ends() -> None:
    bench = Bench()
    assert bench.submit(read_version(HUB), "S").code is ResponseCode.I99
    hub(bench)
    bench.run()
    assert command(bench).state == "UNANSWERED"


# --- the tables --------------------------------------------------------------------------------------------------


def test_no_message_of_a_hub_or_device_means_that_a_home_changed() -> None:
    said = {*_RECEIPT_EVENTS.values(), *_TRANSFER_EVENTS.values(), *_OUTCOME_EVENTS.values(), "version_read"}
    assert not said & OF_THE_REGISTRY


@pytest.mark.parametrize("state", sorted(set(State) - ENDS))
@pytest.mark.parametrize("kind", [DeviceType.PPMID, DeviceType.ESME])
def test_a_device_may_go_in_any_state(state: State, kind: DeviceType) -> None:
    step = Deliver().accept(batch([{"state": state, "device_type": kind, "event": "device_gone"}]), ctx())
    assert step.moves.select("to", "late").row(0) == ("DEVICE_GONE", False)
    assert len(step.alerts) == 1


@pytest.mark.parametrize("state", sorted(set(State) - ENDS))
def test_a_hub_swap_leads_back_from_the_way_to_the_device_and_from_nowhere_else(state: State) -> None:
    step = Deliver().accept(batch([{"state": state, "event": "hub_swapped"}]), ctx())
    back = state in {*ON_THE_WAY, "TRANSFERRED", "CONSENT"}
    assert step.moves.select("to", "late").row(0) == (("QUEUED", False) if back else (state, True))
    assert step.sends.is_empty()
    assert step.alerts.is_empty()
    assert DELIVERY.takes(state, "hub_swapped") is back


@pytest.mark.parametrize("state", sorted(set(State) - ENDS - {State.REQUESTED}))
def test_somebody_new_is_told_at_the_next_look_whatever_the_state(state: State) -> None:
    stage = next(one for one in (Deliver(), Activate(), Report()) if state in one.takes)
    row = {"state": state, "newcomer": True, "deadline": NOW + DAY}
    assert _K.UPGRADE_REQUESTED in stage.accept(batch([row]), ctx()).alerts["kind"].to_list()


# --- reports of a device in the order in which it made them --------------------------------------------------------


@pytest.mark.parametrize(("at", "state"), [(NOW - 1, "TRANSFERRED"), (NOW, "DISCARDED"), (NOW + 1, "DISCARDED")])
def test_a_command_that_came_before_the_image_ends_nothing(at: int, state: str) -> None:
    bench = esme_at("TRANSFERRING")
    bench.now = Instant(NOW + MINUTE)
    bench.keep("transferred", None, device=ESME, image_hash=ESME_HASH, at=NOW)
    bench.keep("image_missing", None, device=ESME, version=OLD, result=1, at=Instant(at))
    assert bench.run().state() == state
