"""What the bits of the Messaging cluster mean, and the words in which a consumer answers (Smart Energy D.5).

The cluster knows yes and no only, as two bits. A response text may go with them, which is where LATER travels.
"""

import re
from enum import StrEnum
from typing import Final

SHOWN: Final = 1 << 7
"""Message Control: say that it is on the screen ("message confirmation required")."""

ANSWER: Final = 1 << 5
"""Message Control: say what the consumer answers ("enhanced confirmation required")."""

UNTIL_TAKEN_BACK: Final = 0xFFFF
"""Minutes of a text without an end."""


class Answer(StrEnum):
    """What a consumer may press."""

    YES = "YES"
    LATER = "LATER"
    NO = "NO"


# Message Confirmation Control: bit 0 for no, bit 1 for yes; LATER is neither.
_CONTROLS: Final = {Answer.YES: 0b10, Answer.LATER: 0b00, Answer.NO: 0b01}
_BY_OCTETS: Final = {
    bytes([control, len(answer.value)]) + answer.value.encode(): answer for answer, control in _CONTROLS.items()
}
_WRITTEN: Final = {answer: octets for octets, answer in _BY_OCTETS.items()}
_BARE: Final = {bytes([0b10]): Answer.YES, bytes([0b01]): Answer.NO}


def write_answer(answer: Answer) -> bytes:
    """Write an answer as Message Confirmation carries it: control, and the response text with its length in front."""
    return _WRITTEN[answer]


def read_answer(octets: bytes) -> Answer | None:
    """Read an answer; None: it says only that the text is shown, or nothing that was asked.

    Yes and no count without a text too. A text that contradicts its bits is no answer.
    """
    return _BY_OCTETS.get(octets) or _BARE.get(octets)


_BUTTONS: Final = re.compile(r" Press ([A-Z]+(?:, [A-Z]+)*(?: or [A-Z]+)?)\.\Z")


def write_question(text: str, buttons: tuple[Answer, ...]) -> bytes:
    """Write a question; its last sentence names the buttons, for the cluster has no other place for them."""
    first, last = buttons[:-1], buttons[-1]
    words = f"{', '.join(first)} or {last}" if first else last
    return f"{text} Press {words}.".encode()


def read_question(octets: bytes) -> tuple[str, tuple[Answer, ...]]:
    """Read a question of anybody: its text, and the buttons that it offers; yes and no where it names none."""
    text = octets.decode("utf-8", "replace")
    found = _BUTTONS.search(text)
    named = re.split(r", | or ", found[1]) if found else []
    if not found or not set(named) <= set(Answer):
        return text, (Answer.YES, Answer.NO)
    return text[: found.start()], tuple(answer for answer in Answer if answer.value in named)
