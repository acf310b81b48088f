"""Words for parties: DUIS user roles and SMKI certificate roles."""

from hanota.base.openenum import OpenIntEnum, OpenStrEnum


class UserRole(OpenStrEnum):
    """DCC User roles by their letters (DUIS 1.4)."""

    IMPORT_SUPPLIER = "IS"
    EXPORT_SUPPLIER = "ES"
    GAS_SUPPLIER = "GS"
    REGISTERED_SUPPLIER_AGENT = "RSA"
    ELECTRICITY_DISTRIBUTOR = "ED"
    GAS_TRANSPORTER = "GT"
    OTHER_USER = "OU"


class CertificateRole(OpenIntEnum):
    """Remote party role in the OU of an SMKI organisation certificate (two hex digits)."""

    ROOT = 0
    RECOVERY = 1
    SUPPLIER = 2
    NETWORK_OPERATOR = 3
    ACCESS_CONTROL_BROKER = 4
    TRANSITIONAL_COS = 5
    WAN_PROVIDER = 6
    ISSUING_AUTHORITY = 7
    LOAD_CONTROLLER = 8
    OTHER = 127
    XML_SIGN = 135
    DSP_XML_SIGN = 137


class KeyUsage(OpenStrEnum):
    """What a certified key is for, in the letters that the SMKI repository uses."""

    DIGITAL_SIGNATURE = "DS"
    KEY_AGREEMENT = "KA"


class CertificateStatus(OpenStrEnum):
    """How a certificate stands, in the letters that the SMKI repository uses."""

    PENDING = "P"
    IN_USE = "I"
    NOT_IN_USE = "N"
    EXPIRED = "E"
    REVOKED = "R"
