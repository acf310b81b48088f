"""The Suppliers of a town: they sign and send, repeat what was not answered, command activations, and read what comes.

They speak DUIS like anybody else. What they were told is kept for the checks: answers, and every message posted.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import MINUTE, SECOND, Instant
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.callbacks.port import CallbackError
from hanota.model.profiles import PROFILES
from hanota.process.acceptance import Answer
from hanota.sim.images import files_of
from hanota.sim.plan import Deed, Firmware
from hanota.supplier.precommand import SEND_SIGNED, TRANSFORM, answer_pre_command
from hanota.supplier.send import Prepared, prepare
from hanota.wire import duis
from hanota.wire.smki import KeyDirectory

SEND_AGAIN_MS: Final = 30 * SECOND

Submit = Callable[[bytes, str], Answer | None]
"""Posts a request; None where no answer came."""


@dataclass(slots=True, kw_only=True)
class Letter:
    """One request: what it is for, and the answer, once one came."""

    prepared: Prepared
    party: Eui64
    purpose: str
    asked: Deed | None = None
    due: Instant
    answer: duis.Response | None = None
    answer_octets: bytes = b""
    answered_at: Instant | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """A message as it was posted to a party."""

    party: Eui64
    octets: bytes
    at: Instant


@dataclass(slots=True, kw_only=True)
class Suppliers:
    """All of them. `submit` reaches the DCC; `now` is set by the town before each of its steps."""

    dcc: Eui64
    keys: KeyDirectory
    submit: Submit
    image_octets_max: int
    now: Instant
    letters: list[Letter] = field(default_factory=list)
    posted: list[Posted] = field(default_factory=list)
    silent_until: dict[Eui64, Instant] = field(default_factory=dict)
    commanded: set[int] = field(default_factory=set)
    offered: set[str] = field(default_factory=set)  # ResponseIDs of all that was posted, taken or not
    _counter: int = 1000

    def post(self, endpoint: str, octets: bytes) -> Future[None]:
        """Take a message from the DCC (the port of `hanota.callbacks`)."""
        party = Eui64.parse(endpoint.removeprefix("sim://"))
        landed: Future[None] = Future()
        self.offered.add(str(duis.read_response(duis.parse_safely(octets)).response_id))
        if self.silent_until.get(party, 0) > self.now:
            landed.set_exception(CallbackError(endpoint=endpoint, cause="nobody there"))
        else:
            self.posted.append(Posted(party, octets, self.now))
            landed.set_result(None)
        return landed

    @property
    def due(self) -> Instant | None:
        """When the next request is to be sent (again)."""
        return min((letter.due for letter in self.letters if letter.answer is None), default=None)

    def ask(self, deed: Deed, firmware: Firmware) -> None:
        """Ask for an update: one request, or one for each segment."""
        assert deed.party is not None
        signing = self.keys.credential(deed.party, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.SUPPLIER)
        service = PROFILES[firmware.device_type].service_reference
        for file in files_of(firmware, signing.key, deed.amount, self.image_octets_max):
            request = duis.FirmwareRequest(
                header=self._header(service, 8, deed.party, self.dcc),
                image=file,
                firmware_version=f"{firmware.version:08X}",
                device_list=duis.join_devices(deed.nodes),
            )
            self._write(request, deed.party, "update", deed)

    def ask_again(self, party: Eui64) -> None:
        """Send the last request of a party once more, octet for octet, as a client does that lost the answer."""
        sent = [letter for letter in self.letters if letter.party == party and letter.answer is not None]
        if sent:
            last = sent[-1]
            again = Letter(prepared=last.prepared, party=party, purpose="again", asked=last.asked, due=self.now)
            self.letters.append(again)

    def activate(self, party: Eui64, device: Eui64, manufacturer_hash: bytes, execution: Instant | None) -> None:
        """Command the activation of what a device holds (11.3)."""
        request = duis.ActivateFirmware(
            header=self._header("11.3", TRANSFORM, party, device), execution=execution, firmware_hash=manufacturer_hash
        )
        self._write(request, party, "activation", None)

    def send_due(self) -> int:
        """Send what is due, and again, later and later, what was not answered. Returns: how many were sent."""
        waiting = [letter for letter in self.letters if letter.answer is None and letter.due <= self.now]
        for letter in waiting:
            answer = self.submit(letter.prepared.octets, letter.prepared.service)
            if answer is None:
                letter.due = Instant(self.now + SEND_AGAIN_MS)
                continue
            letter.answer = duis.read_response(duis.parse_safely(answer.octets))
            letter.answer_octets = answer.octets
            letter.answered_at = self.now
            if letter.purpose == "activation" and letter.answer.code.accepted:
                self._sign_command(letter)
        return len(waiting)

    def _sign_command(self, letter: Letter) -> None:
        assert letter.answer is not None
        if letter.prepared.header.command_variant == SEND_SIGNED:
            return
        signed = answer_pre_command(letter.prepared, letter.answer, self.keys)
        self.letters.append(Letter(prepared=signed, party=letter.party, purpose="activation", due=self.now))

    def _header(self, service: str, variant: int, party: Eui64, target: Eui64) -> duis.RequestHeader:
        self._counter += 1
        return duis.RequestHeader(
            request_id=RequestId(party, target, self._counter),
            command_variant=variant,
            service_reference=service,
            service_reference_variant=service,
        )

    def _write(self, request: duis.Request, party: Eui64, purpose: str, deed: Deed | None) -> None:
        prepared = prepare(duis.write_request(request), self.keys)
        self.letters.append(Letter(prepared=prepared, party=party, purpose=purpose, asked=deed, due=self.now))


LOOK_EVERY_MS: Final = 10 * MINUTE
