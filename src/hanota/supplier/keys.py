"""The supplier's keys: who signs what."""

from pathlib import Path

from hanota.base.errors import require
from hanota.base.eui import Eui64
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.supplier.errors import NoPki
from hanota.wire.smki import Credential, KeyDirectory, read_directory, read_keystore


def open_keys(folder: Path, store: Path | None = None) -> KeyDirectory:
    """Read a key directory, and over it the industry's public test key store, if that is named too.

    Raises NoPki: there is neither; and what `read_directory` and `read_keystore` raise.
    """
    require(folder.is_dir() or store is not None, NoPki, folder=folder)
    held = read_directory(folder) if folder.is_dir() else KeyDirectory()
    return held if store is None else held.overlaid_by(read_keystore(store).credentials())


def xml_signer(keys: KeyDirectory, originator: Eui64) -> Credential:
    """Give the XML-signing credential of a request's originator. Raises CertificateMissing, KeyMissing."""
    return keys.credential(originator, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN)
