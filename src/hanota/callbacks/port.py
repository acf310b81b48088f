"""The port by which a message goes to a party's endpoint (the Receive Response Service, domain 3.3)."""

from concurrent.futures import Future
from typing import Protocol

from hanota.base.errors import Fault, HanotaError


class CallbackError(HanotaError):
    """A party took nothing just now; the message is tried again later under the same ResponseID."""

    code, fault, retryable = "HOTA-CALL-001", Fault.PEER, True
    what = "{endpoint} did not take a message: {cause}"
    remedy = "check that the party's receiver runs and answers 204; the message is kept and tried again"


class MessageRefused(CallbackError):
    """A party looked at one message and said no; others may still be taken."""

    code = "HOTA-CALL-002"
    what = "{endpoint} refused this message: {cause}"
    remedy = "ask the party what its receiver has against it; the message is tried again, and at last put aside"


class Callback(Protocol):
    """Carries messages to endpoints, many at once."""

    def post(self, endpoint: str, octets: bytes) -> Future[None]:
        """Begin to hand one DUIS Response to an endpoint.

        The future ends when the party has taken it, or with CallbackError, or with MessageRefused. It ends in any case.
        """
