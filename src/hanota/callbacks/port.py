"""The port by which a message goes to a party's endpoint (the Receive Response Service, domain 3.3)."""

from typing import Protocol

from hanota.base.errors import Fault, HanotaError


class CallbackError(HanotaError):
    """A party did not take a message; it is tried again later under the same ResponseID."""

    code, fault, retryable = "HOTA-CALL-001", Fault.PEER, True
    what = "{endpoint} did not take a message: {cause}"
    remedy = "check that the party's receiver runs and answers 204; the message is kept and tried again"


class Callback(Protocol):
    """Carries messages to endpoints."""

    def post(self, endpoint: str, octets: bytes) -> None:
        """Hand one DUIS Response to an endpoint. Raises CallbackError."""
