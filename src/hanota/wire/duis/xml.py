"""Octets to XML and back, safely: whatever a stranger sends is read or refused in bounded time and memory.

- No DOCTYPE, so no entities, no defaults and nothing fetched; UTF-8 only; no processing instructions.
- Size and amount of markup are limited before libxml2 sees an octet: its canonical form takes time with the square of
  the attributes of an element, 90 s for 200,000.
- libxml2's own limits stay in force, `huge_tree` is off: a text has at most `TEXT_OCTETS_MAX`, nesting is 256 deep.
- White space between elements and comments are gone after parsing. The signature's digest is over just this form
  (`signature.py`). A comment within a text is refused: it could have been put there after signing.
"""

import re
from typing import Final

from lxml import etree

from hanota.base.errors import require
from hanota.base.limits import REQUEST_OCTETS_MAX
from hanota.wire.duis.errors import (
    CommentInText,
    DoctypeRefused,
    DocumentTooLarge,
    DuisMalformed,
    EncodingRefused,
    InstructionRefused,
    NoCanonicalForm,
    TextTooLong,
    TooMuchMarkup,
)

Element = etree._Element

TAGS_MAX: Final = 20_000  # "<" in a document; the largest DUIS requests, tariffs, have a few thousand
ATTRIBUTES_MAX: Final = 4_000  # "=" in a document: canonical form of 4,000 attributes takes 40 ms
TEXT_OCTETS_MAX: Final = 10_000_000  # libxml2's limit for one text: an image of 7.5 MB in base64
DECLARATION: Final = b'<?xml version="1.0" encoding="UTF-8"?>'

_FOREIGN_STARTS: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"<\0": "UTF-16", b"\0": "UTF-16 or UTF-32"}
_TEXT_TOO_LONG: Final = "Text node too long"  # libxml2's words for a text that comments or CDATA cut into pieces
_TAG_NAME: Final = re.compile(rb"[A-Za-z_][\w.:-]{0,79}")
_BOM: Final = b"\xef\xbb\xbf"
_DECLARED: Final = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml\s[^>]*?encoding\s*=\s*[\"']([^\"'>]*)[\"']")


def parse_safely(octets: bytes) -> Element:
    """Give the root element, without comments and white space between elements.

    Raises: DocumentTooLarge, and its kind TextTooLong; EncodingRefused, DoctypeRefused, CommentInText, TooMuchMarkup,
    InstructionRefused; DuisMalformed: not well-formed, or nested more than 256 deep.
    """
    _refuse_early(octets)
    _refuse_markup(octets)
    _refuse_long_texts(octets)
    try:
        root = etree.fromstring(octets, _parser())
    except etree.XMLSyntaxError as cause:
        if _TEXT_TOO_LONG in str(cause.msg):
            # nobody counted the pieces: the document's size is told
            raise TextTooLong(octets=len(octets), place="in pieces", offset=0, octets_max=TEXT_OCTETS_MAX) from None
        raise DuisMalformed(reason=str(cause.msg)[:200], line=cause.lineno, column=cause.offset) from None
    _refuse_instructions(root)
    return root


def parse_beginning(octets: bytes, offset: int) -> Element | None:
    """Give what stands before the offset of a TextTooLong, with open elements closed; None if that is no element.

    For the answer to a document that is too large to be read: its header may say who asked for what, unproven.
    """
    beginning = octets[:offset]
    _refuse_early(beginning)
    _refuse_markup(beginning)
    root: Element | None = etree.fromstring(beginning, _parser(recover=True)) if beginning else None
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


def _refuse_markup(octets: bytes) -> None:
    """Refuse what stands between "<" and ">" that DUIS has no use for: too much of it, DOCTYPE, comments in texts."""
    runs = octets.split(b"<", TAGS_MAX + 1)
    if len(runs) > TAGS_MAX + 1:
        raise TooMuchMarkup(sign="<", count=octets.count(b"<"), count_max=TAGS_MAX)
    count = octets.count(b"=")
    require(count <= ATTRIBUTES_MAX, TooMuchMarkup, sign="=", count=count, count_max=ATTRIBUTES_MAX)
    declared = [run for run in runs[1:] if run.startswith(b"!")]
    if any(run.startswith(b"!DOCTYPE") for run in declared):
        raise DoctypeRefused(offset=octets.index(b"<!DOCTYPE"))
    if declared:
        _refuse_comments_in_texts(octets)


def _refuse_comments_in_texts(octets: bytes) -> None:
    """Let comments stand between tags only; a CDATA section is text.

    The digest is over the form without comments, so one may be put into a signed text: what is read then hangs on how.
    """
    first, *others = pieces = octets.split(b"<!--")
    between = [first.removeprefix(_BOM).strip(), *(piece.partition(b"-->")[2].strip() for piece in others)]
    offset = 0
    for piece, before, after in zip(pieces, between, between[1:], strict=False):
        offset += len(piece)
        after_a_tag = not before or (before.endswith(b">") and not before.endswith(b"]]>"))
        before_a_tag = not after or (after.startswith(b"<") and not after.startswith(b"<![CDATA["))
        require(after_a_tag and before_a_tag, CommentInText, offset=offset)
        offset += len(b"<!--")


def _refuse_long_texts(octets: bytes) -> None:
    """Find a run without "<" that libxml2 would refuse: a text, but also a tag, comment or instruction."""
    if len(octets) <= TEXT_OCTETS_MAX:
        return
    offset = 0
    for run in octets.split(b"<"):
        tag, _, text = run.partition(b">") if len(run) > TEXT_OCTETS_MAX else (b"", b"", b"")
        longest = max(len(tag), len(text))
        if longest > TEXT_OCTETS_MAX:
            name = _TAG_NAME.match(tag)
            place = f"in {name[0].decode()}" if offset and name else "outside of elements"
            raise TextTooLong(octets=longest, place=place, offset=max(offset - 1, 0), octets_max=TEXT_OCTETS_MAX)
        offset += len(run) + 1


def _parser(*, recover: bool = False) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="UTF-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        recover=recover,
        collect_ids=False,
        remove_blank_text=True,
        remove_comments=True,
    )


def _refuse_instructions(root: Element) -> None:
    beside = (*root.itersiblings(preceding=True), *root.itersiblings())
    for node in (*beside, *root.iter(etree.ProcessingInstruction)):
        raise InstructionRefused(target=getattr(node, "target", "?"), line=node.sourceline)
