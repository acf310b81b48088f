"""Certificates and keys in the shape of the Smart Metering Key Infrastructure (SMKI)."""

from hanota.wire.smki.certificate import (
    Authority,
    AuthorityCertificate,
    Certificate,
    CertifiedKey,
    Credential,
    plain_name,
    read_authority_certificate,
    read_certificate,
)
from hanota.wire.smki.directory import KeyDirectory, read_directory, write_directory
from hanota.wire.smki.issue import Validity, issue_authority, issue_certificate
from hanota.wire.smki.keystore import KeyStore, read_keystore

__all__ = [
    "Authority",
    "AuthorityCertificate",
    "Certificate",
    "CertifiedKey",
    "Credential",
    "KeyDirectory",
    "KeyStore",
    "Validity",
    "issue_authority",
    "issue_certificate",
    "plain_name",
    "read_authority_certificate",
    "read_certificate",
    "read_directory",
    "read_keystore",
    "write_directory",
]
