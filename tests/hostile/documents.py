"""Fourteen kinds of hostile XML: what an attacker would post, why it is refused, and by which check."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hanota.wire.duis import sign, write_request
from hanota.wire.duis.xml import TEXT_OCTETS_MAX
from unit.wire.duis.people import SIGNER, request

MB = 1_000_000
SIGNED = sign(write_request(request()), SIGNER)
PLAIN = write_request(request()).partition(b"?>")[2]
ROOT = re.search(rb"<sr:Request [^>]*>", SIGNED)[0]
SIGNATURE = SIGNED[SIGNED.index(b"<ds:Signature ") : SIGNED.index(b"</sr:Request>")]
CONTENT = SIGNED[SIGNED.index(b"<sr:Header>") : SIGNED.index(b"<ds:Signature ")]
FORGED = CONTENT.replace(b"-90-A4", b"-90-FF")
assert FORGED != CONTENT


@dataclass(frozen=True)
class Hostile:
    """A document and the reason for which it is refused; `form` tells apart documents of one kind."""

    kind: str
    form: str
    build: Callable[[], bytes]
    reason: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.form}"


def laughs() -> bytes:
    """Ten entities, each ten times the one before: 1 GB of text in 1 kB."""
    entities = [b"<!ENTITY x0 'xxxxxxxxxx'>"]
    entities += [f"<!ENTITY x{n} '{f'&x{n - 1};' * 10}'>".encode() for n in range(1, 10)]
    return b"<!DOCTYPE a [" + b"".join(entities) + b"]>" + PLAIN.replace(b"0123ABCD", b"&x9;")


def with_attributes(count: int) -> bytes:
    return SIGNED.replace(b"<sr:Body>", b"<sr:Body " + b" ".join(b"a%d=''" % n for n in range(count)) + b">")


def swap(old: bytes, new: bytes) -> bytes:
    assert old in SIGNED
    return SIGNED.replace(old, new)


def wrapped_in_the_signature(uri: bytes = b'URI=""') -> bytes:
    """The signed request goes into the signature, as an object; a forged one takes its place."""
    with_object = SIGNATURE.replace(b'URI=""', uri).replace(
        b"</ds:Signature>", b"<ds:Object>" + PLAIN + b"</ds:Object></ds:Signature>"
    )
    return ROOT + FORGED + with_object + b"</sr:Request>"


def wrapped_in_a_request() -> bytes:
    """The signed request stands whole, deep within a forged one."""
    return ROOT + FORGED + SIGNED.partition(b"?>")[2] + b"</sr:Request>"


def wrapped_beside() -> bytes:
    """A forged header and body stand before the signed ones, for a reader that takes the first."""
    return ROOT + FORGED + CONTENT + SIGNATURE + b"</sr:Request>"


NOT_XML, TOO_LARGE, SCHEMA, SIGNATURE_BROKEN = "not_xml", "too_large_to_read", "schema_invalid", "signature_broken"

KINDS: Mapping[str, Mapping[str, tuple[Callable[[], bytes], str]]] = {
    "entity expansion": {
        "in a text": (laughs, NOT_XML),
        "in an attribute": (lambda: laughs().replace(b'"5.4"', b'"&x9;"'), NOT_XML),
        "by one entity of 10 MB": (
            lambda: b"<!DOCTYPE a [<!ENTITY x '" + b"x" * 10 * MB + b"'>]><a>" + b"&x;" * 9_000 + b"</a>",
            NOT_XML,
        ),
    },
    "external entity": {
        "of a file": (lambda: b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>", NOT_XML),
        "of a stream without end": (lambda: b"<!DOCTYPE a [<!ENTITY x SYSTEM '/dev/zero'>]><a>&x;</a>", NOT_XML),
        "as a parameter": (lambda: b"<!DOCTYPE a [<!ENTITY % x SYSTEM 'http://127.0.0.1:9/'> %x;]><a/>", NOT_XML),
    },
    "DOCTYPE": {
        "without anything": (lambda: b"<!DOCTYPE a>" + PLAIN, NOT_XML),
        "of another place": (lambda: b"<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/a.dtd'>" + PLAIN, NOT_XML),
        "after 9 MB of comment": (lambda: b"<!--" + b"x" * 9 * MB + b"--><!DOCTYPE a>" + PLAIN, NOT_XML),
        "within": (lambda: swap(b"<sr:Body>", b"<!DOCTYPE a><sr:Body>"), NOT_XML),
    },
    "deep nesting": {
        "9,900 elements": (lambda: b"<a>" * 9_900 + b"</a>" * 9_900, NOT_XML),
        "5 million elements": (lambda: b"<a>" * 5 * MB, NOT_XML),
        "200 elements in the body": (lambda: swap(b"<sr:Body>", b"<sr:Body>" + b"<a>" * 200 + b"</a>" * 200), SCHEMA),
    },
    "huge attribute": {
        "beyond the parser's limit": (lambda: swap(b'"5.4"', b'"' + b"5" * 14 * MB + b'"'), TOO_LARGE),
        "just within it": (lambda: swap(b'"5.4"', b'"' + b"5" * (TEXT_OCTETS_MAX - 100) + b'"'), SCHEMA),
    },
    "200,000 attributes": {
        "of one element": (lambda: with_attributes(200_000), NOT_XML),
        "as namespaces": (lambda: with_attributes(200_000).replace(b" a", b" xmlns:a"), NOT_XML),
        "as many as are let through": (lambda: with_attributes(3_900), SCHEMA),
    },
    "a million empty elements": {
        "in the body": (lambda: swap(b"<sr:Body>", b"<sr:Body>" + b"<a/>" * MB), NOT_XML),
        "as many as are let through": (lambda: swap(b"<sr:Body>", b"<sr:Body>" + b"<a/>" * 19_000), SCHEMA),
    },
    "a body of 100 MB": {
        "one text": (lambda: b"<a>" + b"x" * 100 * MB + b"</a>", TOO_LARGE),
        "one image": (lambda: swap(b"</sr:FirmwareImage>", b"A" * 100 * MB + b"</sr:FirmwareImage>"), TOO_LARGE),
        "an image as large as a body may be": (
            lambda: swap(b"</sr:FirmwareImage>", b"A" * 15 * MB + b"</sr:FirmwareImage>"),
            TOO_LARGE,
        ),
    },
    "wrong encoding": {
        "UTF-16": (lambda: SIGNED.decode().replace("UTF-8", "UTF-16").encode("utf-16"), NOT_XML),
        "UTF-16 that says UTF-8": (lambda: SIGNED.decode().encode("utf-16-le"), NOT_XML),
        "UTF-32": (lambda: SIGNED.decode().encode("utf-32"), NOT_XML),
        "UTF-7 declared": (lambda: swap(b"UTF-8", b"UTF-7"), NOT_XML),
        "Latin-1 under UTF-8": (lambda: swap(b"0123ABCD", b"\xe90123AB"), NOT_XML),
        "EBCDIC": (lambda: SIGNED.decode().encode("cp500"), NOT_XML),
    },
    "duplicate ids": {
        "xml:id": (
            lambda: swap(b"<sr:Header>", b'<sr:Header xml:id="x">').replace(b"<sr:Body>", b'<sr:Body xml:id="x">'),
            SCHEMA,
        ),
        "Id of signature and body": (
            lambda: swap(b"<sr:Body>", b'<sr:Body Id="x">').replace(b"<ds:Signature ", b'<ds:Signature Id="x" '),
            SCHEMA,
        ),
        "an attribute twice": (lambda: swap(b"<sr:Body>", b'<sr:Body Id="x" Id="x">'), NOT_XML),
    },
    "signature wrapping: original within the signature": {
        "whole document referred to": (wrapped_in_the_signature, SIGNATURE_BROKEN),
        "object referred to": (lambda: wrapped_in_the_signature(b'URI="#object"'), SIGNATURE_BROKEN),
    },
    "signature wrapping: original within a forged request": {"at its end": (wrapped_in_a_request, SCHEMA)},
    "signature wrapping: original beside a forged body": {
        "forged first": (wrapped_beside, SCHEMA),
        "forged only": (lambda: ROOT + FORGED + SIGNATURE + b"</sr:Request>", SIGNATURE_BROKEN),
    },
    "comment in signed text": {
        "of a device": (lambda: swap(b"-90-A4<", b"-90<!-- -->-A4<"), NOT_XML),
        "of a version": (lambda: swap(b"0123ABCD", b"0123<!---->ABCD"), NOT_XML),
        "of the digest": (lambda: swap(b"<ds:DigestValue>", b"<ds:DigestValue><!-- -->"), NOT_XML),
        "of 9 MB": (lambda: swap(b"0123ABCD", b"0123<!--" + b"x" * 9 * MB + b"-->ABCD"), NOT_XML),
        "2 million of them": (lambda: swap(b"0123ABCD", b"0123" + b"<!---->" * 2 * MB + b"ABCD"), NOT_XML),
    },
}
DOCUMENTS = tuple(Hostile(kind, form, *row) for kind, forms in KINDS.items() for form, row in forms.items())
