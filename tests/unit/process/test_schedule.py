"""Stage 3: REQUESTED becomes QUEUED, and the other Responsible Suppliers are told."""

from hanota.model.alerts import AlertKind
from hanota.model.delivery import State
from hanota.model.policies import Policies
from hanota.process.schedule import NO_HUB, Schedule
from helpers.premises import NOW
from helpers.world import batch, ctx

REQUESTED = {"state": State.REQUESTED}


def test_a_requested_delivery_is_queued_until_its_turn_or_its_deadline_comes() -> None:
    (move,) = Schedule().accept(batch([REQUESTED]), ctx()).moves.to_dicts()
    assert (move["from"], move["event"], move["to"], move["late"]) == ("REQUESTED", "scheduled", "QUEUED", False)
    assert move["due"] == move["deadline"] == NOW + Policies().deadline.queued_ms
    assert move["tries"] == 0


def test_the_alert_for_the_others_goes_out_with_it() -> None:
    step = Schedule().accept(batch([REQUESTED, REQUESTED]), ctx())
    assert step.alerts.select("delivery", "kind", "at").rows() == [
        (1, AlertKind.UPGRADE_REQUESTED, NOW),
        (2, AlertKind.UPGRADE_REQUESTED, NOW),
    ]
    assert step.sends.is_empty()
    assert step.versions.is_empty()


def test_one_whose_device_left_its_hub_since_the_decision_ends_and_its_sender_hears_of_it() -> None:
    step = Schedule().accept(batch([REQUESTED | {"hub": NO_HUB}, REQUESTED]), ctx())
    assert step.moves["to"].to_list() == ["DEVICE_GONE", "QUEUED"]
    assert step.alerts.select("delivery", "kind").row(0) == (1, AlertKind.GIVEN_UP)


def test_one_that_waited_too_long_ends_and_its_sender_hears_of_it() -> None:
    step = Schedule().accept(batch([REQUESTED | {"deadline": NOW}]), ctx())
    assert step.moves.select("event", "to", "deadline", "due").row(0) == ("deadline_passed", "EXPIRED", None, None)
    assert step.alerts["kind"].to_list() == [AlertKind.GIVEN_UP]


def test_an_empty_batch_gives_an_empty_step() -> None:
    step = Schedule().accept(batch([]), ctx())
    assert step.moves.is_empty()
    assert step.alerts.is_empty()
