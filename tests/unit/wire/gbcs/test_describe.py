"""What a message says, field by field, whatever it is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.wire.gbcs.describe import describe
from hanota.wire.gbcs.message import Message, write_message
from hanota.wire.gbcs.payload import write_payload
from hanota.wire.gbcs.usecases import USE_CASES
from hanota.wire.smki.keystore import KeyStore
from helpers.gbcs import SUPPLIER, carriers, certificates, messages, vectors

NOBODY = KeyStore()


def joined(facts: dict) -> str:
    return "".join(row["hex"] for row in facts["fields"])


@given(messages())
def test_the_fields_of_a_message_are_all_its_octets_in_order(message: Message) -> None:
    octets = write_message(message)
    facts = describe(octets, NOBODY)
    end = len(octets) if facts["error"] is None else facts["error"]["offset"]
    assert bytes.fromhex(joined(facts))[:end] == octets[:end]
    assert json.loads(json.dumps(facts)) == facts


@given(carriers())
def test_a_payload_is_shown_in_words(carrier) -> None:
    header, payload = carrier
    octets = write_message(Message(header=header, payload=write_payload(payload, header)))
    facts = describe(octets, NOBODY)
    assert facts["error"] is None
    assert bytes.fromhex(joined(facts)) == octets
    assert facts["payload"]["kind"] == type(payload).__name__
    assert json.loads(json.dumps(facts)) == facts


@given(st.binary(max_size=200))
def test_noise_is_described_up_to_where_it_makes_no_sense(noise: bytes) -> None:
    facts = describe(noise, NOBODY)
    if facts["error"] is not None:
        offset = facts["error"]["offset"]
        assert 0 <= offset <= len(noise)
    assert noise.startswith(bytes.fromhex(joined(facts)))


@given(carriers(), st.data())
def test_a_damaged_message_is_described_up_to_where_it_makes_no_sense(carrier, data: st.DataObject) -> None:
    header, payload = carrier
    octets = bytearray(write_message(Message(header=header, payload=write_payload(payload, header), mac=bytes(12))))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    facts = describe(bytes(octets), NOBODY)
    assert octets.startswith(bytes.fromhex(joined(facts)))
    assert facts["error"] is None or 0 <= facts["error"]["offset"] <= len(octets)


@pytest.mark.parametrize("cut", range(0, 182, 7))
def test_a_message_cut_short_is_pointed_at_where_it_ends(cut: int) -> None:
    octets = vectors()["CS06_11.3_FUTURE_DATED_SUCCESS_COMMAND"]
    facts = describe(octets[:cut], NOBODY)
    assert facts["error"]["code"].startswith("HOTA-GBCS-00")
    assert facts["error"]["offset"] <= cut
    assert facts.keys() == describe(octets, NOBODY).keys()


def test_a_wrong_octet_in_a_payload_is_counted_from_the_start_of_the_message() -> None:
    octets = vectors()["CS09_NA_8F8B_ALERT"]
    at = octets.index(bytes.fromhex("0203008f8b"))
    facts = describe(octets[:at] + b"\x04" + octets[at + 1 :], NOBODY)
    assert facts["error"]["offset"] == at
    assert facts["counter"] == 5000
    assert facts["signature"]["verdict"] == "can't be checked"
    assert [row["meaning"] for row in facts["fields"] if row["field"] == "payload"] == ["not taken apart"]


def test_a_known_message_is_told_with_parties_counters_and_verdicts() -> None:
    facts = describe(
        vectors()["CS08_11.2_SUCCESS_COMMAND"],
        KeyStore(certificates=certificates()),
        lambda eui: "the supplier" if eui == SUPPLIER else None,
    )
    assert facts["use_case"]["code"] == "0129"
    assert facts["use_case"]["name"] == "CS08"
    assert facts["cra"] == "command"
    assert facts["originator"] == {"eui": "90-B3-D5-1F-30-00-00-02", "name": None}
    assert facts["supplementary_party"] == {"eui": str(SUPPLIER), "name": "the supplier"}
    assert (facts["counter"], facts["supplementary_counter"]) == (1300, 1000)
    assert facts["signature"]["verdict"] == "none"
    assert facts["mac"]["verdict"] == "can't be checked"
    assert "private" in facts["mac"]["grounds"]
    rows = {row["field"]: row for row in facts["fields"]}
    assert rows["originator counter"]["offset"] == 16
    assert rows["supplementary counter"]["offset"] == 54
    assert rows["MAC"] == {
        "field": "MAC",
        "offset": 66,
        "length": 12,
        "hex": "BDC5E70406017D96EE0F9759",
        "meaning": "AES-128-GCM, 12 octets",
        "clause": "GBCS 4.3.3.4",
    }


def test_an_unknown_use_case_is_told_as_far_as_its_header_goes() -> None:
    octets = vectors()["CS14_NA_8F12_ALERT"].replace(bytes.fromhex("020018"), bytes.fromhex("020BAD"))
    facts = describe(octets, NOBODY)
    assert facts["error"] is None
    assert facts["use_case"] == {"code": "0BAD", "name": None, "title": None}
    assert facts["counter"] == 4000
    assert facts["originator"]["eui"] == "00-DB-12-34-56-78-90-A2"
    assert facts["payload"] is None
    assert "00-DB-12-34-56-78-90-A2" in facts["mac"]["grounds"]


def test_the_time_in_a_header_is_told() -> None:
    assert (
        describe(vectors()["CS06_11.3_IMMEDIATE_SUCCESS_RESPONSE"], NOBODY)["date_time"] == "2015-01-01T00:00:00.000Z"
    )


def test_use_cases_of_the_reference_messages_have_names() -> None:
    for name, octets in vectors().items():
        known = describe(octets, NOBODY)["use_case"]
        assert known["title"], name
        assert known["name"] in (name.split("_")[0].removesuffix("Critical").removesuffix("Non"), known["code"])
    assert len(USE_CASES) > 150
    assert str(USE_CASES[0x012B]) == "CS09 how a PPMID's firmware activation ended"
