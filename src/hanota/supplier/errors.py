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
    remedy = "firmware requests 11.1 and 11.4 have command variant 8"
