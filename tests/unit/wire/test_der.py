"""One encoding per value, one error for everything else."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.wire.der import DerMalformed, DerSchema, DerUnwritable

SMKI = DerSchema("hanota.wire.smki", "smki.asn")
FIRMWARE = DerSchema("hanota.wire.gbcs", "firmware.asn")

BAD_VERSION_READ = {
    "empty": "",
    "octets after the end": "3009040401234567020100" + "00",
    "length in two octets where one suffices": "308109040401234567020100",
    "number with a needless zero": "300a04040123456702020000",
    "negative number": "30090404012345670201ff",
    "number above its range": "300a040401234567020201f4",
    "version of five octets": "300a04050123456789020100",
    "field missing": "3006040401234567",
    "unknown field added": "300b040401234567020100" + "0500",
    "length beyond the end": "3020040401234567020100",
    "indefinite length": "3080040401234567020100" + "0000",
    "length of a hundred octets": "30e4" + "ff" * 100,
    "another tag": "3109040401234567020100",
}


@pytest.mark.parametrize("octets", BAD_VERSION_READ.values(), ids=BAD_VERSION_READ.keys())
def test_other_octets_than_the_one_encoding_are_refused(octets: str) -> None:
    with pytest.raises(DerMalformed) as caught:
        FIRMWARE.read("VersionRead", bytes.fromhex(octets))
    assert caught.value.facts["type"] == "VersionRead"


def test_what_was_written_reads_back() -> None:
    value = {"firmwareVersion": bytes.fromhex("01234567"), "responseCode": 1}
    octets = FIRMWARE.write("VersionRead", value)
    assert octets.hex() == "3009040401234567020101"
    assert FIRMWARE.read("VersionRead", octets) == value


@pytest.mark.parametrize(
    "value",
    [{}, {"firmwareVersion": b"123", "responseCode": 1}, {"firmwareVersion": b"1234", "responseCode": 256}, 7, None],
)
def test_a_value_without_room_is_refused(value: object) -> None:
    with pytest.raises(DerUnwritable):
        FIRMWARE.write("VersionRead", value)


@given(st.sampled_from(["TransferAlert", "ActivationAlert", "ReadVersion", "VersionRead"]), st.binary(max_size=80))
def test_noise_is_refused_or_keeps_its_octets(type_name: str, noise: bytes) -> None:
    with contextlib.suppress(DerMalformed):
        assert FIRMWARE.write(type_name, FIRMWARE.read(type_name, noise)) == noise


@given(
    st.binary(max_size=60).map(lambda tail: bytes.fromhex("3019060d") + tail)
    | st.binary(max_size=30).map(lambda oid: b"\x30" + bytes((len(oid) + 12, 6, len(oid))) + oid + b"\x04\x08abcdefgh")
)
def test_noise_in_a_hardware_module_name_is_refused_or_keeps_its_octets(noise: bytes) -> None:
    with contextlib.suppress(DerMalformed):
        assert SMKI.write("HardwareModuleName", SMKI.read("HardwareModuleName", noise)) == noise
