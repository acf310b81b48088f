"""The shape of ds:Signature in DUIS, as a table: which elements, with which attributes, and what it means if not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from hanota.wire.duis.problems import Problem
from hanota.wire.duis.xml import Element, full_name

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
ENVELOPED: Final = f"{DS}enveloped-signature"
EXCLUSIVE_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ECDSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"


@dataclass(frozen=True, slots=True)
class Shape:
    """What one element holds: exactly these children, or only text if there are none, and exactly these attributes."""

    children: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    text: bool = False
    children_differ: Problem = Problem.NOT_THE_PROFILE
    attributes_differ: Problem = Problem.NOT_THE_PROFILE


def _method(algorithm: str, differs: Problem) -> Shape:
    return Shape(attributes={"Algorithm": algorithm}, children_differ=differs, attributes_differ=differs)


_SHAPES: Final[Mapping[str, Shape]] = {
    "Signature": Shape(("SignedInfo", "SignatureValue", "KeyInfo")),
    "SignedInfo": Shape(
        ("CanonicalizationMethod", "SignatureMethod", "Reference"), children_differ=Problem.NOT_ONE_REFERENCE
    ),
    "CanonicalizationMethod": _method(EXCLUSIVE_C14N, Problem.OTHER_CANONICALIZATION),
    "SignatureMethod": _method(ECDSA_SHA256, Problem.OTHER_SIGNATURE_METHOD),
    "Reference": Shape(
        ("Transforms", "DigestMethod", "DigestValue"),
        {"URI": ""},
        attributes_differ=Problem.REFERENCE_NOT_WHOLE_DOCUMENT,
    ),
    "Transforms": Shape(("Transform",), children_differ=Problem.OTHER_TRANSFORMS),
    "Transform": _method(ENVELOPED, Problem.OTHER_TRANSFORMS),
    "DigestMethod": _method(SHA256, Problem.OTHER_DIGEST_METHOD),
    "DigestValue": Shape(text=True),
    "SignatureValue": Shape(text=True),
    "KeyInfo": Shape(("X509Data",)),
    "X509Data": Shape(("X509IssuerSerial",)),
    "X509IssuerSerial": Shape(("X509IssuerName", "X509SerialNumber")),
    "X509IssuerName": Shape(text=True),
    "X509SerialNumber": Shape(text=True),
}


def in_ds(name: str) -> str:
    """Give the name in XML-DSig's namespace."""
    return f"{{{DS}}}{name}"


_BY_TAG: Final = {in_ds(name): shape for name, shape in _SHAPES.items()}
_CHILDREN: Final = {tag: [in_ds(name) for name in shape.children] for tag, shape in _BY_TAG.items()}


def departures(signature: Element) -> tuple[Problem, ...]:
    """Give what in a ds:Signature isn't the profile, each problem once, in document order."""
    return tuple(dict.fromkeys(_departures(signature)))


def _departures(signature: Element) -> Iterator[Problem]:
    for element in signature.iter():
        tag = full_name(element)
        shape = _BY_TAG.get(tag)
        if shape is None:
            yield Problem.NOT_THE_PROFILE
            continue
        stray = not shape.text and (element.text or "").strip()
        if stray or [child.tag for child in element] != _CHILDREN[tag]:
            yield shape.children_differ
        if dict(element.attrib) != shape.attributes:
            yield shape.attributes_differ
        if element is not signature and (element.tail or "").strip():
            yield Problem.NOT_THE_PROFILE


SIGNED_INFO: Final = (
    "<ds:SignedInfo>"
    f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE_C14N}"/>'
    f'<ds:SignatureMethod Algorithm="{ECDSA_SHA256}"/>'
    '<ds:Reference URI="">'
    f'<ds:Transforms><ds:Transform Algorithm="{ENVELOPED}"/></ds:Transforms>'
    f'<ds:DigestMethod Algorithm="{SHA256}"/>'
    "<ds:DigestValue>{digest}</ds:DigestValue>"
    "</ds:Reference>"
    "</ds:SignedInfo>"
)
SIGNATURE: Final = (
    f'<ds:Signature xmlns:ds="{DS}">'
    "{signed_info}"
    "<ds:SignatureValue>{value}</ds:SignatureValue>"
    "<ds:KeyInfo><ds:X509Data><ds:X509IssuerSerial>"
    "<ds:X509IssuerName>{issuer}</ds:X509IssuerName><ds:X509SerialNumber>{serial}</ds:X509SerialNumber>"
    "</ds:X509IssuerSerial></ds:X509Data></ds:KeyInfo>"
    "</ds:Signature>"
)
