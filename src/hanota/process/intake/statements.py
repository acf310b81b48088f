"""Opening a signed statement about a local upgrade: XML, signature, signer. Only the signed octets are read further.

Source: R26; the signature profile is that of DUIS (domain 2.7). First failure is the answer.
"""

from dataclasses import dataclass

from hanota.base.errors import HanotaError
from hanota.base.instant import Instant
from hanota.base.vocabulary.parties import CertificateRole
from hanota.model.statements import StatementReason
from hanota.process.intake.requests import FindSigner, Registered
from hanota.wire.duis import Problem, SignatureReport, parse_safely, verify
from hanota.wire.smki import Certificate
from hanota.wire.statements import STATEMENT_OCTETS_MAX, LocalUpgradeStatement, StatementMalformed, read_statement


@dataclass(frozen=True, slots=True)
class Doubted:
    """A statement that goes no further, and why."""

    reason: StatementReason
    detail: str = ""


def open_statement(octets: bytes, find: FindSigner, now: Instant) -> LocalUpgradeStatement | Doubted:
    """Open a statement as it came. Pure: certificates are facts that `find` looks up by issuer and serial number."""
    signers: list[Registered] = []

    def certificate(issuer: str, serial: int) -> Certificate | None:
        found = find(issuer, serial)
        if found is None:
            return None
        signers.append(found)
        return found.certificate

    try:
        if len(octets) > STATEMENT_OCTETS_MAX:
            expected = f"≤ {STATEMENT_OCTETS_MAX} octets"
            raise StatementMalformed(element="the document", got=f"{len(octets)} octets", expected=expected)
        report = verify(parse_safely(octets), certificate)
        if not report or report.signed_octets is None:
            return _unsigned(report)
        statement = read_statement(parse_safely(report.signed_octets))
    except HanotaError as error:
        return Doubted(StatementReason.NOT_A_STATEMENT, error.explain())
    wrong = _wrong_signer(signers[-1], statement, now)
    return statement if wrong is None else Doubted(wrong, f"signer {signers[-1].certificate.eui}")


def _unsigned(report: SignatureReport) -> Doubted:
    texts = "; ".join(problem.text for problem in report.problems)
    if Problem.NO_SIGNATURE in report.problems:
        return Doubted(StatementReason.UNSIGNED, texts)
    if report.problems == (Problem.SIGNER_UNKNOWN,):
        return Doubted(StatementReason.SIGNER_UNKNOWN, texts)
    return Doubted(StatementReason.SIGNATURE_BROKEN, texts)


def _wrong_signer(signer: Registered, statement: LocalUpgradeStatement, now: Instant) -> StatementReason | None:
    held = signer.certificate
    rules = (
        (held.valid_at(now), StatementReason.SIGNER_OUT_OF_DATE),
        (not signer.revoked(now), StatementReason.SIGNER_REVOKED),
        (held.role is CertificateRole.XML_SIGN, StatementReason.SIGNER_NOT_XML_SIGNER),
        (held.eui == statement.party, StatementReason.SIGNER_NOT_PARTY),
    )
    return next((reason for holds, reason in rules if not holds), None)
