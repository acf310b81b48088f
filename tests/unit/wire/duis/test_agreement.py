"""Our schema against the official one, in both directions; where they differ, the case is in disagreements.py."""

import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

import hanota.wire.duis
from hanota.wire.duis import (
    DuisMalformed,
    SchemaInvalid,
    UnsupportedRequest,
    UnsupportedResponse,
    check_schema,
    parse_safely,
    read_request,
    read_response,
    write_request,
    write_response,
)
from hanota.wire.duis.elements import SR
from hanota.wire.duis.requests import REQUEST_BODIES
from helpers.shared import shared
from unit.wire.duis.disagreements import READING, SCHEMA, reason
from unit.wire.duis.mangling import TEXTS, mangled
from unit.wire.duis.official import official_schema
from unit.wire.duis.strategies import requests, responses

documents = requests.map(write_request) | responses.map(write_response)


def ours_to_judge(root):
    """Say whether a document is a message that hanota speaks, valid or not; both schemas have a say about others."""
    if root.tag == f"{{{SR}}}Request":
        body = root.find("{*}Body")
        return body is not None and len(body) > 0 and etree.QName(body[0]).localname in REQUEST_BODIES
    try:
        read_response(root)
    except UnsupportedResponse:
        return False
    except SchemaInvalid:
        pass
    return True


def verdicts(octets):
    """Judge by both; ours sees the document as intake does, theirs as it is. Give what each has against it."""
    ours = [str(problem) for problem in check_schema(parse_safely(octets))]
    schema = official_schema()
    schema.validate(etree.fromstring(octets))
    return ours, [f"{entry.path} {entry.message}" for entry in schema.error_log]


def disagree(octets):
    """Say how the two judge a document differently for a reason that isn't listed; None if they don't."""
    try:
        ours, theirs = verdicts(octets)
        root = parse_safely(octets)
    except (DuisMalformed, etree.XMLSyntaxError):
        return None  # no XML, or such XML as no schema comes to see
    if bool(ours) == bool(theirs) or not ours_to_judge(root):
        return None
    unlisted = [told for told in ours if not reason(told)] + [told for told in theirs if not reason(told, theirs=True)]
    return (unlisted, octets.decode(errors="replace")) if unlisted else None


# Generated documents ---------------------------------------------------------------------------------------------


@given(documents)
def test_both_accept_every_document_that_hanota_writes(octets):
    assert verdicts(octets) == ([], [])


def leaves(octets):
    """Give the places of all texts in a document, those of a signature left out."""
    end = octets.find(b"<ds:Signature")
    return list(re.finditer(rb"<sr:\w+>([^<>]*)</sr:", octets[: end if end >= 0 else None]))


@settings(max_examples=5 * settings.default.max_examples)
@given(documents, st.integers(1, 3), st.randoms(use_true_random=False))
def test_both_agree_on_every_mutated_document(octets, changes, rng):
    for _ in range(changes):
        try:
            octets = mangled(octets, rng)
        except etree.XMLSyntaxError:
            break
    assert not disagree(octets)


@settings(max_examples=5 * settings.default.max_examples)
@given(documents, st.data())
def test_both_agree_on_every_odd_text_in_a_generated_document(octets, data):
    places = leaves(octets)
    place = data.draw(st.sampled_from(places))
    text = data.draw(st.sampled_from(TEXTS) | st.text("0123456789ABCDEF-:,.TZ Nn4G", max_size=40))
    assert not disagree(octets[: place.start(1)] + text.encode() + octets[place.end(1) :])


# The industry's documents ----------------------------------------------------------------------------------------


def reference_documents():
    """Give every reference document of a kind that hanota speaks."""
    for path in sorted((shared() / "duis").rglob("*")):
        if path.suffix.lower() == ".xml":
            octets = path.read_bytes()
            try:
                root = parse_safely(octets)
            except DuisMalformed:
                continue
            if ours_to_judge(root):
                yield path.name, octets


def test_both_judge_every_reference_document_alike():
    judged = {name: verdicts(octets) for name, octets in reference_documents()}
    refused = {name for name, found in judged.items() if found != ([], [])}
    assert refused == {"readfw-response-invalid.xml"}
    assert all(judged["readfw-response-invalid.xml"])
    assert len(judged) >= 40


def test_both_agree_on_every_odd_text_in_every_place_of_the_reference_documents():
    seen = set()
    for _, octets in reference_documents():
        for place in leaves(octets):
            context = (octets[octets.find(b"<sr:Body>") :][:90], place[0][:40])  # the same place of the same message
            if context in seen:
                continue
            seen.add(context)
            for text in TEXTS:
                found = disagree(octets[: place.start(1)] + text.encode() + octets[place.end(1) :])
                assert not found, found


def test_both_agree_on_mangled_reference_documents():
    rng = random.Random(20260115)
    bases = [octets for _, octets in reference_documents()]
    for _ in range(1500):
        found = disagree(mangled(rng.choice(bases), rng))
        assert not found, found


def refusal(root):
    """Say why a document that passes our schema is not read, if it isn't."""
    try:
        read_request(root) if root.tag == f"{{{SR}}}Request" else read_response(root)
    except (UnsupportedRequest, SchemaInvalid) as told:
        return str(told)
    return None


def test_what_passes_our_schema_is_read_save_what_is_listed():
    rng = random.Random(20260116)
    bases = [octets for _, octets in reference_documents()]
    told = []
    for _ in range(1500):
        try:
            root = parse_safely(mangled(rng.choice(bases), rng))
        except DuisMalformed:
            continue
        if not check_schema(root):
            told.append(refusal(root))
    assert told.count(None) > 50
    assert all(why is None or re.search("is not served|carries .+, not |have no meaning", why) for why in told)


@pytest.mark.parametrize(("count", "fits"), [(17, True), (18, False)])
def test_an_inventory_has_17_devices_by_both(count, fits):
    octets = (shared() / "duis" / "made" / "sync_I0_8.2_inventory.xml").read_bytes()
    root = etree.fromstring(octets)
    devices = root.find(".//{*}DSPInventory")
    one = etree.tostring(devices[0])
    devices[:] = [etree.fromstring(one) for _ in range(count)]
    ours, theirs = verdicts(etree.tostring(root))
    assert (not ours, not theirs) == (fits, fits)


# The list itself -------------------------------------------------------------------------------------------------


def spoilt(row):
    name, replaced = row.example
    octets = (shared() / "duis" / "made" / name).read_bytes()
    for old, new in replaced.items():
        assert old in octets
        octets = octets.replace(old, new)
    return octets


@pytest.mark.parametrize("row", SCHEMA, ids=[row.name for row in SCHEMA])
def test_each_listed_disagreement_is_one(row):
    ours, theirs = verdicts(spoilt(row))
    assert bool(ours) is bool(row.ours)
    assert bool(theirs) is bool(row.theirs)
    assert all(reason(told) is row for told in ours)
    assert all(reason(told, theirs=True) is row for told in theirs)


@pytest.mark.parametrize("row", READING, ids=[row.name for row in READING])
def test_each_document_that_is_valid_by_both_but_not_read_is_refused_for_its_reason(row):
    octets = spoilt(row)
    assert verdicts(octets) == ([], [])
    root = parse_safely(octets)
    with pytest.raises(SchemaInvalid, match=row.ours):
        read_request(root) if root.tag == f"{{{SR}}}Request" else read_response(root)


def test_the_head_of_our_schema_tells_every_disagreement():
    text = (Path(hanota.wire.duis.__file__).parent / "schema" / "hanota.xsd").read_text("utf-8")
    head = text[: text.index("-->")]
    assert [row.name for row in (*SCHEMA, *READING) if row.name not in head] == []
