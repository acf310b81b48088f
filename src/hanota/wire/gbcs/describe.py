"""What a message says, field by field, for people who debug exchanges. Pure: keys and names are given."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from hanota.base.eui import Eui64
from hanota.base.instant import iso
from hanota.base.openenum import OpenIntEnum
from hanota.wire.gbcs.cells import read_date_time
from hanota.wire.gbcs.errors import GbcsMalformed, MessageMalformed, PayloadMalformed
from hanota.wire.gbcs.message import Cra, Message, read_fields
from hanota.wire.gbcs.octets import LENGTH_OF, Reader, Taken
from hanota.wire.gbcs.payload import CODECS, ActivationOutcome, Payload, read_payload
from hanota.wire.gbcs.usecases import USE_CASES
from hanota.wire.gbcs.verdicts import Finding, judge_mac, judge_signature
from hanota.wire.smki.keystore import KeyStore

Name = Callable[[Eui64], str | None]
"""Gives what a party or device is called, None where nobody knows."""

_CIPHERING: Final = "DLMS general-ciphering"
_SIGNING: Final = "DLMS general-signing"
_GROUPING: Final = "GBCS grouping header"
_CIPHERED: Final = f"{LENGTH_OF}ciphered service"
_CODES: Final = "GBCS message codes"
_SIGNATURE: Final = "GBCS 4.3.3"
_MAC: Final = "GBCS 4.3.3.4"


class _Words(NamedTuple):
    """What a field of the headers says, given its octets and a way to name parties; and the clause it comes from."""

    meaning: Callable[[bytes, Name], str]
    clause: str


def _number(octets: bytes, _: Name) -> str:
    return str(int.from_bytes(octets, "big"))


def _party(octets: bytes, name: Name) -> str:
    eui = Eui64.from_octets(octets)
    called = name(eui)
    return str(eui) if called is None else f"{eui} {called}"


def _use_case(octets: bytes, _: Name) -> str:
    return str(USE_CASES.get(int.from_bytes(octets, "big"), "a use case that has no name here"))


def _date_time(octets: bytes, _: Name) -> str:
    try:
        return iso(read_date_time(octets))
    except MessageMalformed:
        return "no single moment"


_HEADER: Final[Mapping[str, _Words]] = {
    "general-ciphering header": _Words(lambda *_: "a MAC ends the message", _CIPHERING),
    "security header": _Words(lambda *_: "authenticated only; invocation counter 0", _CIPHERING),
    "general-signing tag": _Words(lambda *_: "header, payload, signature", _SIGNING),
    "CRA flag": _Words(lambda octets, _: Cra(octets[0]).name.lower(), _SIGNING),
    "originator counter": _Words(_number, _SIGNING),
    "originator": _Words(_party, _SIGNING),
    "recipient": _Words(_party, _SIGNING),
    "date-time": _Words(_date_time, _SIGNING),
    "message code": _Words(_use_case, _CODES),
    "supplementary party": _Words(_party, _GROUPING),
    "supplementary counter": _Words(_number, _GROUPING),
    "supplementary rest": _Words(
        lambda octets, _: "an originator counter" if len(octets) == 8 else "a key agreement certificate",
        _GROUPING,
    ),
    "payload": _Words(lambda *_: "not taken apart", _SIGNING),
    "signature": _Words(lambda *_: "ECDSA P-256, r and s", _SIGNATURE),
    "MAC": _Words(lambda *_: "AES-128-GCM, 12 octets", _MAC),
}


_HEADER_KEYS: Final = (
    "use_case",
    "cra",
    "originator",
    "recipient",
    "counter",
    "supplementary_party",
    "supplementary_counter",
    "date_time",
)


def describe(octets: bytes, keys: KeyStore, name: Name = lambda _: None) -> dict[str, Any]:
    """Say what one message says, JSON-ready; never raises.

    The keys are always the same: `octets` (how many), `use_case`, `cra`, `originator`, `recipient`, `counter`,
    `supplementary_party`, `supplementary_counter`, `date_time`, `fields`, `payload`, `signature`, `mac`, `error`. Where
    the message makes no sense, `error` names the octet, `fields` ends before it, and what is not known is None.
    """
    reader = Reader(octets, listing=True)
    message: Message | None = None
    payload: Payload | None = None
    error: GbcsMalformed | None = None
    try:
        message = read_fields(reader)
        payload = read_payload(message)
    except GbcsMalformed as malformed:
        error = malformed
    begin = next((taken.offset for taken in reader.taken if taken.field == "payload"), len(octets))
    return {
        "octets": len(octets),
        **_header(message, name),
        "fields": _fields(reader.taken, message, payload, name),
        "payload": None if payload is None else {"kind": type(payload).__name__, **_plain(payload)},
        "signature": None if message is None else _finding(judge_signature(message, keys)),
        "mac": None if message is None else _finding(judge_mac(message, keys)),
        "error": None if error is None else _error(error, begin),
    }


def _header(message: Message | None, name: Name) -> dict[str, Any]:
    if message is None:
        return dict.fromkeys(_HEADER_KEYS)
    header = message.header
    known = USE_CASES.get(header.message_code)
    code = f"{int(header.message_code):04X}"
    values = (
        {"code": code, "name": known and known.name, "title": (known and known.title) or None},
        header.cra.name.lower(),
        _named(header.originator, name),
        _named(header.recipient, name),
        header.counter,
        None if header.supplementary_party is None else _named(header.supplementary_party, name),
        header.supplementary_counter,
        _date_time(header.date_time, name) if header.date_time else None,
    )
    return dict(zip(_HEADER_KEYS, values, strict=True))


def _named(eui: Eui64, name: Name) -> dict[str, str | None]:
    return {"eui": str(eui), "name": name(eui)}


def _fields(
    taken: Iterable[Taken], message: Message | None, payload: Payload | None, name: Name
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for field, offset, octets in taken:
        if field == "payload" and message is not None and payload is not None:
            use_case = (message.header.message_code, message.header.cra)
            clause = f"GBCS {USE_CASES[use_case[0]].name}"
            for part in CODECS[use_case].parts(octets):
                rows.append(_row(part.field, offset + part.offset, part.octets, part.meaning, clause))
        elif field.startswith(LENGTH_OF):
            length = int.from_bytes(octets if len(octets) == 1 else octets[1:], "big")
            clause = _CIPHERING if field == _CIPHERED else _SIGNING
            rows.append(_row(field, offset, octets, f"{length} octets follow" if length else "none", clause))
        else:
            words = _HEADER[field]
            rows.append(_row(field, offset, octets, words.meaning(octets, name), words.clause))
    return rows


def _row(field: str, offset: int, octets: bytes, meaning: str, clause: str) -> dict[str, Any]:
    return {
        "field": field,
        "offset": offset,
        "length": len(octets),
        "hex": octets.hex().upper(),
        "meaning": meaning,
        "clause": clause,
    }


def _finding(finding: Finding) -> dict[str, str]:
    return {"verdict": finding.verdict.value, "grounds": finding.grounds}


def _error(error: GbcsMalformed, payload_offset: int) -> dict[str, Any]:
    """Give the error with the offset in the message: a payload's own counts from its start."""
    begin = payload_offset if isinstance(error, PayloadMalformed) else 0
    return {**error.as_dict(), "offset": begin + int(str(error.facts["offset"]))}


def _plain(value: Any) -> dict[str, Any]:
    """Give a value's attributes as JSON has them; times as text, versions as the 8 hex digits that DUIS writes."""
    return {field.name: _json(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)}


_SHOWN_BY_NAME: Final[Mapping[str, Callable[[Any], Any]]] = {
    "file_version": lambda value: f"{value:08X}",
    "at": iso,
    "execution": iso,
}
_SHOWN_BY_TYPE: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (OpenIntEnum, lambda value: {"code": int(value), "name": value.name}),
    (bytes, lambda value: value.hex().upper()),
    (Eui64, str),
    (ActivationOutcome, _plain),
)


def _json(name: str, value: Any) -> Any:
    if value is None:
        return None
    by_type = (show for kind, show in _SHOWN_BY_TYPE if isinstance(value, kind))
    show = _SHOWN_BY_NAME.get(name) or next(by_type, None)
    return value if show is None else show(value)
