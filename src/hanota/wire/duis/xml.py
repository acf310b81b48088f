"""Octets to XML and back, safely: whatever a stranger sends is read or refused in bounded time and memory.

- No DOCTYPE, so no entities, no defaults and nothing fetched; UTF-8 only; no processing instructions.
- Size and amount of markup are limited before libxml2 sees an octet: its canonical form takes time with the square of
  the attributes of an element, 90 s for 200,000.
- White space between elements and comments are gone after parsing. The signature's digest is over just this form
  (`signature.py`), so a comment within a text can't make a reader see other text than was signed.
"""

import re
from typing import Final

from lxml import etree

from hanota.base.errors import require
from hanota.base.limits import REQUEST_OCTETS_MAX
from hanota.wire.duis.errors import (
    DoctypeRefused,
    DocumentTooLarge,
    DuisMalformed,
    EncodingRefused,
    InstructionRefused,
    NoCanonicalForm,
    TooMuchMarkup,
)

Element = etree._Element

TAGS_MAX: Final = 20_000  # "<" in a document; the largest DUIS requests, tariffs, have a few thousand
ATTRIBUTES_MAX: Final = 4_000  # "=" in a document: canonical form of 4,000 attributes takes 40 ms
HUGE_OCTETS: Final = 10_000_000  # libxml2's limit for one text node; images above 7.5 MB need it lifted
DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>'

_FOREIGN_STARTS: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"<\0": "UTF-16", b"\0": "UTF-16 or UTF-32"}
_DECLARED: Final = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml\s[^>]*?encoding\s*=\s*[\"']([^\"'>]*)[\"']")


def parse_safely(octets: bytes) -> Element:
    """Give the root element, without comments and white space between elements.

    Raises: DocumentTooLarge, EncodingRefused, DoctypeRefused, TooMuchMarkup, InstructionRefused; DuisMalformed: not
    well-formed, or nested deeper than libxml2's limit (256; 2,048 for documents above `HUGE_OCTETS`).
    """
    _refuse_early(octets)
    parser = etree.XMLParser(
        encoding="UTF-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=len(octets) > HUGE_OCTETS,
        collect_ids=False,
        remove_blank_text=True,
        remove_comments=True,
    )
    try:
        root = etree.fromstring(octets, parser)
    except etree.XMLSyntaxError as cause:
        raise DuisMalformed(reason=str(cause.msg)[:200], line=cause.lineno, column=cause.offset) from None
    _refuse_instructions(root)
    return root


def canonical(element: Element, *, exclusive: bool = False) -> bytes:
    """Give the canonical form without comments: Canonical XML 1.0, or Exclusive XML Canonicalization 1.0.

    Raises NoCanonicalForm: a namespace is a relative URI.
    """
    try:
        return etree.tostring(element, method="c14n", exclusive=exclusive, with_comments=False)
    except etree.C14NError:
        raise NoCanonicalForm from None


def full_name(element: Element) -> str:
    """Give the element's name as `{namespace}name`."""
    return str(element.tag)


def local_name(element: Element) -> str:
    """Give the element's name without its namespace."""
    return full_name(element).rpartition("}")[2]


def _refuse_early(octets: bytes) -> None:
    size = len(octets)
    require(size <= REQUEST_OCTETS_MAX, DocumentTooLarge, octets=size, octets_max=REQUEST_OCTETS_MAX)
    for start, encoding in _FOREIGN_STARTS.items():
        require(not octets.startswith(start), EncodingRefused, encoding=encoding)
    declared = _DECLARED.match(octets)
    if declared:
        require(declared[1].upper() == b"UTF-8", EncodingRefused, encoding=declared[1][:40].decode("ascii", "replace"))
    offset = octets.find(b"<!DOCTYPE")
    require(offset < 0, DoctypeRefused, offset=offset)
    for sign, count_max in ((b"<", TAGS_MAX), (b"=", ATTRIBUTES_MAX)):
        count = octets.count(sign)
        require(count <= count_max, TooMuchMarkup, sign=sign.decode(), count=count, count_max=count_max)


def _refuse_instructions(root: Element) -> None:
    beside = (*root.itersiblings(preceding=True), *root.itersiblings())
    for node in (*beside, *root.iter(etree.ProcessingInstruction)):
        raise InstructionRefused(target=getattr(node, "target", "?"), line=node.sourceline)
