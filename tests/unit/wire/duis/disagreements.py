"""Where our schema and the official one judge a document of ours differently: every case, and why.

`ours` and `theirs` find the case in what the one that refuses says. The head of hanota.xsd tells the same.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Disagreement:
    """One case. `name` stands in the head of hanota.xsd; `example` is a reference message and what to replace in it."""

    name: str
    why: str
    example: tuple[str, dict[bytes, bytes]]
    ours: str | None = None
    theirs: str | None = None


XSI = b"http://www.w3.org/2001/XMLSchema-instance"
_TIMES = "ResponseDateTime|TimeStamp|Timestamp|ExecutionDateTime"

SCHEMA = (
    Disagreement(
        "schemaVersion",
        "we read 5.1 to 5.4; the official schema, which is to serve for later ones, takes any decimal number",
        ("sync_I0_11.4.xml", {b'schemaVersion="5.4"': b'schemaVersion="6.0"'}),
        ours=r"attribute 'schemaVersion'",
    ),
    Disagreement(
        "times",
        "a time needs a zone to be an instant, and a year of four digits to be held; 24:00:00 is tomorrow's 00:00:00",
        ("sync_I0_11.4.xml", {b".000Z<": b".000<"}),
        ours=rf"'({_TIMES})'",
    ),
    Disagreement(
        "alert codes",
        "alert codes have two octets (GBCS 16); the official schema counts none",
        ("alert_PPMIDAlert_8F8B.xml", {b">8F8B<": b">8F8B00<"}),
        ours=r"'(Device)?AlertCode'",
    ),
    Disagreement(
        "later words",
        "the schema of the version that the document names doesn't have them; we check by the document's version",
        ("sync_I0_11.4.xml", {b'"5.4"': b'"5.2"', b">I0<": b">E110106<"}),
        ours=r"came with DUIS 5\.[34], the document is 5\.[123]",
    ),
    Disagreement(
        "xsi:type",
        "the types of the two schemas have different names, and no DUIS document needs to name one",
        (
            "sync_I0_11.4.xml",
            {b"<sr:ResponseCode>": b'<sr:ResponseCode xmlns:xsi="' + XSI + b'" xsi:type="sr:ResponseCode">'},
        ),
        ours=r"xsi:type",
    ),
    Disagreement(
        "foreign characters in base64",
        "libxml2 skips them where it should refuse them (XML Schema 2, 3.2.16); we refuse them",
        ("async_11.3_immediate.xml", {b"<sr:GBCSPayload>": b"<sr:GBCSPayload>-"}),
        ours=r"is no base64 there",
    ),
    Disagreement(
        "white space before a time",
        "libxml2 refuses it for a type without a pattern, as the official one is; by XML Schema it is collapsed",
        ("sync_I0_11.4.xml", {b"<sr:ResponseDateTime>": b"<sr:ResponseDateTime> "}),
        theirs=rf"(?s)\}}({_TIMES})': '\s.*is not a valid value of the atomic type 'xs:dateTime'",
    ),
    Disagreement(
        "content of ds:Signature",
        "the check of the signature holds it to one profile, element by element, and says what is wrong",
        ("signed_by_python_valid.xml", {b"</ds:SignatureValue>": b"</ds:SignatureValue><ds:x/>"}),
        theirs=r"\{http://www\.w3\.org/2000/09/xmldsig#\}",
    ),
)
"""Judged by `check_schema`."""

READING = (
    Disagreement(
        "Body of another service",
        "the official schema ties no Body to a service reference or command variant; the request matrix does",
        ("request_8.4_status.xml", {b">8.4<": b">11.4<"}),
        ours=r"11\.4 carries UpdatePPMIDFirmware, not UpdateInventory",
    ),
    Disagreement(
        "warning of another service",
        "the official schema ties no firmware warning to the service answered; its name does",
        ("sync_W110401_11.4.xml", {b"DSPUpdatePPMIDFirmwareWarning": b"DSPUpdateFirmwareWarning"}),
        ours=r"elements that have no meaning",
    ),
)
"""Valid by both schemas, refused when it is read."""


def reason(problem: str, *, theirs: bool = False) -> Disagreement | None:
    """Find the case that a message of ours, or of theirs, belongs to."""
    for row in SCHEMA:
        pattern = row.theirs if theirs else row.ours
        if pattern and re.search(pattern, problem):
            return row
    return None
