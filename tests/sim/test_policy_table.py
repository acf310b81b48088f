"""Slots, priority, consent and local upgrades in every combination: what is promised in words is what happens."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import get_args

import pytest

from hanota.base.instant import MINUTE, Instant
from hanota.model.policies import ConsentPolicy, HubPolicy, LocalUpgradePolicy
from hanota.wire.zcl import Answer
from helpers import policy_table as table
from helpers.policy_scene import ESME, HCALCS, PATIENT, PPMID, UNWILLING, Block, Choice, Scene, Seen

VALUES = {
    "slots": get_args(HubPolicy.model_fields["slots"].annotation),
    "priority": get_args(HubPolicy.model_fields["priority"].annotation),
    "consent": get_args(ConsentPolicy.model_fields["mode"].annotation),
    "local": get_args(LocalUpgradePolicy.model_fields["mode"].annotation),
}
EVERY = [Choice(**dict(zip(VALUES, values, strict=True))) for values in itertools.product(*VALUES.values())]
RICHEST = Choice(slots="as_set", priority="meters_first", consent="may_refuse", local="attested")

Heard = dict[str, dict[str, Counter[table.Words]]]


def name(choice: Choice) -> str:
    return f"{choice.slots}-{choice.priority}-{choice.consent}-{choice.local}"


@pytest.fixture(scope="module")
def heard() -> Iterator[Heard]:
    """What was said under which heading of which home; shown in the end by `pytest -s`."""
    found: Heard = defaultdict(lambda: defaultdict(Counter))
    yield found
    print(table.page(found))


@pytest.mark.parametrize("choice", EVERY, ids=name)
def test_what_happens_is_what_the_tables_promise(choice: Choice, heard: Heard) -> None:
    for home, seen in Scene(choice).play().items():
        rows = table.said(choice, seen)
        assert rows == table.promised(choice, home)
        for heading, words in rows:
            heard[heading][home][words] += 1


def test_the_tables_have_a_row_for_every_value_and_every_pair_that_meets() -> None:
    v = VALUES
    assert len(EVERY) == 48
    for rows, keys in (
        (table.SLOTS, v["slots"]),
        (table.PRIORITY, v["priority"]),
        (table.SLOTS_AND_PRIORITY, itertools.product(v["slots"], v["priority"])),
        (table.CONSENT, v["consent"]),
        (table.LOCAL_UPGRADE, v["local"]),
        (table.CONSENT_AND_LOCAL_UPGRADE, itertools.product(v["consent"], v["local"])),
    ):
        assert list(rows) == list(keys)


@pytest.mark.parametrize("rows", [table.SLOTS, table.PRIORITY, table.CONSENT, table.LOCAL_UPGRADE])
def test_no_two_values_of_a_policy_have_the_same_words(rows: dict) -> None:
    said = [str(words) for words in rows.values()]
    assert len(set(said)) == len(said)


@pytest.fixture(scope="module")
def played() -> dict[str, Seen]:
    return Scene(RICHEST).play()


def _another_slot(seen: Seen) -> None:
    seen.taken[ESME] = replace(seen.taken[ESME], slot="shared")


def _one_refusal_less(seen: Seen) -> None:
    seen.refused[HCALCS] -= 1


def _slot_not_left(seen: Seen) -> None:
    seen.left[PPMID] = Instant(seen.taken[HCALCS].at + 1)


def _block_beside_the_meter(seen: Seen) -> None:
    blocks = seen.blocks[PPMID]
    blocks.insert(3, Block(seen.blocks[ESME][1].at, blocks[2].offset + 1))


def _block_twice(seen: Seen) -> None:
    seen.blocks[PPMID].append(seen.blocks[PPMID][-1])


def _from_the_start(seen: Seen) -> None:
    seen.blocks[PPMID][-1] = replace(seen.blocks[PPMID][-1], offset=0)


def _never_told_to_wait(seen: Seen) -> None:
    seen.aside.clear()


def _meter_last(seen: Seen) -> None:
    seen.blocks[ESME][-1] = replace(seen.blocks[ESME][-1], at=Instant(seen.blocks[HCALCS][-1].at + 1))


def _image_held_late(seen: Seen) -> None:
    seen.held[PPMID] = Instant(seen.held[HCALCS] + 1)


def _button_gone(seen: Seen) -> None:
    at, (text, _) = next(iter(seen.screen.items()))
    seen.screen[at] = (text, (Answer.YES,))


def _screen_of_another_version(seen: Seen) -> None:
    at, (_, buttons) = next(iter(seen.screen.items()))
    seen.screen[at] = ("New software 00000000 is here.", buttons)


def _slot_taken_meanwhile(seen: Seen) -> None:
    seen.slots_while_asked = ["shared"]


def _answer_unheard(seen: Seen) -> None:
    seen.consent.pop()


def _installed_later(seen: Seen) -> None:
    seen.ran = [(Instant(at + 2 * MINUTE), version) for at, version in seen.ran]


def _installed_at_all(seen: Seen) -> None:
    seen.ran.insert(0, (Instant(seen.pressed[-1][0] + 1), table.NEW))


def _no_without_end(seen: Seen) -> None:
    seen.no_stands_ms.clear()


def _other_end(seen: Seen) -> None:
    seen.ends[PPMID] = "EXPIRED"


def _alert_lost(seen: Seen) -> None:
    seen.alerts.pop()


def _terminal_served(seen: Seen) -> None:
    seen.terminal[:] = ["SUCCESS"]


def _terminal_in_vain(seen: Seen) -> None:
    seen.ran.pop()


def _still_unexplained(seen: Seen) -> None:
    seen.told[-1] = replace(seen.told[-1], origin="reported, unexplained")


def _told_twice(seen: Seen) -> None:
    seen.told[-1] = replace(seen.told[-1], mismatches=seen.told[-1].mismatches * 2 or ((0, 0),))


IN_EITHER = [
    _another_slot,
    _one_refusal_less,
    _slot_not_left,
    _block_beside_the_meter,
    _block_twice,
    _from_the_start,
    _never_told_to_wait,
    _meter_last,
    _image_held_late,
    _button_gone,
    _screen_of_another_version,
    _slot_taken_meanwhile,
    _answer_unheard,
    _other_end,
    _alert_lost,
    _terminal_served,
    _terminal_in_vain,
    _still_unexplained,
    _told_twice,
]
CHANGES = [(home, change) for change in IN_EITHER for home in (PATIENT, UNWILLING)]
CHANGES += [(PATIENT, _installed_later), (UNWILLING, _installed_at_all), (UNWILLING, _no_without_end)]


@pytest.mark.parametrize(("home", "change"), CHANGES, ids=lambda part: getattr(part, "__name__", part))
def test_other_facts_give_other_words(played: dict[str, Seen], home: str, change: Callable[[Seen], None]) -> None:
    """No sentence is said whatever happens: each one changes when what it tells of does."""
    seen = deepcopy(played[home])
    assert table.said(RICHEST, seen) == table.promised(RICHEST, home)
    change(seen)
    assert table.said(RICHEST, seen) != table.promised(RICHEST, home)
