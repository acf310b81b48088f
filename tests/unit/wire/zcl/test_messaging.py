"""The Messaging cluster: octets of its commands, and what its bits and texts mean."""

import pytest
from zigpy.zcl.clusters.smartenergy import Messaging

from hanota.wire.zcl import (
    ANSWER,
    MESSAGING_CLUSTER,
    SHOWN,
    Answer,
    CancelMessage,
    Command,
    DisplayMessage,
    GetLastMessage,
    MessageConfirmation,
    Side,
    ZclShort,
    read_answer,
    read_command,
    read_question,
    write_answer,
    write_command,
    write_question,
)

HUB, DEVICE = Side.SERVER, Side.CLIENT
FRAMES: list[tuple[Command, Side, str]] = [
    (DisplayMessage(5, SHOWN | ANSWER, 0, 0xFFFF, b"hi"), HUB, "19 07 00 05000000 a0 00000000 ffff 02 6869"),
    (DisplayMessage(5, 0, 1, 60, b"", b"\x01"), HUB, "19 07 00 05000000 00 01000000 3c00 00 01"),
    (CancelMessage(5), HUB, "19 07 01 05000000 00"),
    (GetLastMessage(), DEVICE, "01 07 00"),
    (MessageConfirmation(5, 1), DEVICE, "01 07 01 05000000 01000000"),
    (MessageConfirmation(5, 1, write_answer(Answer.YES)), DEVICE, "01 07 01 05000000 01000000 02 03 594553"),
    (MessageConfirmation(5, 1, write_answer(Answer.NO)), DEVICE, "01 07 01 05000000 01000000 01 02 4e4f"),
    (MessageConfirmation(5, 1, write_answer(Answer.LATER)), DEVICE, "01 07 01 05000000 01000000 00 05 4c41544552"),
]


@pytest.mark.parametrize(("command", "sender", "frame"), FRAMES)
def test_octets_are_those_of_the_cluster(command: Command, sender: Side, frame: str) -> None:
    octets = bytes.fromhex(frame)
    assert write_command(7, command, sender) == octets
    assert read_command(MESSAGING_CLUSTER, octets, sender) == (7, command)


def test_the_cluster_has_the_number_that_zigpy_gives_it() -> None:
    assert Messaging.cluster_id == MESSAGING_CLUSTER


def test_a_message_that_ends_inside_its_text_is_refused() -> None:
    with pytest.raises(ZclShort):
        read_command(MESSAGING_CLUSTER, bytes.fromhex("19 07 00 05000000 a0 00000000 ffff 03 6869"), HUB)


@pytest.mark.parametrize("answer", Answer)
def test_an_answer_is_read_as_it_was_written(answer: Answer) -> None:
    assert read_answer(write_answer(answer)) is answer


@pytest.mark.parametrize(
    ("octets", "answer"),
    [("", None), ("02", Answer.YES), ("01", Answer.NO), ("00", None), ("03", None), ("01 03 594553", None)],
)
def test_bits_alone_answer_and_a_contradiction_does_not(octets: str, answer: Answer | None) -> None:
    assert read_answer(bytes.fromhex(octets)) is answer


@pytest.mark.parametrize("buttons", [(Answer.YES,), (Answer.YES, Answer.LATER), (Answer.YES, Answer.NO), tuple(Answer)])
def test_a_question_names_its_buttons(buttons: tuple[Answer, ...]) -> None:
    assert read_question(write_question("Install it now?", buttons)) == ("Install it now?", buttons)


def test_a_question_of_others_offers_yes_and_no() -> None:
    assert read_question(b"Agree? Press any key.") == ("Agree? Press any key.", (Answer.YES, Answer.NO))
    assert read_question(b"\xff?")[1] == (Answer.YES, Answer.NO)
