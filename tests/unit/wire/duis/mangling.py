"""Documents spoilt as a careless or a hostile sender might spoil them."""

from lxml import etree

from hanota.wire.duis.elements import SR
from unit.wire.duis.disagreements import XSI

_NIL, _TYPE = (f"{{{XSI.decode()}}}{name}" for name in ("nil", "type"))

TEXTS = (
    *("", " ", "0", "1", "x", "-1", "+8", "8", "08", " 8 ", "9", "10", "1.0", "true", "TRUE", " false\n", "é", "&amp;"),
    *("I0", " I0 ", "E6", "E110104", "E110106", "W110101", "E1012", "N32", "N65", "N66", "AD1", "N999", "N01"),
    *("11.1", "11.4", "11.5", "11.10", "6.2.6", "6.2.10", "8.10", "8.14.2", "14.1", "4.4.1", "4.9"),
    *("5.4", "5.5", "PPMID", "ppmid", "XYZ", "Success", "FileTransferFailure", "ActivationSuccess"),
    *("Pending", "Withdrawn", "Active", "4G North", "North ", "4G SMETS1", "Virtual", "ADEF", "BDG", "AEG", "CEG", "D"),
    *("12345678", "123456789", "1234567\n", "        ", "𝔸𝔸𝔸𝔸𝔸𝔸𝔸𝔸", "9" * 12, "9" * 13, "9" * 14, "0" * 13 + "1"),
    *("8F8A", "8f8a", "8F8", "8F8A00", " 8F8A ", "8F66", "8f67", "AA" * 31, "AA" * 32, "aA" * 32, "AA" * 33),
    *("65535", "65536", "4294967295", "4294967296", "1000000000000", "1000000000001", "9" * 20, "-" + "9" * 21),
    *("2026-01-15T09:00:00Z", "2026-01-15T09:00:00", "2026-01-15T24:00:00Z", "2026-02-30T00:00:00Z"),
    *("2026-01-15T09:00:00.123456789+01:00", "10000-01-15T09:00:00Z", "-0001-01-15T09:00:00Z", "0000-01-01T00:00:00Z"),
    *("2026-01-15T09:60:00Z", "2026-01-15T09:00:00+15:00", "2026-01-15T09:00:00+14:00 \n", "2026-1-15T09:00:00Z"),
    *("2026-01-15", "2026-01-15Z", "2026-02-29", "2026-01-15+01:00", " 2026-01-15", "2026-01-15 ", "12026-01-15"),
    *("00-DB-12-34-56-78-90-A4", "00-db-12-34-56-78-90-a4", " 00-DB-12-34-56-78-90-A4 ", "00-DB-12-34-56-78-90"),
    *("00-DB-12-34-56-78-90-A4,00-DB-12-34-56-78-90-A5", "00-DB-12-34-56-78-90-A4,", "00-DB-12-34-56-78-90-AG"),
    *("00-DB-12-34-56-78-90-A4, 00-DB-12-34-56-78-90-A5", "00-DB-12-34-56-78-90-A4\n", "00-DB-12-34-56-78-90-Aé"),
    *("A", "AA==", "AB==", "AAA=", "AAB=", "AAAA", " A A\tA\nA ", "AAAA=", "====", "AA=A", "=AAA", "AA = ="),
    *("AA-_", "A===", "A" * 30, "A" * 31, "A" * 21),
    *(
        f"00-DB-12-34-56-78-90-A4:00-DB-12-34-56-78-90-A5:{counter}"
        for counter in ("0", "00", "01", "-1", "", "18446744073709551615", "18446744073709551616", " 1", "1 ", "٣")
    ),
)

NAMES = [
    *("UpdateDeviceStatusCH", "UpdateDeviceStatusExceptCH", "DeleteDevice", "UpdateMPxN", "DSPInventory", "PreCommand"),
    *("GBCSPayload", "LocalCommand", "DeviceSuspended", "DeviceRestored", "ADDCCThresholdBreach", "SignedPreCommand"),
    *("ReadInventory", "ReadFirmwareVersion", "FirmwareVersion", "ExecutionDateTime", "DeviceID", "MPxN", "UPRN"),
    *("DeviceAlertMessage", "CommsHubFirmwareActivation", "DSPScheduledMessage", "ReadDeviceLog", "PPMIDRemoval"),
]


def mangled(octets, rng):
    """Change one thing: a text, structure, a name, an attribute, plain octets. Raises XMLSyntaxError: it is no XML."""
    root = etree.fromstring(octets)
    elements = [e for e in root.iter(f"{{{SR}}}*") if e is not root]
    if not elements:
        return octets
    victim, other = rng.choice(elements), rng.choice(elements)
    parent = victim.getparent()
    match rng.randrange(10):
        case 0:
            parent.remove(victim)
        case 1:
            victim.addnext(etree.fromstring(etree.tostring(victim)))
        case 2:
            victim.addprevious(etree.fromstring(etree.tostring(other)))
        case 3:
            victim.set(*rng.choice([("x", "1"), (_NIL, "true"), (_TYPE, "sr:DeviceType")]))
        case 4:
            victim.tag = other.tag
        case 5:
            victim.tag = victim.tag.rpartition("}")[2]
        case 6:
            victim.tag = f"{{{SR}}}{rng.choice(NAMES)}"
        case 7:
            root.set("schemaVersion", rng.choice(["5.1", "5.2", "5.30", "5.4", "4.9", "x"]))
        case 8:
            spoilt = bytearray(octets)
            for _ in range(rng.randint(1, 3)):
                spoilt[rng.randrange(len(spoilt))] = rng.choice(b'<>/&" 0aA:-,.=\n\xff')
            return bytes(spoilt)
        case _:
            victim.text = (rng.choice(["", victim.text or ""]) + rng.choice(TEXTS))[:100]
    return etree.tostring(root)
