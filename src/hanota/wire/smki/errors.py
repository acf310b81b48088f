"""Errors about certificates and keys."""

from hanota.base.errors import Fault, HanotaError


class CertificateMalformed(HanotaError):
    """A certificate that cannot be read, or that has not the SMKI shape."""

    code, fault = "HOTA-SMKI-001", Fault.PEER
    what = "not an SMKI certificate: {field} is {got}, expected {expected}"
    remedy = "get the certificate again from the SMKI repository"


class CertificateUnissuable(HanotaError):
    """Facts that no certificate can state."""

    code, fault = "HOTA-SMKI-002", Fault.REQUESTER
    what = "can't issue a certificate: {field} is {got}, expected {expected}"
    remedy = "correct the value"


class KeyMismatch(HanotaError):
    """A private key beside a certificate of another key."""

    code, fault = "HOTA-SMKI-003", Fault.OPERATOR
    what = "the private key beside the {usage} certificate {serial} of {subject} belongs to another certificate"
    remedy = "put the matching private key in its place, or have a new certificate issued"


class KeyMalformed(HanotaError):
    """A private key file that holds no usable key."""

    code, fault = "HOTA-SMKI-004", Fault.OPERATOR
    what = "{path} holds no usable private key: {reason}"
    remedy = "put an unencrypted P-256 private key there (PKCS #8, PEM)"


class KeyExposed(HanotaError):
    """A private key file that other accounts can read."""

    code, fault = "HOTA-SMKI-005", Fault.OPERATOR
    what = "private key {path} has mode {mode}: accounts other than its owner can use it"
    remedy = "run `chmod 600 {path}`, and have the key replaced if others used the machine"


class CertificateMissing(HanotaError):
    """A directory that has no certificate for a subject and use."""

    code, fault = "HOTA-SMKI-006", Fault.OPERATOR
    what = "no {usage} certificate of {subject} in role {role} is held"
    remedy = "put it into the key directory's certs folder"


class KeyMissing(HanotaError):
    """A directory that has a certificate, but not its private key."""

    code, fault = "HOTA-SMKI-007", Fault.OPERATOR
    what = "the private key of the {usage} certificate of {subject} in role {role} is not held"
    remedy = "put it into the key directory's keys folder, if this party is yours"


class CertificateAmbiguous(HanotaError):
    """More than one certificate where one was asked for."""

    code, fault = "HOTA-SMKI-008", Fault.US
    what = "{subject} has {usage} certificates in several roles: {roles}"
    remedy = "name the role"


class CertificateTaken(HanotaError):
    """A second certificate for the same subject, use and role, or with the same issuer and serial number."""

    code, fault = "HOTA-SMKI-009", Fault.OPERATOR
    what = "the key directory already holds a {usage} certificate of {subject} in role {role} (serial {serial})"
    remedy = "remove the certificate that is no longer in use"


class WrongKeyUsage(HanotaError):
    """A certificate offered for a use that it does not allow."""

    code, fault = "HOTA-SMKI-010", Fault.US
    what = "certificate {serial} of {subject} is for {got}, expected {expected}"
    remedy = "use the certificate of the other usage"


class KeystoreMalformed(HanotaError):
    """A file that is not a key store in the public JSON form, or says of a certificate what it does not say itself."""

    code, fault = "HOTA-SMKI-011", Fault.OPERATOR
    what = "{path} is no key store: {reason}"
    remedy = "name the folder of npm package @smartdcc/dccboxed-keystore, or the keystore.json in it"
