"""What slots, priority, consent and local upgrades mean, in words: promised by the tables, and read off what was seen.

A sentence is promised for one value of a policy or, where two policies meet, for a pair of values; what is not named
with another policy does not depend on it. The functions below the tables say the same sentences of what happened: every
word that could be different is taken from an observation.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from hanota.base.instant import DAY, MINUTE
from hanota.base.vocabulary.devices import DeviceType
from hanota.wire.zcl import Answer
from helpers.policy_scene import BLOCK, ESME, HCALCS, LOCAL, PATIENT, PPMID, UNWILLING, Choice, Seen, Told
from helpers.premises import NEW

Words = tuple[str, ...]

SLOTS: Final[Mapping[str, Words]] = {
    "as_set": (
        "the PPMID's image goes into slot shared, at once",
        "the ESME's image goes into slot ESME, at once",
    ),
    "dedicated": (
        "the PPMID's image goes into its own slot, at once",
        "the ESME's image goes into its own slot, at once",
    ),
    "shared_n": (
        "the PPMID's image goes into slot shared-1, at once",
        "the ESME's image goes into slot shared-2, at once",
    ),
}
PRIORITY: Final[Mapping[str, Words]] = {
    "none": (
        "while the ESME fetches its image, the PPMID goes on fetching",
        "the PPMID is never told to wait, and gets every block once",
    ),
    "meters_first": (
        "while the ESME fetches its image, the PPMID gets nothing",
        "the PPMID is told to wait, goes on a minute later where it stopped, and gets every block once",
    ),
}
SLOTS_AND_PRIORITY: Final[Mapping[tuple[str, str], Words]] = {
    ("as_set", "none"): (
        "the HCALCS's image goes into slot shared after 1 refusal, once the PPMID has left it",
        "the hub has the images in the order PPMID, ESME, HCALCS",
        "the devices have them in the order PPMID, ESME, HCALCS",
    ),
    ("as_set", "meters_first"): (
        "the HCALCS's image goes into slot shared after 2 refusals, once the PPMID has left it",
        "the hub has the images in the order PPMID, ESME, HCALCS",
        "the devices have them in the order ESME, PPMID, HCALCS",
    ),
    ("dedicated", "none"): (
        "the HCALCS's image goes into its own slot, at once",
        "the hub has the images in the order PPMID and HCALCS, ESME",
        "the devices have them in the order HCALCS, PPMID, ESME",
    ),
    ("dedicated", "meters_first"): (
        "the HCALCS's image goes into its own slot, at once",
        "the hub has the images in the order PPMID, ESME, HCALCS",
        "the devices have them in the order ESME, PPMID, HCALCS",
    ),
    ("shared_n", "none"): (
        "the HCALCS's image goes into slot shared-1 after 1 refusal, once the PPMID has left it",
        "the hub has the images in the order PPMID, ESME, HCALCS",
        "the devices have them in the order PPMID, ESME, HCALCS",
    ),
    ("shared_n", "meters_first"): (
        "the HCALCS's image goes into slot shared-2 after 1 refusal, once the ESME has left it",
        "the hub has the images in the order PPMID, ESME, HCALCS",
        "the devices have them in the order ESME, HCALCS, PPMID",
    ),
}
_AT_ONCE: Final = (
    "the image is installed as soon as it is there",
    "the delivery ends CONFIRMED; the Supplier hears DeliveredToHub, Transfer, Activation, Confirmed",
)
_ASKS: Final = "asks about the version, with the buttons YES, LATER"
CONSENT: Final[Mapping[str, Mapping[str, Words]]] = {
    "none": {
        PATIENT: ("the screen says nothing", "the DCC hears nothing of the consumer", *_AT_ONCE),
        UNWILLING: ("the screen says nothing", "the DCC hears nothing of the consumer", *_AT_ONCE),
    },
    "notify": {
        PATIENT: ("the screen tells of the version", "the DCC hears TOLD", *_AT_ONCE),
        UNWILLING: ("the screen tells of the version", "the DCC hears TOLD", *_AT_ONCE),
    },
    "may_defer": {
        PATIENT: (
            f"the screen {_ASKS}; {_ASKS}",
            "no slot is taken while the consumer thinks",
            "the DCC hears ASKED, DEFERRED, ASKED, ACCEPTED",
            "the image is installed at the YES",
            _AT_ONCE[1],
        ),
        UNWILLING: (
            f"the screen {_ASKS}",
            "there is no button for NO",
            "no slot is taken while the consumer thinks",
            "the DCC hears ASKED, TOLD",
            "the image is installed unasked after 30 minutes",
            _AT_ONCE[1],
        ),
    },
    "may_refuse": {
        PATIENT: (
            f"the screen {_ASKS}, NO; {_ASKS}, NO",
            "no slot is taken while the consumer thinks",
            "the DCC hears ASKED, DEFERRED, ASKED, ACCEPTED",
            "the image is installed at the YES",
            _AT_ONCE[1],
        ),
        UNWILLING: (
            f"the screen {_ASKS}, NO",
            "no slot is taken while the consumer thinks",
            "the DCC hears ASKED, REFUSED",
            "the image is never installed",
            "the no stands for 365 days",
            "the delivery ends REFUSED; the Supplier hears DeliveredToHub, Transfer, Refused",
        ),
    },
}
_TERMINAL: Final = "the hub answers the terminal NOT_AUTHORIZED; the PPMID installs what it brings"
LOCAL_UPGRADE: Final[Mapping[str, Mapping[str, Words]]] = {
    "banned": {
        PATIENT: (
            _TERMINAL,
            "with a statement, refused as local_upgrades_banned, the inventory has 00030000, reported, unexplained",
        ),
        UNWILLING: (
            _TERMINAL,
            "without a statement the inventory has 00030000, reported, unexplained",
            "with a statement, refused as local_upgrades_banned, the inventory has 00030000, reported, unexplained",
        ),
    },
    "attested": {
        PATIENT: (
            _TERMINAL,
            "with a statement, kept until the device agrees, the inventory has 00030000, reported, attested",
        ),
        UNWILLING: (
            _TERMINAL,
            "without a statement the inventory has 00030000, reported, unexplained",
            "with a statement, which explains it, the inventory has 00030000, reported, attested",
        ),
    },
}
_N49: Final = "the Supplier hears once of 00030000 where the inventory had {}"
_INSTALLED, _KEPT_OUT = _N49.format("00020000"), _N49.format("00010000")
_SILENCE: Final = "the Supplier hears of no other version"
CONSENT_AND_LOCAL_UPGRADE: Final[Mapping[tuple[str, str], Mapping[str, Words]]] = {
    ("none", "banned"): {PATIENT: (_INSTALLED,), UNWILLING: (_INSTALLED,)},
    ("none", "attested"): {PATIENT: (_SILENCE,), UNWILLING: (_INSTALLED,)},
    ("notify", "banned"): {PATIENT: (_INSTALLED,), UNWILLING: (_INSTALLED,)},
    ("notify", "attested"): {PATIENT: (_SILENCE,), UNWILLING: (_INSTALLED,)},
    ("may_defer", "banned"): {PATIENT: (_INSTALLED,), UNWILLING: (_INSTALLED,)},
    ("may_defer", "attested"): {PATIENT: (_SILENCE,), UNWILLING: (_INSTALLED,)},
    ("may_refuse", "banned"): {PATIENT: (_INSTALLED,), UNWILLING: (_KEPT_OUT,)},
    ("may_refuse", "attested"): {PATIENT: (_SILENCE,), UNWILLING: (_KEPT_OUT,)},
}

Row = tuple[str, Words]
"""What the sentences are about, and the sentences."""


def promised(choice: Choice, home: str) -> list[Row]:
    """What the tables promise for one home under a choice of policies."""
    c = choice
    return [
        (f"slots {c.slots}", SLOTS[c.slots]),
        (f"priority {c.priority}", PRIORITY[c.priority]),
        (f"slots {c.slots}, priority {c.priority}", SLOTS_AND_PRIORITY[c.slots, c.priority]),
        (f"consent {c.consent}", CONSENT[c.consent][home]),
        (f"local upgrades {c.local}", LOCAL_UPGRADE[c.local][home]),
        (f"consent {c.consent}, local upgrades {c.local}", CONSENT_AND_LOCAL_UPGRADE[c.consent, c.local][home]),
    ]


def said(choice: Choice, seen: Seen) -> list[Row]:
    """The same sentences, said of what was seen in that home."""
    c = choice
    return [
        (f"slots {c.slots}", (_slot(seen, PPMID), _slot(seen, ESME))),
        (f"priority {c.priority}", _priority(seen)),
        (f"slots {c.slots}, priority {c.priority}", (_slot(seen, HCALCS), *_orders(seen))),
        (f"consent {c.consent}", _consent(seen)),
        (f"local upgrades {c.local}", _local_upgrade(seen)),
        (f"consent {c.consent}, local upgrades {c.local}", _mismatches(seen)),
    ]


def _slot(seen: Seen, kind: DeviceType) -> str:
    taken, times = seen.taken[kind], seen.refused[kind]
    slot = "its own slot" if taken.slot == str(seen.device(kind)) else f"slot {taken.slot}"
    start = f"the {kind}'s image goes into {slot}"
    if times == 0:
        return f"{start}, at once"
    before = [
        other
        for other, place in seen.taken.items()
        if place.slot == taken.slot and place.at < taken.at and seen.left[other] <= taken.at
    ]
    once = f", once the {_listed(before)} has left it" if before else ", which nobody had"
    return f"{start} after {times} refusal{'s' if times > 1 else ''}{once}"


def _priority(seen: Seen) -> Words:
    meters, mine = seen.blocks[ESME], seen.blocks[PPMID]
    begin, end = meters[0].at, meters[-1].at
    within = [block for block in mine if begin <= block.at <= end]
    offsets = [block.offset for block in mine]
    once = "gets every block once" if len(set(offsets)) == len(offsets) else "gets blocks again"
    gaps = [(later.at - earlier.at, earlier, later) for earlier, later in itertools.pairwise(mine)]
    gap_ms, stopped, resumed = max(gaps, key=lambda gap: gap[0])
    where = "where it stopped" if 0 < stopped.offset < resumed.offset == stopped.offset + BLOCK else "elsewhere"
    wait = f"is told to wait, goes on {'a minute' if gap_ms // MINUTE == 1 else f'{gap_ms} ms'} later {where},"
    return (
        f"while the ESME fetches its image, the PPMID {'goes on fetching' if within else 'gets nothing'}",
        f"the PPMID {wait if seen.aside[PPMID] else 'is never told to wait,'} and {once}",
    )


def _orders(seen: Seen) -> Words:
    have = {kind: blocks[-1].at for kind, blocks in seen.blocks.items()}
    return (
        f"the hub has the images in the order {_in_order(seen.held)}",
        f"the devices have them in the order {_in_order(have)}",
    )


def _in_order(when: Mapping[DeviceType, int]) -> str:
    """Devices by the time of something; what came together stands together."""
    ranked = sorted(when, key=lambda kind: when[kind])
    return ", ".join(_listed(group) for _, group in itertools.groupby(ranked, key=lambda kind: when[kind]))


def _consent(seen: Seen) -> Words:
    asked = [_shown(text, buttons) for _, (text, buttons) in sorted(seen.screen.items())]
    heard = ", ".join(seen.consent) or "nothing of the consumer"
    sentences = [f"the screen {'; '.join(asked) or 'says nothing'}"]
    sentences += [f"there is no button for {answer}" for answer in seen.no_button]
    if seen.slots_while_asked is not None:
        taken = ", ".join(seen.slots_while_asked)
        sentences += [f"{f'slot {taken}' if taken else 'no slot'} is taken while the consumer thinks"]
    sentences += [f"the DCC hears {heard}", _installed(seen)]
    sentences += [f"the no stands for {ms // DAY} days" for ms in seen.no_stands_ms]
    sentences += [f"the delivery ends {seen.ends[PPMID]}; the Supplier hears {', '.join(seen.alerts)}"]
    return tuple(sentences)


def _shown(text: str, buttons: Iterable[Answer]) -> str:
    of_what = "the version" if f"{NEW:08X}" in text else "something else"
    return f"asks about {of_what}, with the buttons {', '.join(buttons)}" if buttons else f"tells of {of_what}"


def _installed(seen: Seen) -> str:
    ran = next((at for at, version in seen.ran if version == NEW), None)
    if ran is None:
        return "the image is never installed"
    since = seen.pressed[-1][0] if seen.pressed else seen.blocks[PPMID][-1].at
    minutes = (ran - since) // MINUTE
    when = f" after {minutes} minutes" if minutes else ""
    if seen.pressed:
        return f"the image is installed{when} at the {seen.pressed[-1][1]}"
    return f"the image is installed unasked{when}" if when else "the image is installed as soon as it is there"


def _local_upgrade(seen: Seen) -> Words:
    runs = seen.ran[-1][1] == LOCAL if seen.ran else False
    answers = _listed(seen.terminal)
    return (
        f"the hub answers the terminal {answers}; the PPMID {'installs' if runs else 'refuses'} what it brings",
        *(f"{_stated(told)} the inventory has {told.version:08X}, {told.origin}" for told in seen.told),
    )


def _stated(told: Told) -> str:
    plain = {
        "none": "without a statement",
        "kept": "with a statement, kept until the device agrees,",
        "explains": "with a statement, which explains it,",
    }
    return plain.get(told.statement, f"with a statement, refused as {told.statement},")


def _mismatches(seen: Seen) -> Words:
    told = seen.told[-1].mismatches
    if not told:
        return (_SILENCE,)
    times = "once" if len(told) == 1 else f"{len(told)} times"
    return tuple(
        f"the Supplier hears {times} of {found:08X} where the inventory had {known:08X}"
        for known, found in dict.fromkeys(told)
    )


def _listed(names: Iterable[object]) -> str:
    return " and ".join(str(name) for name in names)


_SUBJECTS: Final = ("slots", "priority", "consent", "local")
WHOSE: Final = {PATIENT: "says LATER and then YES", UNWILLING: "says NO"}


def page(heard: Mapping[str, Mapping[str, Counter[Words]]]) -> str:
    """What was said under each heading of each home, and how often, for people; where policies meet comes last."""
    lines: list[str] = []
    for heading in sorted(heard, key=lambda heading: (heading.count(","), _SUBJECTS.index(heading.split()[0]))):
        homes = heard[heading]
        alike = len({frozenset(sayings) for sayings in homes.values()}) == 1
        for home, sayings in list(homes.items())[: 1 if alike else None]:
            lines += ["", heading if alike else f"{heading}; the consumer {WHOSE[home]}"]
            for words, times in sayings.items():
                lines += [f"  in {times} combinations:", *(f"    - {sentence}" for sentence in words)]
    return "\n".join(lines)
