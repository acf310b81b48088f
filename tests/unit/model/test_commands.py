"""Commands: whatever their state, time ends them; who is asked by what is decided by tables."""

import pytest

from hanota.base.instant import iso
from hanota.base.vocabulary.devices import DeviceStatus, DeviceType
from hanota.model.commands import ACTIVATED_BY_COMMAND, CANCEL_TIME, COMMAND, COMMANDABLE, READABLE, CommandState
from hanota.model.profiles import PROFILES
from hanota.wire.duis import REQUESTS
from hanota.wire.gbcs import READ_VERSION_CODES

OPEN = set(CommandState) - COMMAND.terminal


def test_states_of_the_table_are_those_of_the_enumeration() -> None:
    assert set(COMMAND.states) == set(CommandState)
    assert COMMAND.start == CommandState.WAITING


@pytest.mark.parametrize("state", sorted(OPEN))
def test_time_alone_ends_every_command(state: CommandState) -> None:
    assert COMMAND.move(state, "deadline_passed") == CommandState.UNANSWERED


@pytest.mark.parametrize("state", sorted(COMMAND.terminal))
def test_an_ended_command_takes_nothing(state: CommandState) -> None:
    assert [event for event in COMMAND.events if COMMAND.takes(state, event)] == []


def test_what_has_not_been_sent_cannot_be_answered() -> None:
    assert not COMMAND.takes(CommandState.WAITING, "answered")
    assert not COMMAND.takes(CommandState.WAITING, "date_accepted")


def test_only_the_device_can_take_back_what_it_has_accepted() -> None:
    assert {state for state in OPEN if COMMAND.takes(state, "cancelled")} == {CommandState.WAITING, CommandState.DATED}


def test_only_what_is_on_its_way_is_sent_again() -> None:
    assert {state for state in OPEN if COMMAND.takes(state, "sent")} == {CommandState.WAITING, CommandState.SENT}


def test_every_device_that_can_be_read_has_its_use_case() -> None:
    assert set(READ_VERSION_CODES) == READABLE
    assert {kind for kind, row in PROFILES.items() if row.service_reference == "11.1"} == ACTIVATED_BY_COMMAND
    assert ACTIVATED_BY_COMMAND < READABLE
    assert not READABLE & {DeviceType.IHD, DeviceType.CAD}


def test_a_command_to_a_device_has_its_row_of_statuses() -> None:
    assert set(COMMANDABLE) == {srv for srv, row in REQUESTS.items() if not row.non_device}
    assert COMMANDABLE["11.2"] > COMMANDABLE["11.3"]
    assert DeviceStatus.SUSPENDED in COMMANDABLE["11.2"]  # MP105


def test_the_time_that_cancels_is_that_of_the_templates() -> None:
    assert iso(CANCEL_TIME).startswith("3000-12-31T00:00:00")
