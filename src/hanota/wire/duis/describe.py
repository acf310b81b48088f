"""What a DUIS document says, field by field, for people who debug exchanges. Pure: certificates are looked up."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from hanota.base.errors import BadValue, HanotaError
from hanota.base.vocabulary.duis import DeviceList
from hanota.wire.duis.codecs import BASE64
from hanota.wire.duis.documents import UnsupportedRequest, read_request, read_response
from hanota.wire.duis.elements import SR
from hanota.wire.duis.errors import DuisMalformed, SchemaInvalid, UnsupportedResponse
from hanota.wire.duis.problems import Problem
from hanota.wire.duis.profile import DS, in_ds
from hanota.wire.duis.schema import check_schema
from hanota.wire.duis.signature import FindCertificate, SignatureReport, verify
from hanota.wire.duis.versions import plain
from hanota.wire.duis.words import WORDS
from hanota.wire.duis.xml import Element, full_name, local_name, parse_safely

Meanings = Callable[[str], str | None]
"""Gives what a response code, a DCC Alert code or a refusal list means, None where nobody knows."""

ExplainGbcs = Callable[[bytes], object]
"""Says what a GBCS message says, JSON-ready."""

FIELDS_MAX: Final = 500  # an inventory of 17 devices has less than 400
_VALUE_CHARS_MAX: Final = 120
_GBCS: Final = frozenset({"GBCSPayload", "DeviceGBCSResponse"})
_PREFIX: Final = re.compile(r"(?<=/)\w+:")
_NAMES: Final = {in_ds("X509IssuerName"): "issuer", in_ds("X509SerialNumber"): "serial"}
_VERDICTS: Final[Mapping[tuple[Problem, ...], str]] = {
    (Problem.NO_SIGNATURE,): "unsigned",
    (Problem.SIGNER_UNKNOWN,): "signer unknown",
}
_CLAUSE: Final = "DUIS Schema V5.4, {}"


def describe(
    octets: bytes,
    find: FindCertificate,
    *,
    meanings: Meanings = lambda _: None,
    explain_gbcs: ExplainGbcs | None = None,
) -> dict[str, Any]:
    """Say what one document says, JSON-ready; never raises for what stands in it.

    The keys are always the same: `octets` (how many), `kind` (Request or Response), `schema_version`, `carries` (the
    element that the message is about), `fields`, `problems`, `signature`, `error`. A field has `path`, `line`, `value`,
    `meaning`, `clause`, and `gbcs` if it holds a GBCS message and `explain_gbcs` is given. `problems` are departures
    from the schema, each with line and path. A signature's `verdict` is "holds", "unsigned", "signer unknown" or "does
    not hold". `error` is why the document can't be read, or is not read by hanota; the rest is told even so, as far
    as it is XML.
    """
    blank = dict.fromkeys(("kind", "schema_version", "carries", "fields", "problems", "signature", "error"))
    try:
        root = parse_safely(octets)
    except DuisMalformed as malformed:
        return {"octets": len(octets), **blank, "fields": [], "problems": [], "error": malformed.as_dict()}
    error = _error(root)
    foreign = isinstance(error, UnsupportedRequest | UnsupportedResponse)
    body = root.find(f"{{{SR}}}Body")
    return {
        "octets": len(octets),
        "kind": local_name(root),
        "schema_version": plain(root.get("schemaVersion", "")) or None,
        "carries": _carries(body),
        "fields": list(_fields(root, meanings, explain_gbcs)),
        "problems": [] if foreign else _problems(root),
        "signature": _signature(root, verify(root, find)),
        "error": None if error is None else error.as_dict(),
    }


def _error(root: Element) -> HanotaError | None:
    try:
        read_request(root) if local_name(root) == "Request" else read_response(root)
    except (SchemaInvalid, UnsupportedRequest, UnsupportedResponse) as error:
        return error
    return None


def _carries(body: Element | None) -> str | None:
    """Name what the message is about: the request, the alert, or the content of an answer."""
    if body is None or not len(body):
        return None
    about = body[0]
    inner = about.find(f"{{{SR}}}DCCAlert")
    if inner is not None and len(inner):
        return local_name(inner[0])
    if local_name(about) == "ResponseMessage" and len(about) > 2:
        return local_name(about[-1])
    return local_name(about)


def _fields(root: Element, meanings: Meanings, explain_gbcs: ExplainGbcs | None) -> Iterator[dict[str, Any]]:
    leaves = (e for e in root.iter(f"{{{SR}}}*") if not len(e) and e is not root)
    for number, leaf in enumerate(leaves):
        if number == FIELDS_MAX:
            return
        name, text = local_name(leaf), leaf.text or ""
        row = WORDS.get(name)
        shown = {
            "path": _path(leaf),
            "line": leaf.sourceline,
            "value": text if len(text) <= _VALUE_CHARS_MAX else f"{text[:_VALUE_CHARS_MAX]}…",
            "meaning": _joined(_means(name, text), _meaning_of_code(name, text, meanings)),
            "clause": None if row is None else _CLAUSE.format(row.type),
        }
        yield shown if explain_gbcs is None or name not in _GBCS else {**shown, "gbcs": _explained(text, explain_gbcs)}


def _path(element: Element) -> str:
    """Give the way from the root by local names: `Header/RequestID`, `Body/…/Device[2]/DeviceID`."""
    steps: list[str] = []
    parent = element.getparent()
    while parent is not None:
        alike = parent.findall(full_name(element))
        place = f"[{alike.index(element) + 1}]" if len(alike) > 1 else ""
        steps.append(local_name(element) + place)
        element, parent = parent, parent.getparent()
    return "/".join(reversed(steps))


def _means(name: str, text: str) -> str | None:
    row = WORDS.get(name)
    try:
        return None if row is None else row.means if isinstance(row.means, str) else row.means(text)
    except BadValue:
        return None  # the schema's problems say what is wrong with it


def _meaning_of_code(name: str, text: str, meanings: Meanings) -> str | None:
    if name in ("ResponseCode", "DCCAlertCode"):
        return meanings(text)
    return meanings(name) if DeviceList(name).known else None


def _joined(*meanings: str | None) -> str | None:
    return "; ".join(meaning for meaning in meanings if meaning) or None


def _explained(text: str, explain_gbcs: ExplainGbcs) -> object:
    try:
        return explain_gbcs(BASE64.parse(text))
    except HanotaError as error:
        return error.as_dict()


def _problems(root: Element) -> list[dict[str, Any]]:
    return [
        {"line": found.line, "path": _PREFIX.sub("", found.path), "message": found.message}
        for found in check_schema(root)
    ]


def _signature(root: Element, report: SignatureReport) -> dict[str, Any]:
    """Say whether the signature holds and whose it is: `named` is what it says itself, `signer` who that is."""
    named = root.find(f".//{in_ds('X509IssuerSerial')}")
    signer = report.signer
    return {
        "verdict": "holds" if report else _VERDICTS.get(report.problems, "does not hold"),
        "named": None if named is None else _named(named),
        "signer": None
        if signer is None
        else {"eui": str(signer.eui), "role": None if signer.role is None else signer.role.name},
        "problems": [
            {"code": problem.name, "text": problem.text, "remedy": problem.remedy} for problem in report.problems
        ],
        "clause": f"XML-Signature {DS}, profile of DUIS",
    }


def _named(issuer_serial: Element) -> Mapping[str, str]:
    texts = {_NAMES[name]: child.text for child in issuer_serial if (name := full_name(child)) in _NAMES}
    return {name: (text or "")[:_VALUE_CHARS_MAX] for name, text in texts.items()}
