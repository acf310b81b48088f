"""Uplinks read in plain values: whoever reads them, the same is believed."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.instant import HOUR, Instant
from hanota.base.vocabulary.devices import TransferResponseCode
from hanota.base.vocabulary.parties import KeyUsage
from hanota.model.returns import row_of
from hanota.process.hearing import Hearing, Taken
from hanota.process.intake import (
    Asked,
    Ignored,
    Plain,
    Spoken,
    read_plainly,
)
from hanota.process.intake.frames import Told
from hanota.records.store.reports import columns_of
from hanota.wire.wan import (
    ConsentAnswer,
    ConsentGiven,
    DeviceSeen,
    Fetch,
    GbcsUp,
    SeenWhy,
    StrangerSeen,
    Uplink,
    read_frame,
    write_frame,
)
from helpers.asking import dated_alert, receipt_alert
from helpers.premises import NOW
from helpers.uplinks import read_uplink_frame
from helpers.world import ESME, HUB, HUB_3, PPMID, PPMID_3, STRANGER, Bench, keys
from unit.process.test_intake_frames import FACTS, ccs08, cs08, cs09, receipt, uplink

LATER = Instant(NOW + HOUR)
SAID: Final = {
    "receipt": receipt(),
    "consent": ConsentGiven(order=3, answer=ConsentAnswer.DEFERRED, until=LATER),
    "seen": DeviceSeen(device=PPMID, file_version=7, why=SeenWhy.ASKED_FOR_IMAGE, message=0),
    "stranger": StrangerSeen(node=STRANGER, attempts=3),
    "CCS08": GbcsUp(data=ccs08(TransferResponseCode.FILE_TRANSFER_SUCCESS)),
    "CS09": GbcsUp(data=cs09()),
    "CS08": GbcsUp(data=cs08()),
    "0x00CE": GbcsUp(data=receipt_alert(NOW)),
    "0x00CA": GbcsUp(data=dated_alert(5, NOW)),
    "of another home": GbcsUp(data=cs09(device=PPMID_3)),
    "of nobody known": GbcsUp(data=cs09().replace(PPMID.octets, bytes(8))),
    "noise": GbcsUp(data=b"noise"),
}
FRAMES: Final = [
    *(uplink(said, event=number) for number, said in enumerate(SAID.values())),
    uplink(SAID["CS09"], event=100, signer=HUB_3),
    uplink(SAID["receipt"], event=101, hub=STRANGER, signer=HUB),
    write_frame(Fetch(hub=HUB, image_hash=bytes(32), offset=0, max_octets=100)),
    b"noise",
]


@pytest.fixture(scope="module")
def hearing() -> Hearing:
    return Hearing(Bench().store, lambda uplinks: lambda: read_plainly(uplinks), FACTS.seals_hold)


def plainly(said: Any) -> Plain:
    """What is read of an uplink with the keys of home 1 alone."""
    held = [keys().certificate(node, KeyUsage.DIGITAL_SIGNATURE).certified_key for node in (HUB, PPMID, ESME)]
    home = {key.eui.signed: key.point for key in held}
    (found,) = read_plainly([(uplink(said), home)])
    return found


def agree(hearing: Hearing, frames: list[bytes]) -> None:
    """Judge frames as the head end does, and each by itself as the intake does: nothing differs."""
    judged, alone = hearing.judge(hearing.listen(frames)), [read_uplink_frame(frame, FACTS) for frame in frames]
    told = [it for it in alone if isinstance(it, Told)]
    rows = [row_of(it.report) for it in told if it.report is not None]
    uplinks = [read_frame(frame) for frame in frames if isinstance(read_uplink_frame(frame, FACTS), Told)]
    sizes = {it.event: len(it.body) for it in uplinks if isinstance(it, Uplink)}
    assert judged.reports.equals(columns_of(rows))
    assert judged.taken == [
        Taken(it.hub, it.event, sizes[it.event] if it.report is not None else 0, it.why) for it in told
    ]
    passed = [it.opened.passed for it in told if it.opened is not None]
    assert judged.passed == [it for it in passed if it is not None]
    assert [it.opened() for it in judged.passed] == [it.opened for it in told if it.opened and it.opened.passed]
    assert judged.asked == [it for it in alone if isinstance(it, Asked)]
    assert sorted(it.why for it in judged.ignored) == sorted(it.why for it in alone if isinstance(it, Ignored))


@pytest.mark.parametrize("name", SAID)
def test_what_is_said_is_believed_alike_whoever_reads_it(hearing: Hearing, name: str) -> None:
    agree(hearing, [uplink(SAID[name])])


def test_many_frames_are_judged_in_the_order_in_which_they_came(hearing: Hearing) -> None:
    agree(hearing, FRAMES)
    agree(hearing, FRAMES[::-1])


@given(st.sampled_from(FRAMES), st.data())
def test_damage_is_judged_alike_whoever_reads_it(hearing: Hearing, frame: bytes, data: st.DataObject) -> None:
    octets = bytearray(frame)
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    agree(hearing, [bytes(octets), frame])


@pytest.mark.parametrize("name", ["receipt", "consent", "seen", "stranger", "CCS08", "CS09", "noise"])
def test_what_a_home_says_of_a_delivery_needs_no_more_than_its_keys(name: str) -> None:
    found = plainly(SAID[name])
    assert isinstance(found, Spoken)
    assert found.marks == (2 if name in {"CCS08", "CS09"} else 1)
    assert (found.row is None) == (found.why is not None) == (name == "noise")


def test_a_mac_is_left_to_who_knows_the_secret() -> None:
    found = plainly(SAID["CS08"])
    assert isinstance(found, Spoken)
    assert found.sealed is not None
    assert found.sealed.originator == PPMID
    (device,) = (held for held in (FACTS.certificate(PPMID, KeyUsage.KEY_AGREEMENT),) if held is not None)
    assert FACTS.seals_hold([(found.sealed.seal, device)]) == [True]


@pytest.mark.parametrize("name", ["CS08", "0x00CE", "0x00CA"])
def test_what_may_concern_users_comes_with_its_octets(name: str) -> None:
    found = plainly(SAID[name])
    assert isinstance(found, Spoken)
    assert found.passed is not None
    assert found.passed.octets == SAID[name].data
    assert found.passed.opened().octets == SAID[name].data


def test_who_is_none_of_the_home_is_left_to_who_asked() -> None:
    assert plainly(SAID["of another home"]) is None
    assert plainly(SAID["of nobody known"]) is None
