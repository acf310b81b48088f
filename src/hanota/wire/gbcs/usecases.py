"""Which use case a message code stands for (GBCS, table of message codes), for people who read messages.

Firmware use cases and those around them have a title in our words; the others are known by their GBCS identifier.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple


class UseCase(NamedTuple):
    """A GBCS use case: its identifier, and what it is for where we say so."""

    name: str
    title: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.title}".strip()


_IDENTIFIERS: Final = """
0001 CCS01   0002 CCS02   0003 CCS03   0007 CS01a   0008 CS02a   000A CS02c   000B CS02d   000C CS02e
000D CS03A1  000E CS03B   000F CS04AC  0010 CS04B   0012 CS06    0013 CS07    0014 CS10a   0015 CS11
0018 CS14    0019 ECS01a  001A ECS02   001B ECS03   001C ECS04a  001D ECS05   001E ECS07   001F ECS08
0020 ECS09   0021 ECS10   0022 ECS12   0023 ECS14   0024 ECS15a  0025 ECS16   0026 ECS17a  0027 ECS17b
0028 ECS17c  0029 ECS17d  002A ECS17e  002B ECS18a  002C ECS18b  002D ECS19   002E ECS20a  002F ECS20b
0030 ECS20c  0033 ECS21a  0034 ECS21b  0035 ECS21c  0036 ECS22a  0037 ECS22b  0038 ECS22c  0039 ECS23
003A ECS24   003B ECS26a  003C ECS26b  003D ECS26c  003E ECS26d  003F ECS26e  0040 ECS26f  0042 ECS27
0043 ECS28a  0044 ECS28b  0045 ECS29a  0046 ECS30   0047 ECS34   0048 ECS35a  0049 ECS35b  004A ECS37
004B ECS38   004C ECS39a  004D ECS39b  004E ECS40   004F ECS42   0050 ECS43   0051 ECS44   0052 ECS45
0053 ECS46a  0054 ECS46c  0055 ECS47   0058 ECS50   0059 ECS52   005A ECS57   005E ECS61c  005F ECS62
0060 ECS66   0061 ECS68   0062 ECS70   0067 ECS80   0068 ECS81   0069 ECS82   006B GCS01a  006C GCS02
006D GCS03   006E GCS04   006F GCS05   0070 GCS06   0071 GCS07   0072 GCS09   0073 GCS11   0074 GCS13a
0075 GCS14   0076 GCS15c  0077 GCS16a  0078 GCS17   0079 GCS18   007B GCS21a  007C GCS23   007D GCS24
007E GCS25   007F GCS28   0080 GCS31   0081 GCS32   0082 GCS33   0083 GCS36   0084 GCS38   0085 GCS39
0086 GCS40a  0087 GCS41   0088 GCS44   0089 GCS46   008B GCS53   008C GCS59   008D GCS60   0090 PCS02
0092 ECS26i  0093 ECS35c  0094 ECS35d  0096 GCS16b  0097 CS01b   009B PCS01   009D GCS21d  009E GCS21e
009F GCS21f  00A0 GCS61   00A1 CS10b   00A2 ECS01b  00A3 GCS01b  00AB CS03A2  00AC ECS25a  00AD GCS20
00AE ECS29b  00AF CS03C   00B0 ECS25b  00B2 GCS62   00B3 ECS04b  00B4 GCS40b  00B5 GCS21b  00B6 GCS13c
00B7 ECS01c  00B8 GCS13b  00B9 ECS35e  00BA ECS35f  00BB ECS61a  00BC ECS23b  00BD ECS24b  00BE ECS26j
00BF GCS21j  00C0 GCS40c  00C1 ECS15c  00C2 GCS40d  00C3 GCS15b  00C4 GCS15d  00C5 GCS15e  00C6 ECS26k
00C7 ECS01d  00C9 ECS20d  00D1 ECS29c  00D2 ECS29d  00D3 ECS29e  00D4 ECS29f  00D7 ECS30a  00D8 GCS25a
00D9 ECS26l  00DA GCS21k  00DB ECS48   00DE ECS08a  00EA ECS25a1 00EB ECS25a2 00EC ECS25a3 00ED ECS25b3
00EE ECS25r1 00EF ECS25r2 00F1 GCS20r  00F9 ECS26m  00FA ECS26n  00FB GCS21m  00FC GCS24a  00FD ECS35g
00FE CCS07   0100 CS02b   0101 CS02b   0102 CS02b   0103 CS02b   0104 CS02b   0105 CS02b   0106 CS02b
0107 CS02b   0108 CS02b   0109 CS02b   010A DBCH01  010B DBCH02  010C DBCH03  010D DBCH04  010E DBCH05
010F CCS06   0110 DBCH06  0111 DBCH07  0112 DBCH08  0113 DBCH09  0114 DBCH10  0115 DBCH11  0116 PECS01
0117 PECS02  0118 PECS03  0119 HECS01  0128 CCS08   0129 CS08    012B CS09
"""

_TITLES: Final = {
    "CCS01": "put a device on the hub's list",
    "CCS02": "take a device off the hub's list",
    "CCS03": "restore the hub's list of devices",
    "CCS06": "read the hub's list of devices and try each",
    "CCS07": "read the hub's lists of devices",
    "CCS08": "how a firmware transfer ended",
    "CS02a": "which remote parties a device trusts",
    "CS02b": "replace a remote party's certificate in a device",
    "CS02c": "ask a device for new keys",
    "CS02d": "give a device its new certificate",
    "CS02e": "read a device's certificates",
    "CS03A1": "join, method A, from a meter",
    "CS03A2": "join, method A, from another device",
    "CS03B": "join, method B",
    "CS03C": "join, method C",
    "CS04AC": "unjoin, method A or C",
    "CS04B": "unjoin, method B",
    "CS06": "activate firmware",
    "CS07": "read which devices are joined",
    "CS08": "read the firmware version of a PPMID or HCALCS",
    "CS09": "how a PPMID's firmware activation ended",
    "CS14": "a device was put on the hub's list, or taken off",
    "DBCH06": "traffic is limited by the duty cycle",
    "DBCH10": "a message was discarded for the duty cycle",
    "ECS52": "read the firmware version of an ESME or hub",
    "GCS38": "read the firmware version of a GSME",
}

_ALERTS: Final = {
    0x00CA: "future-dated firmware activation",
    0x00CB: "future-dated update of credentials",
    0x00CC: "future-dated command, DLMS",
    0x00CD: "future-dated command, GBZ",
    0x00CE: "firmware distribution receipt, ESME",
    0x00CF: "firmware distribution receipt, GSME",
    0x00D5: "a message could not be given to an ESME",
    0x00F0: "warning of an ESME about its own integrity",
    0x00F2: "warning of a GSME about its own integrity",
    0x1000: "critical alert",
    0x1001: "non-critical alert",
}


def _table() -> Mapping[int, UseCase]:
    words = _IDENTIFIERS.split()
    named = {
        int(code, 16): UseCase(name, _TITLES.get(name, "")) for code, name in zip(words[::2], words[1::2], strict=True)
    }
    return MappingProxyType(named | {code: UseCase(f"{code:04X}", title) for code, title in _ALERTS.items()})


USE_CASES: Final = _table()
"""Every message code that we can name."""
