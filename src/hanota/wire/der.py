"""DER from ASN.1 text: one wrapper around `asn1tools`, which lets only our error out and accepts one encoding only."""

import importlib.resources
from functools import cached_property
from typing import Any

from hanota.base.errors import Fault, HanotaError


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
    """The types of one `.asn` file that lies beside the code of `package`.

    They are compiled when first used: a fifth of a second that most commands need not spend.
    """

    def __init__(self, package: str, file: str) -> None:
        self._file = importlib.resources.files(package).joinpath(file)

    @cached_property
    def _types(self) -> Any:
        import asn1tools  # noqa: PLC0415  (when it is first needed)

        return asn1tools.compile_string(self._file.read_text("utf-8"), "der")

    def read(self, type_name: str, octets: bytes) -> object:
        """Read one value that fills `octets` wholly. Raises DerMalformed, also where another encoding was used."""
        try:
            value: object = self._types.decode(type_name, octets, check_constraints=True)
            again = bytes(self._types.encode(type_name, value))
        except _foreign() as cause:
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
        except _foreign() as cause:
            raise DerUnwritable(type=type_name, value=value, reason=str(cause)) from cause


def _foreign() -> tuple[type[Exception], ...]:
    """What asn1tools raises on hostile octets, found by fuzzing: its own root and Python's own for lengths and tags."""
    import asn1tools  # noqa: PLC0415  (it has been imported by what raised)

    return asn1tools.Error, ArithmeticError, LookupError, TypeError, ValueError


def first_difference(octets: bytes, other: bytes) -> int:
    """Give the offset of the first octet that differs: the shorter one's length where it begins the other."""
    pairs = enumerate(zip(octets, other, strict=False))
    return next((offset for offset, (one, two) in pairs if one != two), min(len(octets), len(other)))
