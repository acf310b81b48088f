"""DLMS payloads: ECS52 (access request and response) and the distribution receipt of an ESME (data-notification)."""

from typing import Final

from hanota.base.vocabulary.devices import AlertCode
from hanota.wire.gbcs.cells import Table, code, dlms_time, fixed, from_header, image_hash, table_codec, version
from hanota.wire.gbcs.message import Header
from hanota.wire.gbcs.values import DistributionReceipt, ReadResponseCode, ReadVersion, VersionRead

_CONFIRMED: Final = 0x20  # long-invoke-id-and-priority: the low 24 bits are the invoke-id (DLMS Green Book, 9.3)


def _invoke_id(header: Header) -> bytes:
    return bytes((_CONFIRMED,)) + (header.counter & 0xFFFFFF).to_bytes(3, "big")


_INVOKE: Final = from_header("invoke-id and priority", 4, _invoke_id, "low 24 bits of the originator counter")
_NO_TIME: Final = fixed("date-time", "00", "none")

READ_VERSION: Final = table_codec(
    Table(
        ReadVersion,
        (
            fixed("tag", "d9", "access-request"),
            _INVOKE,
            _NO_TIME,
            fixed("requests", "01", "1"),
            fixed("request", "01", "get"),
            fixed("class", "0001", "data"),
            fixed("object", "0000000201ff", "0-0:0.2.1.255, the running firmware's version"),
            fixed("attribute", "02", "value"),
            fixed("data items", "01", "1"),
            fixed("data", "00", "null"),
        ),
    )
)

_ANSWER: Final = (
    fixed("tag", "da", "access-response"),
    _INVOKE,
    _NO_TIME,
    fixed("requests repeated", "00", "none"),
    fixed("data items", "01", "1"),
)

VERSION_READ: Final = table_codec(
    Table(
        VersionRead,
        (
            *_ANSWER,
            fixed("data", "0904", "octet-string of 4"),
            version(),
            fixed("results", "01", "1"),
            fixed("result of", "01", "get"),
            fixed("result", "00", "success"),
        ),
        given={"response_code": ReadResponseCode.READ_SUCCESS},
    ),
    Table(
        VersionRead,
        (
            *_ANSWER,
            fixed("data", "00", "null"),
            fixed("results", "01", "1"),
            fixed("result of", "01", "get"),
            code("result", "response_code", ReadResponseCode),
        ),
        given={"file_version": None},
    ),
)

DISTRIBUTION_RECEIPT: Final = table_codec(
    Table(
        DistributionReceipt,
        (
            fixed("tag", "0f", "data-notification"),
            _INVOKE,
            _NO_TIME,
            fixed("data", "0203", "structure of 3"),
            fixed("type", "12", "long-unsigned"),
            code("alert code", "alert_code", AlertCode, 2),
            fixed("type", "090c", "octet-string of 12"),
            dlms_time(),
            fixed("type", "0920", "octet-string of 32"),
            image_hash(),
        ),
    )
)
