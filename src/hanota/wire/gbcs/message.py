"""GBCS messages as values, read and written octet for octet.

    DD  MAC header                      only where a MAC is present
     └─ DF  grouping header ‖ payload ‖ signature
         ‖ MAC
Source: DLMS general-ciphering and general-signing, as GBCS profiles them for messages of remote parties.
"""

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final, NoReturn

from hanota.base.errors import require
from hanota.base.eui import EUI64_OCTETS, Eui64
from hanota.base.openenum import OpenIntEnum
from hanota.wire.ecdsa import SIGNATURE_OCTETS
from hanota.wire.gbcs.errors import MessageMalformed, MessageUnwritable
from hanota.wire.gbcs.octets import Reader, write_field

GENERAL_CIPHERING: Final = b"\xdd"
GENERAL_SIGNING: Final = b"\xdf"
SECURITY_HEADER: Final = bytes.fromhex("1100000000")  # security control: authenticated; invocation counter: 0
MAC_OCTETS: Final = 12
DATE_TIME_OCTETS: Final = 12
COUNTER_OCTETS: Final = 8

_CIPHERING_FIELDS_ABSENT: Final = bytes(6)  # transaction-id, originator, recipient, date-time, other, key-info
_GROUPED: Final = SECURITY_HEADER + GENERAL_SIGNING  # follows the length of what is ciphered
_CODE_OCTETS: Final = 2
_COUNTER_MAX: Final = (1 << 64) - 1
_CODE_MAX: Final = 0xFFFF

# A header without a date-time: length, CRA flag, counter; length, originator; length, recipient; the lengths of
# date-time and other information; message code. Then may follow a supplementary party, and its counter.
_USUAL: Final = Struct(">BBQBQBQBBH")
_USUAL_LENGTHS: Final = (1 + COUNTER_OCTETS, EUI64_OCTETS, EUI64_OCTETS, 0)
_SUPPLEMENTARY: Final = {form.size: form for form in (Struct(">"), Struct(">Q"), Struct(">QQ"))}


class Cra(IntEnum):
    """Whether a message is a command, a response or an alert (GBCS CRA flag)."""

    COMMAND = 1
    RESPONSE = 2
    ALERT = 3


class MessageCode(OpenIntEnum):
    """Use case of a message: those that firmware meets."""

    CS06_ACTIVATE_FIRMWARE = 0x0012
    ECS52_READ_FIRMWARE_VERSION = 0x0059
    GCS38_READ_FIRMWARE_VERSION = 0x0084
    FUTURE_DATED_FIRMWARE_ACTIVATION_ALERT = 0x00CA
    FIRMWARE_DISTRIBUTION_RECEIPT_ALERT_ESME = 0x00CE
    FIRMWARE_DISTRIBUTION_RECEIPT_ALERT_GSME = 0x00CF
    CCS08_FIRMWARE_TRANSFER_ALERT = 0x0128
    CS08_READ_PPMID_HCALCS_FIRMWARE_VERSION = 0x0129
    CS09_PPMID_FIRMWARE_ACTIVATION_ALERT = 0x012B


_CRAS: Final = {int(cra): cra for cra in Cra}
_CODES: Final = {int(code): code for code in MessageCode}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Grouping header: who says what to whom.

    `counter` is the originator's, and with `cra`, originator and recipient it tells messages apart. The supplementary
    party is the user on whose behalf the ACB acts, with that user's counter; `supplementary_rest` is what further
    octets of other information say (an originator's counter or a certificate), kept as they are. `date_time` is absent
    or a DLMS date-time of 12 octets. Raises MessageUnwritable for what the header has no form for.
    """

    cra: Cra
    counter: int
    originator: Eui64
    recipient: Eui64
    message_code: MessageCode
    supplementary_party: Eui64 | None = None
    supplementary_counter: int | None = None
    supplementary_rest: bytes = b""
    date_time: bytes = b""

    def __post_init__(self) -> None:
        if not 0 <= self.counter <= _COUNTER_MAX:
            _unwritable("counter", self.counter, "64 bits")
        if not 0 <= self.message_code <= _CODE_MAX:
            _unwritable("message code", self.message_code, "16 bits")
        if len(self.date_time) not in (0, DATE_TIME_OCTETS):
            _unwritable("date-time", self.date_time.hex(), "0 or 12 octets")
        party, counter, rest = self.supplementary_party, self.supplementary_counter, self.supplementary_rest
        if counter is not None and party is None:
            _unwritable("supplementary party", party, "one, as it has a counter")
        if counter is not None and not 0 <= counter <= _COUNTER_MAX:
            _unwritable("supplementary counter", counter, "64 bits")
        if rest and counter is None:
            _unwritable("supplementary counter", counter, "one, as more follows it")
        if 0 < len(rest) < COUNTER_OCTETS:
            _unwritable("rest", rest.hex(), f"0 or ≥ {COUNTER_OCTETS} octets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message. `signature` is r‖s, or empty for none; `mac` is None where the message has no MAC header.

    `signature` is None in a pre-command of DCC Boxed before 1.4.1, which leaves out even the signature's length.
    """

    header: Header
    payload: bytes
    signature: bytes | None = b""
    mac: bytes | None = None

    def __post_init__(self) -> None:
        signature, mac = self.signature, self.mac
        if signature is not None and len(signature) not in (0, SIGNATURE_OCTETS):
            _unwritable("signature", signature, "64 octets")
        if mac is not None and len(mac) != MAC_OCTETS:
            _unwritable("MAC", mac, f"{MAC_OCTETS} octets")
        if mac is not None and signature is None:
            _unwritable("signature", signature, "a length, as a MAC follows")

    @property
    def signed_octets(self) -> bytes:
        """What a signature is over: from after the tag DF to the end of the payload."""
        return _write_header(self.header) + write_field(self.payload)

    @property
    def grouped_octets(self) -> bytes:
        """The message from its tag DF on, without the MAC and its header."""
        signature = b"" if self.signature is None else write_field(self.signature)
        return GENERAL_SIGNING + self.signed_octets + signature


def read_message(octets: bytes) -> Message:
    """Read one message that fills `octets` wholly; `write_message` gives the same octets back.

    Raises MessageMalformed, MessageShort, MessageTrailing.
    """
    return read_fields(Reader(octets))


def signed_part(octets: bytes, message: Message) -> bytes:
    """Give `message.signed_octets`, out of the octets that the message was read from where they stand there as such."""
    if message.mac is not None or not message.signature:
        return message.signed_octets
    return octets[len(GENERAL_SIGNING) : len(octets) - len(write_field(message.signature))]


def grouped_part(octets: bytes, message: Message) -> bytes:
    """Give `message.grouped_octets`, out of the octets that the message was read from."""
    if message.mac is None:
        return octets
    begin = octets.index(_GROUPED, len(GENERAL_CIPHERING + _CIPHERING_FIELDS_ABSENT)) + len(SECURITY_HEADER)
    return octets[begin : len(octets) - MAC_OCTETS]


def read_fields(reader: Reader) -> Message:
    """Read as `read_message` does; a listing reader's `taken` then has the fields, also those before an error."""
    sealed = reader.octets[:1] == GENERAL_CIPHERING
    if sealed:
        reader.expect("general-ciphering header", GENERAL_CIPHERING + _CIPHERING_FIELDS_ABSENT)
        offset = reader.offset
        length = reader.length("ciphered service")
        agree = length == reader.left
        require(agree, MessageMalformed, field="ciphered length", offset=offset, got=length, expected=reader.left)
        reader.expect("security header", SECURITY_HEADER)
    reader.expect("general-signing tag", GENERAL_SIGNING)
    header = _read_header(reader)
    payload = reader.field("payload")
    bare = not sealed and not reader.left
    signature = None if bare else reader.short_field("signature", (0, SIGNATURE_OCTETS))
    mac = reader.take("MAC", MAC_OCTETS) if sealed else None
    reader.end()
    return Message(header=header, payload=payload, signature=signature, mac=mac)


def write_message(message: Message) -> bytes:
    """Write one message. Raises MessageUnwritable: it is longer than 65 535 octets."""
    grouped = message.grouped_octets
    return grouped if message.mac is None else write_sealed(grouped, message.mac)


def write_sealed(grouped: bytes, mac: bytes) -> bytes:
    """Write a message, given its octets from the tag DF on, with its MAC. Raises MessageUnwritable: it is too long."""
    return GENERAL_CIPHERING + _CIPHERING_FIELDS_ABSENT + write_field(SECURITY_HEADER + grouped + mac)


def _read_header(reader: Reader) -> Header:
    return _read_usual_header(reader) or _read_any_header(reader)


def _read_usual_header(reader: Reader) -> Header | None:
    """Read a header of the most usual form at once; None, with nothing read, for any other form, or none.

    A second's messages are thousands, and to go from field to field takes twice as long.
    """
    if reader.listing or reader.left < _USUAL.size:
        return None
    transaction, cra, number, first, originator, second, recipient, dated, other, code = _USUAL.unpack_from(
        reader.octets, reader.offset
    )
    end = reader.offset + _USUAL.size - _CODE_OCTETS + other
    if (transaction, first, second, dated) != _USUAL_LENGTHS or cra not in _CRAS or end > reader.end_offset:
        return None
    more = other - _CODE_OCTETS
    if more not in _SUPPLEMENTARY:
        return None
    supplementary = _SUPPLEMENTARY[more].unpack_from(reader.octets, end - more)
    reader.offset = end
    return Header(
        cra=_CRAS[cra],
        counter=number,
        originator=Eui64(originator),
        recipient=Eui64(recipient),
        message_code=_CODES.get(code) or MessageCode(code),
        supplementary_party=Eui64(supplementary[0]) if supplementary else None,
        supplementary_counter=supplementary[1] if len(supplementary) > 1 else None,
    )


def _read_any_header(reader: Reader) -> Header:
    reader.short_length("transaction-id", (1 + COUNTER_OCTETS,))
    cra = Cra(reader.code("CRA flag", Cra))
    originator_counter = reader.take("originator counter", COUNTER_OCTETS)
    originator = Eui64.from_octets(reader.short_field("originator", (EUI64_OCTETS,)))
    recipient = Eui64.from_octets(reader.short_field("recipient", (EUI64_OCTETS,)))
    date_time = reader.short_field("date-time", (0, DATE_TIME_OCTETS))
    offset = reader.offset
    other = reader.part("other information")
    begin = other.offset
    code = MessageCode(int.from_bytes(other.take("message code", _CODE_OCTETS), "big"))
    party = Eui64.from_octets(other.take("supplementary party", EUI64_OCTETS)) if other.left else None
    counter = int.from_bytes(other.take("supplementary counter", COUNTER_OCTETS), "big") if other.left else None
    rest = other.take("supplementary rest", other.left)
    if 0 < len(rest) < COUNTER_OCTETS:
        got = other.offset - begin
        raise MessageMalformed(field="other information", offset=offset, got=got, expected="2, 10, 18…")
    return Header(
        cra=cra,
        counter=int.from_bytes(originator_counter, "big"),
        originator=originator,
        recipient=recipient,
        message_code=code,
        supplementary_party=party,
        supplementary_counter=counter,
        supplementary_rest=rest,
        date_time=date_time,
    )


def _write_header(header: Header) -> bytes:
    party, counter = header.supplementary_party, header.supplementary_counter
    other = header.message_code.to_bytes(_CODE_OCTETS, "big")
    other += b"" if party is None else party.octets
    other += b"" if counter is None else counter.to_bytes(COUNTER_OCTETS, "big")
    return b"".join(
        (
            write_field(bytes((header.cra,)) + header.counter.to_bytes(COUNTER_OCTETS, "big")),
            write_field(header.originator.octets),
            write_field(header.recipient.octets),
            write_field(header.date_time),
            write_field(other + header.supplementary_rest),
        )
    )


def _unwritable(field: str, got: object, expected: str) -> NoReturn:
    raise MessageUnwritable(field=field, got=got, expected=expected)
