"""Tables of looks are whole; times and sizes read as people say them."""

import itertools

import pytest

from hanota.base.instant import DAY, HOUR, MINUTE, SECOND, Instant, parse_iso
from hanota.base.vocabulary.devices import DeviceType
from hanota.faces.web import look, when
from hanota.faces.web.pages.story import tell
from hanota.model.commands import CommandState
from hanota.model.delivery import ENDS, State
from hanota.records.store.quarantine import Quarantine
from helpers.fake_desk import PPMID, SUPPLIER_1, event

NOW = parse_iso("2026-07-15T09:00:00Z")


@pytest.mark.parametrize("state", list(State))
def test_every_state_has_a_word_an_icon_and_a_tone(state: State) -> None:
    seen = look.of_state(state)
    assert seen.word
    assert seen.word != state
    assert seen.icon != "help" or state is State.UNCONFIRMED


def test_only_confirmed_looks_like_success() -> None:
    assert [state for state in State if look.of_state(state).tone is look.Tone.GOOD] == [State.CONFIRMED]


def test_no_two_states_share_a_word() -> None:
    words = [look.of_state(state).word for state in State]
    assert len(set(words)) == len(words)


def test_an_end_never_looks_as_if_it_moved() -> None:
    assert not [s for s in ENDS if look.of_state(s).tone in (look.Tone.MOVING, look.Tone.WAITING)]


@pytest.mark.parametrize("device_type", list(DeviceType))
def test_every_device_type_has_a_look(device_type: DeviceType) -> None:
    assert look.of_device(device_type).icon != "devices_other"


def test_what_no_table_knows_shows_its_own_name() -> None:
    assert look.of_state("LIMBO").word == look.of_device("LIMBO").word == look.of_code("LIMBO").word == "LIMBO"


@pytest.mark.parametrize(("code", "tone"), [("I0", "good"), ("W110401", "waiting"), ("E100", "bad")])
def test_a_code_looks_as_its_first_letter_says(code: str, tone: str) -> None:
    assert look.of_code(code).tone == tone


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (0, "now"),
        (40 * SECOND, "40 s ago"),
        (-90 * SECOND, "in 1 min"),
        (5 * MINUTE, "5 min ago"),
        (HOUR + 5 * MINUTE, "1 h 5 min ago"),
        (5 * HOUR + 5 * MINUTE, "5 h ago"),
        (-(2 * DAY + 3 * HOUR), "in 2 d 3 h"),
        (90 * DAY, "90 d ago"),
    ],
)
def test_relative_times(ago: int, said: str) -> None:
    from hanota.base.instant import iso

    assert when.relative(iso(Instant(NOW - ago)), NOW) == said


def test_absolute_times_are_british_and_as_short_as_is_clear() -> None:
    assert when.absolute("2026-01-15T09:00:00Z") == "15 Jan 2026, 09:00:00 GMT"
    assert when.absolute("2026-07-15T09:00:00Z") == "15 Jul 2026, 10:00:00 BST"
    clocks = [
        when.clock(text, NOW) for text in ("2026-07-15T08:00:00Z", "2026-01-15T08:00:00Z", "2025-01-15T08:00:00Z")
    ]
    assert clocks == ["09:00:00", "15 Jan 08:00", "15 Jan 2025"]


@pytest.mark.parametrize(
    ("number", "said"), [(295, "295 B"), (1024, "1 kB"), (65_536, "64 kB"), (1_536, "1.5 kB"), (768_000, "750 kB")]
)
def test_sizes_count_1024_octets_a_kilobyte(number: int, said: str) -> None:
    assert when.octets(number) == said


def test_100_percent_means_that_nothing_is_missing() -> None:
    assert [when.percent(*pair) for pair in ((0, 10), (999, 1000), (10, 10), (11, 10), (5, 0))] == [0, 99, 100, 100, 0]


def test_a_run_of_progress_is_told_as_one_line_with_its_latest_figures() -> None:
    steps = [event("transfer_progressed", State.TRANSFERRING, "fetches", 9 - n, offset=50 * n) for n in (1, 2, 3)]
    again = [event("transfer_progressed", State.TRANSFERRING, "fetches", 1, offset=200, blocks=4, repeats=1)]
    reboot = [event("power_cut", None, "loses power", 5)]
    lines = tell([*steps, *reboot, *again], {})
    assert [line.number for line in lines] == [4, 3, 0]
    assert lines[2].facts == ("Transferring", "150 B fetched")
    assert lines[0].facts == ("Transferring", "200 B fetched", "4 blocks", "1 repeated")


def test_facts_are_told_with_units_and_names_and_the_rest_is_left_to_rest() -> None:
    facts = {"party": SUPPLIER_1, "code": "N60", "alert_kind": "DeliveredToHub", "device": PPMID, "reported_at": 1795}
    lines = tell([event("alert_due", None, "an alert is due", 1, **facts)], {SUPPLIER_1: "Northlight"})
    assert lines[0].text == "An alert is due"
    assert lines[0].facts == ("N60", "DeliveredToHub", "to Northlight")
    version = tell([event("read", None, "read", 1, version=0xACDCACDC, offset=None)], {})
    assert version[0].facts == ("version ACDCACDC",)


def test_a_way_has_every_moving_state_once() -> None:
    assert len(set(look.STEPS)) == len(look.STEPS) == len(look.STEP_WORDS)
    assert all(a in look.STEP_WORDS for a, _ in itertools.pairwise(look.STEPS))


@pytest.mark.parametrize(
    ("of", "states"), [(look.of_command, CommandState), (look.of_quarantine, Quarantine)], ids=["command", "quarantine"]
)
def test_every_state_that_an_operator_sees_has_a_look_of_its_own(of, states) -> None:
    looks = [of(state.value) for state in states]
    assert len({found.word for found in looks}) == len(states)
    assert all(found.icon != "help" for found in looks)
    assert of("NO_SUCH").word == "NO_SUCH"
