"""The repository's messages: two requests read, two answers written. Source: domain 3.4.

A request holds one element with one text; everything else is refused. Answers tell their own HTTP status again.
"""

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple, TypeVar

from lxml import etree

from hanota.app.desk.views import CertificateView
from hanota.base.errors import HanotaError, require
from hanota.base.eui import Eui64
from hanota.faces.problems import FaceError
from hanota.wire.duis import parse_safely

BODY_OCTETS_MAX: Final = 4096
"""Of one request; the longest of its clients has about 200 octets."""

_SERIAL: Final = re.compile(r"[0-9A-Fa-f]{1,40}\Z")  # 20 octets, RFC 5280, 4.1.2.2
_ALT_NAME, _NAME, _SERIAL_NAME = "CertificateSubjectAltName", "CertificateSubjectName", "CertificateSerial"
_Read = TypeVar("_Read")
_Found = TypeVar("_Found")
_HEAD: Final = b'<?xml version="1.0" encoding="utf-8"?>'


class Status(IntEnum):
    """What the repository's answers can say: as HTTP status and as ResponseCode."""

    SUCCESS = 200
    INVALID = 401
    NOTHING_FOUND = 402


_MESSAGES: Final = {
    Status.SUCCESS: "Success",
    Status.INVALID: "Invalid search parameters",
    Status.NOTHING_FOUND: "No certificate found",
}


class QueryInvalid(FaceError):
    """A request that asks for nothing the repository can look up."""

    code, status = "HOTA-FACE-020", Status.INVALID
    what = "the request can't be looked up: {reason}"
    remedy = "name one device as CertificateSubjectAltName, one organisation as CertificateSubjectName, or one serial"


class Query(NamedTuple):
    """What is searched for: the certificates of one subject. A device's have no role, an organisation's have one."""

    eui: str
    of_device: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """The name of an answer's root, and how one certificate stands in it."""

    root: str
    entry: str
    with_body: bool


SEARCH: Final = Answer("CertificateSearchResponse", "Result", with_body=False)
RETRIEVAL: Final = Answer("CertificateDataResponse", "CertificateResponse", with_body=True)


def read_search(octets: bytes) -> Query:
    """Read a CertificateSearchRequest. Raises QueryInvalid."""
    name, text = _only_child(octets, "CertificateSearchRequest", (_ALT_NAME, _NAME))
    return Query(str(_parsed(Eui64.parse, text)), name == _ALT_NAME)


def read_retrieval(octets: bytes) -> int:
    """Read a CertificateDataRequest. Returns: the serial number. Raises QueryInvalid."""
    _, text = _only_child(octets, "CertificateDataRequest", (_SERIAL_NAME,))
    require(_SERIAL.match(text), QueryInvalid, reason=f"{text[:40]!r} is no serial number in hex")
    return int(text, 16)


def write_answer(
    shape: Answer, status: Status, certificates: Sequence[CertificateView] = (), *, reference: str
) -> bytes:
    """Write an answer. `reference` tells it from every other one in an audit."""
    root = etree.Element(shape.root)
    for name, text in (
        ("ResponseCode", str(status.value)),
        ("ResponseMessage", _MESSAGES[status]),
        ("AuditReference", reference),
    ):
        etree.SubElement(root, name).text = text
    for certificate in certificates:
        entry = etree.SubElement(root, shape.entry)
        for name, text in _fields(certificate, with_body=shape.with_body):
            etree.SubElement(entry, name).text = text
    return _HEAD + etree.tostring(root)


def _fields(certificate: CertificateView, *, with_body: bool) -> list[tuple[str, str]]:
    role = certificate.role
    return [
        (_SERIAL_NAME, f"{certificate.serial:X}"),
        (_ALT_NAME if role is None else _NAME, certificate.subject),
        *([] if role is None else [("CertificateRole", str(role))]),
        ("CertificateStatus", certificate.status.value),
        ("CertificateUsage", certificate.usage),
        ("ManufacturingFlag", "false"),
        *([("CertificateBody", base64.b64encode(certificate.der).decode("ascii"))] if with_body else []),
    ]


def _only_child(octets: bytes, root_name: str, names: Sequence[str]) -> tuple[str, str]:
    root = _parsed(parse_safely, octets)
    require(root.tag == root_name, QueryInvalid, reason=f"it is no {root_name}")
    children = list(root)
    known = len(children) == 1 and children[0].tag in names and len(children[0]) == 0
    require(known, QueryInvalid, reason=f"it has not exactly one of {', '.join(names)}")
    return str(children[0].tag), (children[0].text or "").strip()


def _parsed(read: Callable[[_Read], _Found], what: _Read) -> _Found:
    try:
        return read(what)
    except HanotaError as cause:
        raise QueryInvalid(reason=cause.explain()) from cause
