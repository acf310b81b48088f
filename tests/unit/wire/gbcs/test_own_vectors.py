"""The messages of tests/vectors/gbcs: every codec, signature and MAC, wherever this repository is."""

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from hanota.wire.gbcs.errors import GbcsMalformed
from hanota.wire.gbcs.message import Message, read_message, write_message
from hanota.wire.gbcs.payload import CODECS, read_payload, write_payload
from hanota.wire.gbcs.verdicts import Verdict, judge_mac, judge_signature
from hanota.wire.smki.certificate import Credential
from hanota.wire.smki.keystore import KeyStore, read_folder

FOLDER = Path(__file__).resolve().parents[3] / "vectors" / "gbcs"
NAMES = sorted(file.stem for file in FOLDER.glob("*.hex"))
UNMARKED = [name for name in NAMES if "pre_command" in name and not name.endswith("signed")]


def octets_of(name: str) -> bytes:
    return bytes.fromhex((FOLDER / f"{name}.hex").read_text("ascii"))


@cache
def keys() -> KeyStore:
    """The certificates, and the private keys that MACs are checked with."""
    numbers = dict(line.split() for line in (FOLDER / "agreement-keys.txt").read_text("ascii").splitlines())
    held = read_folder(FOLDER / "certs")
    private = [
        Credential(one, ec.derive_private_key(int(numbers[str(one.eui)], 16), ec.SECP256R1()))
        for one in held.certificates()
        if one.usage == "KA"
    ]
    return KeyStore(private, held.certificates())


def marks(message: Message) -> set[Verdict]:
    return {judge_signature(message, keys()).verdict, judge_mac(message, keys()).verdict}


@cache
def script() -> ModuleType:
    found = importlib.util.spec_from_file_location("gbcs_vectors", FOLDER / "make.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_the_files_are_what_the_script_makes() -> None:
    made = script()
    assert {name: octets_of(name) for name in NAMES} == made.messages()
    held = {file.name: file.read_text("ascii") for file in (FOLDER / "certs").iterdir()}
    assert held == made.certificates()
    assert (FOLDER / "agreement-keys.txt").read_text("ascii") == made.private_numbers()


@pytest.mark.parametrize("name", NAMES)
def test_a_vector_is_written_as_it_was_read(name: str) -> None:
    message = read_message(octets_of(name))
    payload = read_payload(message)
    assert write_message(message) == octets_of(name)
    assert payload is None or write_payload(payload, message.header) == message.payload


def test_every_payload_that_is_known_has_a_vector() -> None:
    headers = [read_message(octets_of(name)).header for name in NAMES]
    assert {(header.message_code, header.cra) for header in headers} >= CODECS.keys()


@pytest.mark.parametrize("name", NAMES)
def test_the_marks_of_a_vector_hold(name: str) -> None:
    found = marks(read_message(octets_of(name)))
    assert found <= {Verdict.HOLDS, Verdict.NONE}
    assert (Verdict.HOLDS in found) == (name not in UNMARKED)


@given(st.sampled_from([name for name in NAMES if name not in UNMARKED]), st.data())
def test_a_vector_with_one_bit_changed_is_refused_or_does_not_hold(name: str, data: st.DataObject) -> None:
    octets = bytearray(octets_of(name))
    bit = data.draw(st.integers(0, len(octets) * 8 - 1))
    octets[bit // 8] ^= 1 << bit % 8
    try:
        message = read_message(bytes(octets))
    except GbcsMalformed:
        return
    assert not marks(message) <= {Verdict.HOLDS, Verdict.NONE}
