"""The documents of tests/vectors/duis: every message in every version, wherever this repository is."""

import importlib.util
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from hanota.base.vocabulary.duis import DuisVersion
from hanota.base.vocabulary.parties import CertificateRole
from hanota.wire.duis import (
    DuisMalformed,
    check_schema,
    describe,
    parse_safely,
    read_request,
    read_response,
    require_signature,
    sign,
    verify,
    write_request,
    write_response,
)
from hanota.wire.duis.alerts import DCC_ALERTS
from hanota.wire.duis.requests import REQUEST_BODIES
from hanota.wire.duis.responses import RESPONSE_BODIES, RESPONSE_CONTENTS
from hanota.wire.smki import read_certificate
from unit.wire.duis.official import official_schema, official_schema_5_1

FOLDER = Path(__file__).resolve().parents[3] / "vectors" / "duis"
NAMES = sorted(file.relative_to(FOLDER).with_suffix("").as_posix() for file in FOLDER.rglob("*.xml"))


@cache
def octets_of(name):
    return (FOLDER / f"{name}.xml").read_bytes()


@cache
def certificates():
    held = [read_certificate(file.read_bytes()) for file in (FOLDER / "certs").iterdir()]
    return {(one.issuer, one.serial): one for one in held}


def find(issuer, serial):
    return certificates().get((issuer, serial))


@cache
def script():
    found = importlib.util.spec_from_file_location("duis_vectors", FOLDER / "make.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def is_request(name):
    return "/request_" in name


def test_the_files_are_what_the_script_makes():
    made = script().documents()
    assert set(made) == set(NAMES)
    assert [name for name in NAMES if octets_of(name) != made[name]] == []
    held = {file.name: file.read_text("ascii") for file in (FOLDER / "certs").iterdir()}
    assert held == script().certificates()


def test_there_is_a_document_of_every_message_in_every_version():
    told = {name: describe(octets_of(name), find) for name in NAMES}
    plain = {"ServiceReference", "ServiceReferenceVariant"}
    kinds = {*REQUEST_BODIES, *DCC_ALERTS, *RESPONSE_BODIES} - {"DCCAlertMessage"} | RESPONSE_CONTENTS - plain
    for version in DuisVersion:
        of_version = {facts["carries"] for name, facts in told.items() if name.startswith(f"{version}/")}
        assert of_version == kinds
    assert all(name.startswith(f"{facts['schema_version']}/") for name, facts in told.items())


@pytest.mark.parametrize("name", NAMES)
def test_a_vector_is_valid_signed_and_written_as_it_was_read(name):
    root = parse_safely(octets_of(name))
    assert check_schema(root) == ()
    report = verify(root, find)
    signed = require_signature(report)
    assert report.signer.role is (CertificateRole.XML_SIGN if is_request(name) else CertificateRole.DSP_XML_SIGN)
    plain = parse_safely(signed)
    again = write_request(read_request(plain)) if is_request(name) else write_response(read_response(plain))
    assert sign(again, script().SIGNERS["request" if is_request(name) else "response"]) == octets_of(name)


def test_every_vector_is_valid_by_the_official_schema_5_4():
    assert [name for name in NAMES if not official_schema().validate(etree.fromstring(octets_of(name)))] == []


def test_the_vectors_of_5_1_are_valid_by_the_official_schema_5_1():
    first = [name for name in NAMES if name.startswith("5.1/")]
    assert [name for name in first if not official_schema_5_1().validate(etree.fromstring(octets_of(name)))] == []


@given(st.sampled_from(NAMES), st.data())
def test_a_vector_with_one_bit_changed_is_refused_or_says_the_same(name, data):
    octets = bytearray(octets_of(name))
    bit = data.draw(st.integers(0, len(octets) * 8 - 1))
    octets[bit // 8] ^= 1 << bit % 8
    try:
        report = verify(parse_safely(bytes(octets)), find)
    except DuisMalformed:
        return
    if report:  # a bit that canonical form doesn't keep, e.g. in the declaration
        assert report.signed_octets == verify(parse_safely(octets_of(name)), find).signed_octets
