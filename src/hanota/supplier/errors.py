"""What can go wrong between a supplier and the gateway."""

from hanota.base.errors import Fault, HanotaError


class GatewayUnreachable(HanotaError):
    """Nobody takes connections at the gateway's address."""

    code, fault, retryable = "HOTA-SUP-001", Fault.CARRIER, True
    what = "no gateway answers at {url}: {reason}"
    remedy = "start one with `hanota up`, or give its address with --to; nothing was sent"


class AnswerLate(HanotaError):
    """The gateway took the request, or may have, and gave no answer in time."""

    code, fault, retryable = "HOTA-SUP-002", Fault.CARRIER, True
    what = "no answer from {url} within {seconds} s; the request may have been taken"
    remedy = "send the same file again: the same octets get the same answer and are never delivered twice"


class GatewayRefused(HanotaError):
    """The gateway answered with an HTTP error instead of a DUIS Response."""

    code, fault = "HOTA-SUP-003", Fault.PEER
    what = "{url} answered HTTP {status} {detail}"
    remedy = "check that --to is the address of a DUIS gateway, e.g. http://127.0.0.1:8079"


class AnswerUnreadable(HanotaError):
    """The gateway's answer is no DUIS Response."""

    code, fault = "HOTA-SUP-004", Fault.PEER
    what = "the answer of {url} can't be read: {reason}"
    remedy = "check that --to is the address of a DUIS gateway, e.g. http://127.0.0.1:8079"


class NoPki(HanotaError):
    """The folder that should hold the signing keys does not exist."""

    code, fault = "HOTA-SUP-005", Fault.REQUESTER
    what = "there is no key directory {folder}"
    remedy = "start `hanota up` once, which makes var/pki, or run `hanota pki init DIR` and give --pki DIR"


class NoService(HanotaError):
    """A command variant that no web service takes."""

    code, fault = "HOTA-SUP-006", Fault.REQUESTER
    what = "no web service takes command variant {variant}"
    remedy = "8 is for what the DCC answers itself; 11.2 has 1 to 3, 11.3 has 4 and then 5 to 7"


class TlsFileUnusable(HanotaError):
    """A file for TLS that can't be used."""

    code, fault = "HOTA-SUP-007", Fault.REQUESTER
    what = "TLS can't be spoken with {files}: {reason}"
    remedy = "give --ca, --cert and --key as PEM files; certificate and key must belong together"


class PreCommandMissing(HanotaError):
    """An answer to a critical command that accepts it and holds no pre-command."""

    code, fault = "HOTA-SUP-008", Fault.PEER
    what = "the gateway accepted {request_id} and gave no pre-command to sign"
    remedy = "ask whoever runs the gateway; nothing was signed"


class StatementNotTaken(HanotaError):
    """The service did not believe a statement, and says why."""

    code, fault = "HOTA-SUP-010", Fault.REQUESTER
    what = "{message} ({service_code})"
    remedy = "{service_remedy}"


class PreCommandDiffers(HanotaError):
    """A pre-command that says something else than the request it answers; it must not be signed."""

    code, fault = "HOTA-SUP-009", Fault.PEER
    what = "the pre-command differs from request {request_id}: {field} is {got}, asked was {expected}"
    remedy = "don't sign it; send the request again, and if it stays so, tell whoever runs the gateway"
