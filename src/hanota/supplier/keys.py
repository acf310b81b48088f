"""The supplier's keys: who signs what."""

from pathlib import Path

from hanota.base.errors import require
from hanota.base.eui import Eui64
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.supplier.errors import NoPki
from hanota.wire.smki import Credential, KeyDirectory, read_directory


def open_keys(folder: Path) -> KeyDirectory:
    """Read a key directory. Raises NoPki, and what `read_directory` raises."""
    require(folder.is_dir(), NoPki, folder=folder)
    return read_directory(folder)


def xml_signer(keys: KeyDirectory, originator: Eui64) -> Credential:
    """Give the XML-signing credential of a request's originator. Raises CertificateMissing, KeyMissing."""
    return keys.credential(originator, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN)
