"""What becomes of deliveries and commands when a device gets another Supplier, and of a held image that is gone."""

from dataclasses import replace
from typing import Any

import pytest

from hanota.app.registering import register_estate
from hanota.base.eui import Eui64
from hanota.base.instant import DAY, HOUR, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.duis import ResponseCode
from hanota.edge.estate.description import SupplyDescription
from hanota.model.alerts import AlertKind
from hanota.model.delivery import DELIVERY, ENDS
from hanota.model.policies import Policies
from hanota.process.activate import Activate
from hanota.process.deliver import Deliver
from hanota.records.store import schema as t
from hanota.records.store.commands import unsent_commands
from hanota.wire import gbcs
from hanota.wire.otaimage import Tail, read_image
from helpers.asking import activate, answer_to, command, hear, kinds, read_version, sent, told
from helpers.premises import NEW, NOW, OLD
from helpers.world import ESME, HUB_2, PPMID, READER, SUPPLIER_1, SUPPLIER_2, Bench, batch, ctx, description, keys
from unit.process.refusals_firmware import certify_esme, esme_file, esme_request

pytestmark = pytest.mark.usefixtures("each_store")

SETTLE = Policies().alert.confirm_after_ms
UNTIL = Instant(NOW + 2 * HOUR)
ON_THE_WAY = ["ON_WAN", "HELD", "TRANSFERRING", "TRANSFERRED"]
SIGNED = [DeviceType.ESME, DeviceType.GSME, DeviceType.HCALCS]
BY_HUB = [DeviceType.PPMID, DeviceType.IHD]
MANUFACTURER_HASH = read_image(esme_file(), Tail.SIGNED).manufacturer_hash


def meter_at(state: str) -> Bench:
    """A delivery to the ESME of home 1 that its hub and the meter have reported as far as this state."""
    bench = Bench()
    certify_esme(bench)
    assert bench.submit(esme_request()).code.accepted
    bench.run()
    for event in ("image_held", "transfer_progressed", "transferred"):
        if bench.state() == state:
            break
        of_meter: dict[str, Any] = {"device": ESME, "image_hash": MANUFACTURER_HASH} if event == "transferred" else {}
        bench.tell(event, None if of_meter else 1, **of_meter)
    assert bench.state() == state
    return bench


def hand_over(bench: Bench, at: Instant = UNTIL) -> None:
    """Let the ESME get its next Supplier, as the description says when it is registered again."""
    home = description().premises[0]
    points = tuple(
        replace(point, suppliers=(*point.suppliers, SupplyDescription(since=at, party=SUPPLIER_2)))
        if point.device == ESME
        else point
        for point in home.meter_points
    )
    changed = replace(description(), premises=(replace(home, meter_points=points), *description().premises[1:]))
    register_estate(bench.store, changed, keys())


def told_kinds(bench: Bench) -> set[str]:
    return {kind for _, kind in bench.alerts()}


# --- deliveries that die with responsibility ---------------------------------------------------------------------


@pytest.mark.parametrize("state", ON_THE_WAY)
def test_a_meters_delivery_ends_when_its_senders_responsibility_does(state: str) -> None:
    bench = meter_at(state)
    hand_over(bench)
    bench.run(after_ms=UNTIL - bench.now - 1)
    assert bench.state() == state
    bench.run(after_ms=1)
    assert bench.state() == "RESPONSIBILITY_LOST"
    assert (SUPPLIER_1, AlertKind.GIVEN_UP) in bench.alerts()
    assert bench.sends()[-1] == "cancel"
    assert bench.rows(t.work) == []


@pytest.mark.parametrize("state", ON_THE_WAY)
def test_the_next_supplier_may_send_at_once(state: str) -> None:
    bench = meter_at(state)
    hand_over(bench)
    bench.run(after_ms=UNTIL - bench.now)
    own = esme_request(image=esme_file(signer=SUPPLIER_2))
    theirs = replace(own, header=replace(own.header, request_id=replace(own.header.request_id, originator=SUPPLIER_2)))
    assert bench.submit(theirs).code is ResponseCode.I0


@pytest.mark.parametrize("state", ON_THE_WAY)
def test_a_handover_that_is_registered_after_the_fact_ends_the_delivery_at_once(state: str) -> None:
    bench = meter_at(state)
    hand_over(bench, Instant(NOW - DAY))  # what is registered at a start, a day too late
    assert bench.next_due() is not None
    bench.run(after_ms=1)
    assert bench.state() == "RESPONSIBILITY_LOST"


def test_registering_the_same_again_wakes_nothing() -> None:
    bench = meter_at("HELD")
    before = bench.row(t.delivery)
    register_estate(bench.store, description(), keys())
    assert bench.row(t.delivery) == before


def test_a_ppmid_that_has_another_supplier_keeps_its_delivery_once_its_hub_holds_the_image() -> None:
    bench = Bench()
    bench.deliver()
    bench.tell("image_held")
    bench.change(t.eligibility, {"until": bench.now}, party=SUPPLIER_1.signed)
    due = bench.row(t.delivery).due
    register_estate(bench.store, description(), keys())
    assert (bench.run().state(), bench.row(t.delivery).due) == ("HELD", due)


def test_an_order_that_its_hub_has_accepted_is_looked_at_when_responsibility_ends() -> None:
    bench = meter_at("ON_WAN")
    hand_over(bench)
    bench.run()
    bench.tell("order_accepted")
    assert bench.row(t.delivery).due == UNTIL
    assert bench.run(after_ms=UNTIL - bench.now).state() == "RESPONSIBILITY_LOST"


@pytest.mark.parametrize("event", ["image_held", "transfer_progressed", "order_accepted"])
def test_a_report_that_waited_while_responsibility_ended_does_not_keep_the_delivery_alive(event: str) -> None:
    bench = meter_at("ON_WAN")
    hand_over(bench)
    bench.run()
    bench.keep(event, at=Instant(UNTIL - 1))
    bench.run(after_ms=UNTIL - bench.now + HOUR)
    assert bench.state() == "RESPONSIBILITY_LOST"
    assert bench.story()[-1] != "deadline_passed"


def test_a_report_of_the_transfer_that_waited_does_not_either() -> None:
    bench = meter_at("TRANSFERRING")
    hand_over(bench)
    bench.run()
    bench.keep("transferred", None, device=ESME, image_hash=MANUFACTURER_HASH, at=Instant(UNTIL - 1))
    bench.run(after_ms=UNTIL - bench.now + HOUR)
    assert bench.state() == "RESPONSIBILITY_LOST"


@pytest.mark.parametrize("kind", SIGNED)
@pytest.mark.parametrize("state", ON_THE_WAY)
def test_the_lifecycle_takes_the_loss_wherever_a_stage_finds_it(state: str, kind: DeviceType) -> None:
    assert DELIVERY.move(state, "responsibility_lost") in ENDS
    stage = Activate() if state == "TRANSFERRED" else Deliver()
    row = {"state": state, "device_type": kind, "eligible": False}
    step = stage.accept(batch([row]), ctx())
    assert step.moves.select("event", "to", "due").row(0) == ("responsibility_lost", "RESPONSIBILITY_LOST", None)
    assert step.sends["kind"].to_list() == ["cancel"]
    assert step.alerts["kind"].to_list() == [AlertKind.GIVEN_UP]


@pytest.mark.parametrize("kind", BY_HUB)
@pytest.mark.parametrize("state", ["HELD", "TRANSFERRING"])
def test_what_a_hub_activates_lives_on_once_the_hub_holds_its_image(state: str, kind: DeviceType) -> None:
    row = {"state": state, "device_type": kind, "eligible": False, "eligible_until": None}
    assert Deliver().accept(batch([row]), ctx()).moves["event"].to_list() == [None]


@pytest.mark.parametrize("until", [None, NOW + 5000, NOW + 10**9])
def test_the_next_look_is_no_later_than_deadline_and_end_of_responsibility(until: int | None) -> None:
    rows = [
        {"state": "ON_WAN", "device_type": DeviceType.ESME, "eligible_until": until, "event": event}
        for event in ("order_accepted", "image_held", "transfer_progressed")
    ]
    moves = Deliver().accept(batch(rows), ctx()).moves
    wanted = [min(row["deadline"], until or row["deadline"]) for row in moves.to_dicts()]
    assert moves["due"].to_list() == wanted


# --- activation that nobody reported -----------------------------------------------------------------------------


def test_a_meter_that_is_read_to_run_the_wanted_version_has_been_activated() -> None:
    bench = meter_at("TRANSFERRED")
    bench.submit(read_version(ESME), "S")
    (down,) = sent(bench.run())
    hear(bench, answer_to(down.data))
    assert bench.run().state() == "ACTIVATED"
    bench.run(after_ms=SETTLE)
    bench.tell("version_read", None, device=ESME, version=NEW, result=0)
    assert bench.state() == "CONFIRMED"


@pytest.mark.parametrize(("version", "result"), [(OLD, 0), (NEW, 1), (None, 1)])
def test_any_other_reading_says_nothing_of_it(version: int | None, result: int) -> None:
    bench = meter_at("TRANSFERRED")
    bench.tell("version_read", None, device=ESME, version=version, result=result)
    assert bench.state() == "TRANSFERRED"


def outcome(result: gbcs.ActivateImageResponseCode) -> gbcs.ActivationOutcome:
    return gbcs.ActivationOutcome(result=result, file_version=OLD)


def test_a_meter_that_holds_the_image_no_more_ends_its_delivery() -> None:
    bench = meter_at("TRANSFERRED")
    activate(bench)
    (down,) = sent(bench.run())
    hear(bench, answer_to(down.data, outcome(gbcs.ActivateImageResponseCode.NO_IMAGE_HELD), at=bench.now))
    assert bench.run().state() == "DISCARDED"
    assert (SUPPLIER_1, AlertKind.GIVEN_UP) in bench.alerts()
    assert bench.rows(t.work) == []
    assert bench.device(ESME).version == OLD


def test_a_meter_that_was_told_another_hash_holds_its_image_still() -> None:
    bench = meter_at("TRANSFERRED")
    activate(bench)
    (down,) = sent(bench.run())
    hear(bench, answer_to(down.data, outcome(gbcs.ActivateImageResponseCode.HASH_MISMATCH), at=bench.now))
    assert bench.run().state() == "TRANSFERRED"


@pytest.mark.parametrize("state", ["ON_WAN", "HELD", "TRANSFERRING"])
def test_an_image_that_is_still_on_its_way_cannot_be_missing(state: str) -> None:
    bench = meter_at(state)
    activate(bench)
    (down,) = sent(bench.run())
    hear(bench, answer_to(down.data, outcome(gbcs.ActivateImageResponseCode.NO_IMAGE_HELD), at=bench.now))
    assert bench.run().state() == state
    assert AlertKind.GIVEN_UP not in told_kinds(bench)


# --- commands ----------------------------------------------------------------------------------------------------


def test_a_dated_read_of_a_former_supplier_is_refused_when_its_time_comes() -> None:  # I3
    bench = Bench()
    assert bench.submit(read_version(ESME, execution=Instant(UNTIL + HOUR)), "S").code is ResponseCode.I99
    hand_over(bench)
    bench.run(after_ms=UNTIL + HOUR - bench.now)
    assert sent(bench) == []
    assert command(bench).state == "REFUSED"
    assert [(document.code, document.body.content) for document in told(bench)] == [(ResponseCode.E2, None)]


def test_an_activation_of_a_former_supplier_does_not_leave_again() -> None:  # I3
    bench = Bench()
    activate(bench)
    assert len(sent(bench.run())) == 1
    hand_over(bench, Instant(bench.now + 1))
    assert sent(bench.run(after_ms=HOUR)) == []
    assert (command(bench).state, kinds(bench)) == ("REFUSED", ["Response"])


@pytest.mark.parametrize("sender", [SUPPLIER_1, READER])
def test_a_user_who_lost_his_role_commands_nothing_more(sender: Eui64) -> None:
    bench = Bench()
    assert bench.submit(read_version(sender=sender), "S").code is ResponseCode.I99
    bench.change(t.party, {"roles": ""}, eui=sender.signed)
    assert sent(bench.run()) == []
    assert command(bench).state == "REFUSED"
    assert [document.code for document in told(bench, sender)] == [ResponseCode.E2]


@pytest.mark.parametrize("dated", [True, False])
def test_a_command_goes_to_the_hub_where_its_device_is_now(dated: bool) -> None:
    bench = Bench()
    bench.submit(read_version(execution=Instant(NOW + HOUR) if dated else None), "S")
    if not dated:
        sent(bench.run())
    bench.change(t.device, {"hub": HUB_2.signed}, eui=PPMID.signed)
    bench.run(after_ms=HOUR)
    with bench.store.reading() as connection:
        assert {sending.hub for sending in unsent_commands(connection, bench.now)} == {HUB_2}
