"""Everything that can be wrong with the signature of a DUIS document, each with what to do about it."""

from enum import Enum

_USE_PROFILE = "sign with the DUIS profile, as `hanota send` does"


class Problem(Enum):
    """One thing that is wrong with a signature. The name is the code; `text` and `remedy` are for people."""

    NO_SIGNATURE = ("the document has no ds:Signature", "sign the document")
    TWO_SIGNATURES = ("the document has more than one ds:Signature", "leave exactly one, as the root's last child")
    SIGNATURE_NOT_LAST = ("ds:Signature is not the root's last child", "put ds:Signature last within the root")
    NOT_THE_PROFILE = ("ds:Signature has other content than the DUIS profile", _USE_PROFILE)
    NOT_ONE_REFERENCE = (
        "ds:SignedInfo does not hold exactly two methods and one ds:Reference",
        "sign the whole document by one reference",
    )
    REFERENCE_NOT_WHOLE_DOCUMENT = ("ds:Reference is not to the whole document", 'write URI="" and nothing else')
    OTHER_TRANSFORMS = (
        "the reference has other transforms than enveloped-signature alone",
        "use the enveloped-signature transform alone",
    )
    OTHER_CANONICALIZATION = ("SignedInfo is not in Exclusive XML Canonicalization 1.0", _USE_PROFILE)
    OTHER_SIGNATURE_METHOD = ("the signature is not ECDSA with SHA-256", _USE_PROFILE)
    OTHER_DIGEST_METHOD = ("the digest is not SHA-256", _USE_PROFILE)
    NO_CANONICAL_FORM = (
        "the document has no canonical form: a namespace in it is a relative URI",
        "declare no other namespaces than those of DUIS and XML-DSig",
    )
    DIGEST_DIFFERS = (
        "the document is not the one that was signed: its digest differs",
        "sign again after the last change; sign without white space between elements",
    )
    SIGNATURE_VALUE_MALFORMED = (
        "the signature value is not 64 octets in base64",
        "write r and s, 32 octets each, one after the other; not their DER form",
    )
    SIGNER_UNKNOWN = (
        "no certificate is known by the issuer and serial number in ds:KeyInfo",
        "sign with an XML signing certificate that is in the SMKI repository, and name it by issuer and serial",
    )
    SIGNATURE_DIFFERS = (
        "the signature does not fit the signer's key",
        "sign with the private key of the certificate that ds:KeyInfo names",
    )

    def __init__(self, text: str, remedy: str) -> None:
        self.text = text
        self.remedy = remedy
