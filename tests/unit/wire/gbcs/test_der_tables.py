"""The tables of DER payloads say what `firmware.asn` says: a compiler of ASN.1 reads and refuses the same octets."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.base.instant import generalized
from hanota.wire.der import DerMalformed, DerSchema
from hanota.wire.gbcs import asn1
from hanota.wire.gbcs.codec import Codec
from hanota.wire.gbcs.errors import MessageUnwritable
from hanota.wire.gbcs.message import Cra, Header, MessageCode
from hanota.wire.gbcs.values import Payload
from helpers.gbcs import CARRIED

FIRMWARE = DerSchema("hanota.wire.gbcs", "firmware.asn")
HEADER = Header(cra=Cra.ALERT, counter=1, originator=Eui64(1), recipient=Eui64(2), message_code=MessageCode(0))
CS06, CS08 = MessageCode.CS06_ACTIVATE_FIRMWARE, MessageCode.CS08_READ_PPMID_HCALCS_FIRMWARE_VERSION
TYPES: dict[str, tuple[Codec, tuple[MessageCode, Cra]]] = {
    "TransferAlert": (asn1.TRANSFER_ALERT, (MessageCode.CCS08_FIRMWARE_TRANSFER_ALERT, Cra.ALERT)),
    "ActivationAlert": (asn1.ACTIVATION_ALERT, (MessageCode.CS09_PPMID_FIRMWARE_ACTIVATION_ALERT, Cra.ALERT)),
    "ReadVersion": (asn1.READ_VERSION, (CS08, Cra.COMMAND)),
    "VersionRead": (asn1.VERSION_READ, (CS08, Cra.RESPONSE)),
    "ActivateFirmware": (asn1.ACTIVATE_FIRMWARE, (CS06, Cra.COMMAND)),
    "ActivateFirmwareResponse": (asn1.ACTIVATION_RESPONSE, (CS06, Cra.RESPONSE)),
    "DatedActivation": (asn1.DATED_ACTIVATION, (MessageCode.FUTURE_DATED_FIRMWARE_ACTIVATION_ALERT, Cra.ALERT)),
}
TIME = re.compile(rb"\x18\x0f([0-9]{14}Z)")


def compiled(type_name: str, octets: bytes) -> bool:
    """Whether the compiler's reading takes octets. It takes times before 1970, for which we have no instant."""
    try:
        FIRMWARE.read(type_name, octets)
    except DerMalformed:
        return False
    return all(found.group(1) >= b"1970" for found in TIME.finditer(octets))


def ours(codec: Codec, octets: bytes) -> Payload | None:
    try:
        return codec.read(octets, HEADER)
    except (DerMalformed, MessageUnwritable):
        return None


def test_every_payload_in_der_is_held_against_the_compiler() -> None:
    made = {value for name, value in vars(asn1).items() if isinstance(value, Codec)}
    assert made == {codec for codec, _ in TYPES.values()}


@pytest.mark.parametrize("type_name", TYPES)
@given(data=st.data())
def test_what_is_written_is_what_the_compiler_reads(type_name: str, data: st.DataObject) -> None:
    codec, use_case = TYPES[type_name]
    octets = codec.write(data.draw(CARRIED[use_case]), HEADER)
    value = FIRMWARE.read(type_name, octets)
    if isinstance(value, dict) and "executionDateTime" in value:
        at = getattr(ours(codec, octets), "execution" if type_name == "ActivateFirmware" else "at")
        assert value["executionDateTime"].strftime("%Y%m%d%H%M%SZ") == generalized(at)


@pytest.mark.parametrize("type_name", TYPES)
@given(noise=st.none() | st.binary(max_size=70), data=st.data())
def test_both_refuse_the_same_octets(type_name: str, noise: bytes | None, data: st.DataObject) -> None:
    codec, use_case = TYPES[type_name]
    damaged = bytearray(codec.write(data.draw(CARRIED[use_case]), HEADER) if noise is None else noise)
    for _ in range(data.draw(st.integers(0, 2))):
        place = data.draw(st.integers(0, len(damaged)))
        damaged[place : place + data.draw(st.integers(0, 1))] = data.draw(st.binary(max_size=2))
    octets = bytes(damaged)
    payload = ours(codec, octets)
    assert (payload is not None) == compiled(type_name, octets)
    if payload is not None:
        assert codec.write(payload, HEADER) == octets


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0),
        ("0101ff", 0),
        ("3009040401234567020100" + "00", 11),
        ("308109040401234567020100", 1),
        ("300a04040123456702020000", 10),
        ("30090404012345670201ff", 10),
        ("300a040401234567020201f4", 10),
        ("300a04050123456789020100", 3),
        ("3006040401234567", 8),
        ("300b040401234567020100" + "0500", 11),
        ("3020040401234567020100", 1),
        ("3009040401234567020200", 9),
    ],
)
def test_the_octet_that_is_wrong_is_named(text: str, offset: int) -> None:
    with pytest.raises(DerMalformed) as caught:
        asn1.VERSION_READ.read(bytes.fromhex(text), HEADER)
    assert caught.value.facts["offset"] == offset
