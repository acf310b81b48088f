"""A Supplier's statement about a local upgrade, as XML of hanota's own under the signature profile of DUIS (R26).

    <LocalUpgradeStatement xmlns="urn:hanota:local-upgrade:1">
      <Party/> <Device/> <FirmwareVersion/> <ManufacturerImageHash/> <DoneAt/> <DoneBy/> <Reason/>
    </LocalUpgradeStatement>

All seven, in this order, each with text and nothing else; identifiers as DUIS writes them. No standard has such a
message: the working group asked for one as an alternative.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from lxml import etree

from hanota.base.errors import BadValue, Fault, HanotaError, require
from hanota.base.eui import Eui64
from hanota.base.instant import Instant, iso, parse_iso
from hanota.wire.duis.xml import DECLARATION, Element, full_name, local_name

NAMESPACE: Final = "urn:hanota:local-upgrade:1"
ROOT: Final = "LocalUpgradeStatement"
STATEMENT_OCTETS_MAX: Final = 16 * 1024
TEXT_CHARS_MAX: Final = 400
_VERSION: Final = re.compile(r"[0-9A-Fa-f]{8}\Z")
_HASH: Final = re.compile(r"[0-9A-Fa-f]{64}\Z")


class StatementMalformed(HanotaError):
    """A document that is no statement about a local upgrade (facts: element, got, expected)."""

    code, fault = "HOTA-STMT-001", Fault.REQUESTER
    what = "no statement about a local upgrade: {element} is {got}, expected {expected}"
    remedy = "write it with `hanota attest`"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalUpgradeStatement:
    """What a party states: that a device was brought to a version, by which image, when, by whom and why.

    `manufacturer_hash` is the SHA-256 of the Manufacturer Image, as the Certified Product List has it.
    """

    party: Eui64
    device: Eui64
    version: int
    manufacturer_hash: bytes
    done_at: Instant
    done_by: str
    reason: str


def _version(text: str) -> int:
    require(_VERSION.match(text), BadValue, kind="version", value=text, expected="8 hex digits")
    return int(text, 16)


def _hash(text: str) -> bytes:
    require(_HASH.match(text), BadValue, kind="hash", value=text, expected="64 hex digits")
    return bytes.fromhex(text)


def _text(text: str) -> str:
    fits = 0 < len(text) <= TEXT_CHARS_MAX
    require(fits, BadValue, kind="text", value=text[:40], expected=f"1 to {TEXT_CHARS_MAX} characters")
    return text


_Write = Callable[[Any], str]
_Read = Callable[[str], object]
_FIELDS: Final[tuple[tuple[str, str, _Write, _Read], ...]] = (
    ("Party", "party", str, Eui64.parse),
    ("Device", "device", str, Eui64.parse),
    ("FirmwareVersion", "version", lambda version: f"{version:08X}", _version),
    ("ManufacturerImageHash", "manufacturer_hash", bytes.hex, _hash),
    ("DoneAt", "done_at", iso, parse_iso),
    ("DoneBy", "done_by", str, _text),
    ("Reason", "reason", str, _text),
)
"""Element, field, and how its text is written and read."""


def write_statement(statement: LocalUpgradeStatement) -> bytes:
    """Write a statement, unsigned; `wire.duis.sign` signs it. Raises StatementMalformed: it could not be read again."""
    root = etree.Element(f"{{{NAMESPACE}}}{ROOT}", nsmap={None: NAMESPACE})
    for name, attribute, write, _ in _FIELDS:
        child = etree.SubElement(root, f"{{{NAMESPACE}}}{name}")
        try:
            child.text = write(getattr(statement, attribute))
        except ValueError as cause:  # characters that no XML has
            raise StatementMalformed(element=name, got=str(cause), expected="text") from None
    read_statement(root)
    return DECLARATION + etree.tostring(root)


def read_statement(root: Element) -> LocalUpgradeStatement:
    """Read a statement that has no signature (any more). Raises StatementMalformed."""
    names = [name for name, *_ in _FIELDS]
    if full_name(root) != f"{{{NAMESPACE}}}{ROOT}":
        raise StatementMalformed(element="the root", got=full_name(root)[:80], expected=f"{{{NAMESPACE}}}{ROOT}")
    children = [full_name(child) for child in root]
    if children != [f"{{{NAMESPACE}}}{name}" for name in names] or root.attrib or (root.text or "").strip():
        got = ", ".join(local_name(child) for child in root)[:120]
        raise StatementMalformed(element=ROOT, got=got or "empty", expected=", ".join(names))
    values: dict[str, Any] = {}
    for child, (name, attribute, _, read) in zip(root, _FIELDS, strict=True):
        if len(child) or child.attrib or (child.tail or "").strip():
            raise StatementMalformed(element=name, got="something beside text", expected="text")
        try:
            values[attribute] = read(child.text or "")
        except BadValue as cause:
            raise StatementMalformed(
                element=name, got=str(cause.facts["value"])[:80], expected=cause.facts["expected"]
            ) from None
    return LocalUpgradeStatement(**values)
