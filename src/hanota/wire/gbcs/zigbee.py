"""ZigBee payloads in GBCS's wrapping (GBZ): GCS38 and the distribution receipt of a GSME.

The wrapping is big-endian, the ZCL frame inside little-endian.
"""

from typing import Final

from hanota.base.vocabulary.devices import AlertCode
from hanota.wire.gbcs.cells import Table, code, fixed, image_hash, table_codec, version, zigbee_time
from hanota.wire.gbcs.values import DistributionReceipt, ReadResponseCode, ReadVersion, VersionRead

_WRAPPING: Final = (fixed("profile", "0109", "Smart Energy"), fixed("components", "01", "1"))
_COMPONENT: Final = (
    *_WRAPPING,
    fixed("extended header control", "01", "last component"),
    fixed("cluster", "0702", "Metering"),
)
_ATTRIBUTE: Final = fixed("attribute", "0602", "0206, the running firmware's version")

READ_VERSION: Final = table_codec(
    Table(
        ReadVersion,
        (
            *_COMPONENT,
            fixed("length", "0005", "5 octets follow"),
            fixed("frame control", "00", "for all clusters, to the server"),
            fixed("sequence number", "00", "0"),
            fixed("command", "00", "Read Attributes"),
            _ATTRIBUTE,
        ),
    )
)

_ANSWER: Final = (
    fixed("frame control", "08", "for all clusters, from the server"),
    fixed("sequence number", "00", "0"),
    fixed("command", "01", "Read Attributes Response"),
    _ATTRIBUTE,
)

VERSION_READ: Final = table_codec(
    Table(
        VersionRead,
        (
            *_COMPONENT,
            fixed("length", "000c", "12 octets follow"),
            *_ANSWER,
            fixed("status", "00", "SUCCESS"),
            fixed("type", "4104", "octet string of 4"),
            version(),
        ),
        given={"response_code": ReadResponseCode.READ_SUCCESS},
    ),
    Table(
        VersionRead,
        (
            *_COMPONENT,
            fixed("length", "0006", "6 octets follow"),
            *_ANSWER,
            code("status", "response_code", ReadResponseCode),
        ),
        given={"file_version": None},
    ),
)

DISTRIBUTION_RECEIPT: Final = table_codec(
    Table(
        DistributionReceipt,
        (
            *_WRAPPING,
            code("alert code", "alert_code", AlertCode, 2),
            zigbee_time(),
            fixed("type", "0920", "octet-string of 32"),
            image_hash(),
        ),
    )
)
