"""DER from ASN.1 text: one wrapper around `asn1tools`, which lets only our error out and accepts one encoding only."""

import importlib.resources
from typing import Final

import asn1tools

from hanota.base.errors import Fault, HanotaError

# What asn1tools raises on hostile octets, found by fuzzing: its own root and Python's own for bad lengths and tags.
_FOREIGN: Final = (asn1tools.Error, ArithmeticError, LookupError, TypeError, ValueError)


class DerMalformed(HanotaError):
    """Octets that are not the one DER encoding of a value of the type; `offset` says where, None where unknown."""

    code, fault = "HOTA-DER-001", Fault.PEER
    what = "{octets} is not the DER encoding of a {type}: {reason}"
    remedy = "ask the sender for the message as the standard encodes it"


class DerUnwritable(HanotaError):
    """A value that the ASN.1 type has no room for."""

    code, fault = "HOTA-DER-002", Fault.US
    what = "{value} does not fit the ASN.1 type {type}: {reason}"
    remedy = "report this with the log lines around it"


class DerSchema:
    """The types of one `.asn` file that lies beside the code of `package`; compiled when made."""

    def __init__(self, package: str, file: str) -> None:
        text = importlib.resources.files(package).joinpath(file).read_text("utf-8")
        self._types = asn1tools.compile_string(text, "der")

    def read(self, type_name: str, octets: bytes) -> object:
        """Read one value that fills `octets` wholly. Raises DerMalformed, also where another encoding was used."""
        try:
            value: object = self._types.decode(type_name, octets, check_constraints=True)
            again = bytes(self._types.encode(type_name, value))
        except _FOREIGN as cause:
            offset = getattr(cause, "offset", None)
            raise DerMalformed(type=type_name, octets=octets.hex(), reason=str(cause), offset=offset) from cause
        if again != octets:
            offset = first_difference(octets, again)
            raise DerMalformed(type=type_name, octets=octets.hex(), reason="not its one encoding", offset=offset)
        return value

    def write(self, type_name: str, value: object) -> bytes:
        """Write one value. Raises DerUnwritable."""
        try:
            return bytes(self._types.encode(type_name, value, check_constraints=True))
        except _FOREIGN as cause:
            raise DerUnwritable(type=type_name, value=value, reason=str(cause)) from cause


def first_difference(octets: bytes, other: bytes) -> int:
    """Give the offset of the first octet that differs: the shorter one's length where it begins the other."""
    pairs = enumerate(zip(octets, other, strict=False))
    return next((offset for offset, (one, two) in pairs if one != two), min(len(octets), len(other)))
