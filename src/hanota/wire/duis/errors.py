"""Refusals of DUIS documents. All are the sender's to mend, and each says how."""

from dataclasses import dataclass

from hanota.base.errors import Fault, HanotaError


class DuisMalformed(HanotaError):
    """Octets that are not the XML that DUIS is made of."""

    code, fault = "HOTA-DUIS-001", Fault.REQUESTER
    what = "the document is not well-formed XML: {reason} (line {line}, column {column})"
    remedy = "send a well-formed XML 1.0 document in UTF-8"


class DocumentTooLarge(DuisMalformed):
    """More octets than any legal request has."""

    code = "HOTA-DUIS-002"
    what = "the document has {octets} octets, the limit is {octets_max}"
    remedy = "send a smaller image or split the device list over several requests"


class TextTooLong(DocumentTooLarge):
    """A text beyond what libxml2 reads, so an image far over the limit. `offset` is where its element begins."""

    code = "HOTA-DUIS-008"
    what = "the document has a text of {octets} octets, {place} at octet {offset}; the limit is {octets_max}"
    remedy = "send a smaller image; a text holds at most 7.5 MB of one"

    def __init__(self, *, offset: int = 0, **facts: object) -> None:
        super().__init__(offset=offset, **facts)
        self.offset = offset


class EncodingRefused(DuisMalformed):
    """Something other than UTF-8."""

    code = "HOTA-DUIS-003"
    what = "the document is encoded as {encoding}; only UTF-8 is read"
    remedy = "encode the document in UTF-8 and declare no other encoding"


class DoctypeRefused(DuisMalformed):
    """A document type declaration, the way to entities and to files of the reader."""

    code = "HOTA-DUIS-004"
    what = "the document has a DOCTYPE (octet {offset})"
    remedy = "leave out the DOCTYPE and every entity declared in it; DUIS has neither"


class InstructionRefused(DuisMalformed):
    """A processing instruction: DUIS has none, and canonical form would keep it under the signature."""

    code = "HOTA-DUIS-005"
    what = "the document has a processing instruction <?{target}?> (line {line})"
    remedy = "leave out processing instructions"


class TooMuchMarkup(DuisMalformed):
    """More tags or attributes than any DUIS document has."""

    code = "HOTA-DUIS-006"
    what = "the document has {count} times {sign!r}, the limit is {count_max}"
    remedy = "send a DUIS document; the largest ones have a few thousand elements"


class NoCanonicalForm(DuisMalformed):
    """A namespace that is a relative URI: Canonical XML has no form for it, so it can't be signed."""

    code = "HOTA-DUIS-007"
    what = "the document has no canonical form: a namespace in it is a relative URI"
    remedy = "declare no other namespaces than those of DUIS and XML-DSig"


class CommentInText(DuisMalformed):
    """A comment beside or within a text: no signature covers it, and readers disagree on what the text then is."""

    code = "HOTA-DUIS-009"
    what = "the document has a comment within a text (octet {offset})"
    remedy = "leave out comments, or put them between elements"


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """One place where a document departs from the schema. `path` is an XPath, `line` counts from 1."""

    line: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}, {self.path}" if self.line else self.path  # what we write has no lines yet
        return f"{place}: {self.message}"


class SchemaInvalid(HanotaError):
    """A document that departs from the schema; `problems` says where."""

    code, fault = "HOTA-DUIS-010", Fault.REQUESTER
    what = "the document departs from the DUIS schema in {count} places, first at {first}"
    remedy = "correct these places; DUIS 5.1 to 5.4 are read"

    def __init__(self, problems: tuple[SchemaProblem, ...] = ()) -> None:
        told = tuple(map(str, problems)) or ("no place told",)
        super().__init__(count=len(problems), first=told[0], problems="; ".join(told))
        self.problems = problems


class UnsupportedResponse(HanotaError):
    """A response or alert of a kind that hanota doesn't read."""

    code, fault = "HOTA-DUIS-021", Fault.PEER
    what = "a DUIS response that carries {kind} is not read by hanota"
    remedy = "read it with a client for that kind of response"
