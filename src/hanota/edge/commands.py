"""Commands to the devices of a home, as whoever takes them judges them: a device, or one of a hub's two functions.

A command is obeyed once. The last one of each originator is kept with its answer: the same octets again get the same
octets again, and a counter that is not higher than the last one's is a replay and changes nothing (I9).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from hanota.base.eui import Eui64
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.effects import Turn
from hanota.edge.memory import below, pack, unpack
from hanota.wire.gbcs.build import read_version_response
from hanota.wire.gbcs.crypto import mac_holds, signature_holds
from hanota.wire.gbcs.errors import GbcsMalformed
from hanota.wire.gbcs.message import COUNTER_OCTETS, Cra, Message, MessageCode, read_message
from hanota.wire.gbcs.payload import read_payload
from hanota.wire.gbcs.values import ActivateFirmware, ReadResponseCode, ReadVersion, VersionRead
from hanota.wire.smki.certificate import Certificate, Credential

_CS06: Final = MessageCode.CS06_ACTIVATE_FIRMWARE
_CS08: Final = MessageCode.CS08_READ_PPMID_HCALCS_FIRMWARE_VERSION
_ECS52: Final = MessageCode.ECS52_READ_FIRMWARE_VERSION
_GCS38: Final = MessageCode.GCS38_READ_FIRMWARE_VERSION

# The commands that each type takes (domain 1.2, 4.3).
TAKEN: Final[Mapping[DeviceType, frozenset[MessageCode]]] = {
    DeviceType.ESME: frozenset({_CS06, _ECS52}),
    DeviceType.GSME: frozenset({_CS06, _GCS38}),
    DeviceType.HCALCS: frozenset({_CS06, _CS08}),
    DeviceType.PPMID: frozenset({_CS08}),
    DeviceType.CHF: frozenset({_ECS52}),
    DeviceType.GPF: frozenset({_GCS38}),
}
SUPPLIERS_OWN: Final = frozenset({_CS06})
"""Critical commands: given and signed by the Supplier. All others are the Access Control Broker's (domain 4.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """Somebody who takes commands, and whom it believes.

    `agreement` and `acb` (the Access Control Broker's certificate) are for key agreement. `supplier` is the trust
    anchor: the digital-signature certificate of the Supplier responsible for it; None where there is none.
    """

    address: Eui64
    device_type: DeviceType
    agreement: Credential
    acb: Certificate
    supplier: Certificate | None = None


class Command(NamedTuple):
    """A command that is authentic: its octets, the message in them, and what it orders or asks."""

    octets: bytes
    message: Message
    order: ActivateFirmware | ReadVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandCase:
    """A message before the entity that judges it; `last_counter` is the originator's last one, -1 for none."""

    entity: Entity
    message: Message
    payload: object
    last_counter: int

    @property
    def code(self) -> MessageCode:
        """The use case that the message names."""
        return self.message.header.message_code

    @property
    def giver(self) -> Certificate | None:
        """Who may give such a command; None where the entity knows nobody."""
        return self.entity.supplier if self.code in SUPPLIERS_OWN else self.entity.acb


def _given_by_whom_it_may(case: CommandCase) -> bool:
    return case.giver is not None and case.message.header.originator == case.giver.eui


def _under_mac(case: CommandCase) -> bool:
    return mac_holds(case.message, case.entity.agreement.key, case.entity.acb.public_key)


def _signed(case: CommandCase) -> bool:
    if case.code not in SUPPLIERS_OWN:
        return True
    return case.giver is not None and signature_holds(case.message, case.giver.public_key)


def _other_information_known(case: CommandCase) -> bool:
    """Party and counters; a certificate belongs to no command that is taken here (domain 4.2)."""
    return len(case.message.header.supplementary_rest) <= COUNTER_OCTETS


def _counters_agree(case: CommandCase) -> bool:
    payload = case.payload
    return not isinstance(payload, ActivateFirmware) or payload.originator_counter == case.message.header.counter


# The first row that fails is why a command is not obeyed (domain 4.4, 4.6).
COMMAND_CHECKS: Final[tuple[tuple[str, Callable[[CommandCase], bool]], ...]] = (
    ("to this device", lambda case: case.message.header.recipient == case.entity.address),
    ("a command", lambda case: case.message.header.cra is Cra.COMMAND),
    ("one that this device takes", lambda case: case.code in TAKEN.get(case.entity.device_type, frozenset())),
    ("from the party that may give it", _given_by_whom_it_may),
    (
        "with other information as GBCS has it",
        lambda case: len(case.message.header.supplementary_rest) <= COUNTER_OCTETS,
    ),
    ("under the MAC of the Access Control Broker", _under_mac),
    ("signed by the Supplier", _signed),
    ("with one counter in header and payload", _counters_agree),
    ("newer than the last one: a replay", lambda case: case.message.header.counter > case.last_counter),
)


class _Answered(NamedTuple):
    counter: int
    digest: str
    answer: bytes


class Commands:
    """What one entity was told, and what it answered."""

    def __init__(self, entity: Entity, memory: Mapping[str, bytes]) -> None:
        self.entity = entity
        self._prefix = f"answered/{entity.address}/"
        self._last: dict[str, _Answered] = {}
        for originator, record in below(memory, self._prefix):
            kept = unpack(record)
            self._last[originator] = _Answered(kept["counter"], kept["digest"], bytes.fromhex(kept["answer"]))

    def answer_again(self, octets: bytes) -> bytes | None:
        """Give what was answered to exactly these octets, if they are an originator's last command.

        Empty: the answer is not there yet. None: they are no such command.
        """
        digest = hashlib.sha256(octets).hexdigest()
        return next((last.answer for last in self._last.values() if last.digest == digest), None)

    def take(self, octets: bytes, turn: Turn) -> Command | None:
        """Give a command that is authentic and new; None, and a note that says why, for anything else."""
        try:
            message = read_message(octets)
            payload = read_payload(message)
        except GbcsMalformed as error:
            turn.note("gbcs_refused", error=str(error))
            return None
        last = self._last.get(str(message.header.originator))
        case = CommandCase(
            entity=self.entity, message=message, payload=payload, last_counter=last.counter if last else -1
        )
        failed = next((name for name, holds in COMMAND_CHECKS if not holds(case)), None)
        if failed is None and isinstance(payload, ActivateFirmware | ReadVersion):
            return Command(octets, message, payload)
        turn.note(
            "gbcs_refused",
            error=f"not {failed}",
            message=message.header.message_code.name,
            originator=str(message.header.originator),
            counter=message.header.counter,
        )
        return None

    def keep(self, octets: bytes, message: Message, answer: bytes, turn: Turn) -> None:
        """Remember that a command was obeyed and what the answer is; empty for one that is still to come."""
        originator = str(message.header.originator)
        last = _Answered(message.header.counter, hashlib.sha256(octets).hexdigest(), answer)
        self._last[originator] = last
        record = {"counter": last.counter, "digest": last.digest, "answer": answer.hex()}
        turn.store(f"{self._prefix}{originator}", pack(record))

    def answer_read(self, command: Command, running_version: int, turn: Turn) -> bytes:
        """Tell the version that runs; the answer is kept. Read at once, so a read does not fail."""
        read = VersionRead(file_version=running_version, response_code=ReadResponseCode.READ_SUCCESS)
        own = self.entity
        answer = read_version_response(read, command=command.message, device=own.agreement, acb=own.acb)
        self.keep(command.octets, command.message, answer, turn)
        turn.note("version_read", version=running_version, by=str(command.message.header.supplementary_party))
        return answer
