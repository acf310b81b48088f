"""A hub's arbitration explored completely: every policy keeps every law, and planted bugs are caught in few events."""

from dataclasses import replace
from itertools import product

import pytest

from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.hub import arbitration
from hanota.edge.hub.book import OrderBook
from hanota.edge.hub.orders import Order
from hanota.edge.hub.slots import Slot
from hanota.sim.arbitration import Config, Exploration, OrderPlan, draw, explore
from hanota.wire.wan import Distribute

POLICIES = [
    Config(slots=slots, force_replace=force_replace, priority=priority)
    for slots, force_replace, priority in product(
        ("as_set", "dedicated", "shared_n"), ("off", "own"), ("none", "meters_first")
    )
]
STATES = [160, 208, 160, 208, 700, 910, 700, 910, 427, 523, 427, 523]
TWINS = Config(  # two displays of one model, whose orders may share an image
    force_replace="own",
    devices={"ESME": DeviceType.ESME, "PPMID": DeviceType.PPMID, "PPMID 2": DeviceType.PPMID},
    orders=(
        OrderPlan("A", "ESME", "a"),
        OrderPlan("A", "PPMID", "b"),
        OrderPlan("B", "PPMID 2", "b", 1),
        OrderPlan("A", "PPMID 2", "c", 1),
        OrderPlan("B", "PPMID", "b"),
        OrderPlan("A", "ESME", "a", 1),
    ),
)
METERS = Config(  # two meters of one type and one of another
    force_replace="own",
    priority="meters_first",
    devices={"ESME": DeviceType.ESME, "ESME 2": DeviceType.ESME, "GSME": DeviceType.GSME},
    orders=(
        OrderPlan("A", "ESME", "a"),
        OrderPlan("A", "ESME 2", "b", 1),
        OrderPlan("A", "ESME", "c", 1),
        OrderPlan("A", "GSME", "d", 1),
        OrderPlan("B", "ESME 2", "b", 1),
        OrderPlan("A", "GSME", "e", 1),
    ),
)
OTHERS = [
    Config(force_replace="own", consent=True),
    *(replace(home, slots=slots) for home in (TWINS, METERS) for slots in ("as_set", "shared_n")),
    *(replace(home, slots="shared_n", shared_slots=1) for home in (TWINS, METERS)),
]
ENDS = {
    "CANCELLED",
    "DISCARDED",
    "EXPIRED",
    "HARDWARE_MISMATCH",
    "HASH_MISMATCH",
    "TRANSFERRED",
    "TRANSFER_FAILED",
}


def keeps_every_law(found: Exploration) -> None:
    print(found.words)
    assert found.counterexample is None, draw(found.counterexample)
    assert set(found.ends) == ENDS
    assert found.idle == 1, "without a live order every hub is as new"


@pytest.mark.parametrize(
    ("config", "states"), list(zip(POLICIES, STATES, strict=True)), ids=lambda fact: getattr(fact, "words", None)
)
def test_two_suppliers_and_three_devices_keep_every_law(config: Config, states: int) -> None:
    found = explore(config)
    keeps_every_law(found)
    assert found.states == states


@pytest.mark.parametrize("config", OTHERS, ids=lambda config: config.words)
def test_other_homes_keep_every_law(config: Config) -> None:
    keeps_every_law(explore(config))


def test_under_own_more_orders_are_discarded_and_all_else_is_as_under_off() -> None:
    off, own = (dict(explore(Config(force_replace=policy)).ends) for policy in ("off", "own"))
    assert own.pop("DISCARDED") > off.pop("DISCARDED")
    assert own == off


def counterexample(config: Config) -> tuple[str, str, int]:
    """The law that a planted bug breaks, how it is drawn, and after how many events."""
    found = explore(config).counterexample
    assert found is not None
    drawn = draw(found)
    print(drawn)
    return found.law, drawn, len(found.scenes) - 1


def test_dropping_the_slots_guard_is_caught_in_two_events(monkeypatch: pytest.MonkeyPatch) -> None:
    def first_choice(book: OrderBook, order: Distribute) -> tuple[Slot, list[Order]]:
        return book.slots[book.layout[order.device][0]], []

    monkeypatch.setattr(OrderBook, "_place", first_choice)
    law, drawn, events = counterexample(Config())
    assert (law, events) == ("a slot has one image at a time", 2)
    assert "a RECEIVING for 1:ACCEPTED 4:ACCEPTED" in drawn


def test_what_a_handler_raises_is_a_counter_example_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slot, "accept_image", lambda slot, turn: slot.open(slot.facts, turn))
    law, drawn, events = counterexample(Config())
    assert law.startswith("no handler raises; this one did: HOTA-MODEL-001")
    assert events == 2
    assert "the image for slot ESME comes: it fails" in drawn


def test_a_slot_that_is_never_released_is_caught_in_two_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OrderBook, "release_unneeded", lambda *_: None)
    law, drawn, events = counterexample(Config())
    assert law == "a slot is in use exactly while a live order needs it"
    assert events == 2
    assert "for nobody" in drawn


def test_a_slot_that_is_released_early_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(book: OrderBook, turn: object) -> None:
        for slot in book.slots.values():
            if slot.holding:
                slot.release("orders_ended", turn)

    monkeypatch.setattr(OrderBook, "release_unneeded", careless)
    law, _, _ = counterexample(replace(TWINS, force_replace="off"))
    assert law == "a slot is in use exactly while a live order needs it"


@pytest.mark.parametrize(
    ("rule", "planted"),
    [
        ("the image is a meter's", Config(force_replace="own")),
        ("its ForceReplace octet says so", replace(METERS, orders=METERS.orders[::-1])),
        ("both are for one type of device", replace(METERS, slots="shared_n", shared_slots=1)),
        ("both are one Supplier's", Config(force_replace="own")),
        ("the other was ordered before", METERS),
    ],
)
def test_ignoring_one_of_the_owners_rules_displaces_an_image(
    rule: str, planted: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = tuple(row for row in arbitration.REPLACE_RULES if row[0] != rule)
    assert len(rules) == len(arbitration.REPLACE_RULES) - 1
    monkeypatch.setattr(arbitration, "REPLACE_RULES", rules)
    law, drawn, events = counterexample(planted)
    assert law.startswith("I1")
    assert events == 2
    assert drawn.splitlines()[-1].startswith("broken: I1")


def test_displacing_without_the_policy_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hanota.edge.hub.book.may_replace", lambda *_: True)
    law, _, events = counterexample(Config(force_replace="off"))
    assert law.startswith("I1")
    assert events == 2


def test_a_meter_that_is_silent_may_not_hold_others_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arbitration, "_within", lambda *_: True)
    law, drawn, _ = counterexample(Config(slots="dedicated", priority="meters_first"))
    assert law == "a device waits for a meter that is fetching, and for nothing else"
    assert drawn.splitlines()[-2].split("│")[1].strip() == "PPMID asks for a block"


def test_a_restart_that_forgets_its_slots_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slot, "go_on", lambda *_: None)
    law, drawn, _ = counterexample(Config())
    assert "the hub restarts" in drawn.splitlines()[-2]
    assert law == "every live order has its own image in its slot, and is served when it is whole"


def test_a_counter_example_is_drawn_as_a_line_an_event_and_a_column_a_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arbitration, "REPLACE_RULES", arbitration.REPLACE_RULES[:3])
    _, drawn, _ = counterexample(Config(force_replace="own"))
    assert drawn.splitlines() == [
        "slots as_set, priority none, force_replace own",
        "  │ event                                     │ slot ESME                  │ slot shared",
        "──┼───────────────────────────────────────────┼────────────────────────────┼────────────",
        "0 │ the hub is new                            │ ·                          │ ·",
        "1 │ A orders image a for ESME                 │ a RECEIVING for 1:ACCEPTED │ ·",
        "2 │ B orders image d for ESME, ForceReplace 1 │ d RECEIVING for 4:ACCEPTED │ ·",
        "broken: I1: an order ends by what happens to it, or by its owner's own replacement, and by nothing else",
    ]
