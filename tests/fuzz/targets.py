"""What is fuzzed: each target takes any octets through every step that a stranger's octets go in the service.

A step may refuse by an error of ours; everything else that comes out of it is a finding. Octets that are read must be
written again as they were.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hanota.base.errors import HanotaError
from hanota.process.intake import open_request
from hanota.wire import duis, gbcs, otaimage
from hanota.wire.duis.describe import describe as describe_document
from hanota.wire.gbcs.describe import describe as describe_message
from hanota.wire.smki import Certificate
from hanota.wire.smki.keystore import KeyStore, read_folder
from helpers.premises import NOW, keys
from unit.wire.duis.people import SIGNER

_VECTORS = Path(__file__).resolve().parents[1] / "vectors" / "gbcs"
_KEYS = KeyStore(keys().credentials(), read_folder(_VECTORS / "certs").certificates())
_SUPPLIERS_KEY = SIGNER.certificate.public_key


@dataclass(frozen=True)
class Target:
    """A parser with what lies behind it, the parser alone, and words that its input is made of.

    `read` gives words for the kind of value read, or raises an error of ours.
    """

    name: str
    take: Callable[[bytes], None]
    read: Callable[[bytes], tuple[str, ...]]
    words: tuple[bytes, ...]


class _Known:
    certificate = SIGNER.certificate

    def revoked(self, now: object) -> bool:
        return False


def _find(issuer: str, serial: int) -> _Known | None:
    held = SIGNER.certificate
    return _Known() if (issuer, serial) == (held.issuer, held.serial) else None


def _certificate(issuer: str, serial: int) -> Certificate | None:
    found = _find(issuer, serial)
    return found.certificate if found else None


def take_duis(octets: bytes) -> None:
    """Intake of the octets as they are, and again as one whose key is known would sign them; all of it in words."""
    open_request(octets, _find, NOW)
    describe_document(octets, _certificate, explain_gbcs=lambda message: describe_message(message, _KEYS))
    try:
        root = duis.parse_safely(octets)
        signed = duis.sign(octets, SIGNER)
    except HanotaError:
        return
    open_request(signed, _find, NOW)
    with suppress(HanotaError):
        duis.require_schema(root)
        response = duis.read_response(root)
        assert duis.read_response(duis.parse_safely(duis.write_response(response))) == response
    with suppress(HanotaError):
        duis.require_schema(root)
        duis.require_supported(root)
        request = duis.read_request(root)
        assert duis.read_request(duis.parse_safely(duis.write_request(request))) == request


def take_gbcs(octets: bytes) -> None:
    """A GBCS message: its fields, its payload, its marks, and all of it in words."""
    describe_message(octets, _KEYS)
    with suppress(HanotaError):
        message = gbcs.read_message(octets)
        assert gbcs.write_message(message) == octets
        payload = gbcs.read_payload(message)
        if payload is not None:
            assert gbcs.read_payload(message) == payload
            gbcs.write_payload(payload, message.header)


def take_image(octets: bytes) -> None:
    """A firmware image, with and without a Supplier's signature behind it, and all of it in words."""
    otaimage.likely_tail(octets)
    for tail in otaimage.Tail:
        with suppress(HanotaError):
            image = otaimage.read_image(octets, tail)
            assert otaimage.write_image(image) == octets
            otaimage.describe(image, supplier_key=_SUPPLIERS_KEY, maker_key=_SUPPLIERS_KEY)
            otaimage.file_name(image)


def read_duis(octets: bytes) -> tuple[str, ...]:
    """Kind of request; or kind of answer, and of what it carries."""
    root = duis.parse_safely(octets)
    duis.require_schema(root)
    if root.tag.endswith("}Response"):
        body = duis.read_response(root).body
        part = getattr(body, "content", None) or getattr(body, "alert", None)
        return (type(body).__name__, type(part).__name__)
    duis.require_supported(root)
    return (type(duis.read_request(root)).__name__,)


def read_gbcs(octets: bytes) -> tuple[str, ...]:
    """Kind of payload, and which marks there are."""
    message = gbcs.read_message(octets)
    payload = gbcs.read_payload(message)
    return (type(payload).__name__, message.header.cra.name, str(bool(message.signature)), str(bool(message.mac)))


def read_image(octets: bytes) -> tuple[str, ...]:
    """Which optional fields the header has, and the tail."""
    tail = otaimage.likely_tail(octets)
    header = otaimage.read_image(octets, tail).header
    return (str(tail), str(header.hardware_min is None), str(header.header_octets))


_ELEMENTS = """
Request Response Header Body RequestID ResponseID CommandVariant ServiceReference ServiceReferenceVariant ResponseCode
ResponseDateTime FirmwareImage FirmwareVersion DeviceIDList GBCSPayload ExecutionDateTime DeviceID AlertCode DCCAlert
""".split()  # noqa: SIM905 - a list of so many literals is harder to read
_DUIS_WORDS = (
    *(f"<sr:{name}>".encode() for name in _ELEMENTS),
    *(f"</sr:{name}>".encode() for name in _ELEMENTS),
    *(
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"<?x ",
        b"?>",
        b"<!DOCTYPE a>",
        b"&amp;",
        b"&#13;",
        b"&#0;",
        b"&x;",
        b"/>",
    ),
    *(
        b' xmlns:x="y"',
        b' xmlns="urn:x"',
        b' xml:id="a"',
        b' xml:space="preserve"',
        b' xml:lang=""',
        b' schemaVersion="5.1"',
    ),
    *(
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"\xc0\x80",
        "\u2028".encode(),
        "٣".encode(),
        "\U0001f600".encode(),
    ),
    *(
        b"8.2",
        b"8.4",
        b"8.13",
        b"11.1",
        b"11.2",
        b"11.3",
        b"11.4",
        b"12.2",
        b"I0",
        b"I99",
        b"E110105",
        b"5.1",
        b"5.40",
        b"+5.4",
    ),
    *(b"18446744073709551615", b"18446744073709551616", b"-1", b"+1", b"1e9", b"NaN", b" ", b"\n", b"\t", b"0" * 70),
    *(
        b"9999-12-31T24:00:00Z",
        b"3000-12-31T00:00:00Z",
        b"0000-01-01T00:00:00Z",
        b"2026-02-30T00:00:00+14:00",
        b"60.999999",
    ),
    *(
        b"00-DB-12-34-56-78-90-A4",
        b"00-DB-12-34-56-78-90-A4:90-B3-D5-1F-30-00-00-02:1",
        b"TEQ=",
        b"TEQ",
        b"====",
        b"true",
    ),
)
_NUMBERS = tuple(
    number.to_bytes(size, "big") for size in (1, 2, 4, 8) for number in (0, 1, (1 << 8 * size) - 1, 1 << 8 * size - 1)
)
_DER_WORDS = (
    b"\x30\x80",
    b"\x30\x84\xff\xff\xff\xff",
    b"\x30\x00",
    b"\x02\x01\x00",
    b"\x02\x00",
    b"\x0a\x01\x03",
    b"\x05\x00",
    b"\x00\x00",
)
_TIMES = (b"\x18\x0f99991231235959Z", b"\x18\x0f20260230000000Z", b"\x18\x0d202601150900Z", b"\x17\x0d260115090000Z")
_GBCS_WORDS = (
    *_NUMBERS,
    *_DER_WORDS,
    *_TIMES,
    *(code.to_bytes(2, "big") for code in (0x0012, 0x0059, 0x0084, 0x0128, 0x0129, 0x012B, 0x00CA, 0x00CE, 0x00CF)),
    *(
        b"\xdf\x09\x01",
        b"\xdd\x00\x00\x00\x00\x00\x00",
        b"\xd9\x20",
        b"\x8f\x66",
        b"\x8f\x8a",
        b"\x81\x80",
        b"\x82\xff\xff",
    ),
)
_IMAGE_WORDS = (
    *_NUMBERS,
    *(number[::-1] for number in _NUMBERS),
    b"\x1e\xf1\xee\x0b",
    b"\x00\x01",
    b"\x07\x00",
    b"\x38\x00",
)

TARGETS = (
    Target("duis", take_duis, read_duis, _DUIS_WORDS),
    Target("gbcs", take_gbcs, read_gbcs, _GBCS_WORDS),
    Target("image", take_image, read_image, _IMAGE_WORDS),
)
