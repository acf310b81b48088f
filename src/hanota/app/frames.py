"""Frames for hubs, built and signed as the outbox is drained: here the DCC's keys meet the columns."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from hanota.app.keywork import KeyWork, broker_keys
from hanota.base.errors import HanotaError, require
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.model.profiles import PROFILES
from hanota.records.store.commands import CommandSending
from hanota.records.store.outbox import ORDER_LIFE_MS, Sending
from hanota.wire.gbcs import Message, Seal, ask_version, seal_holds, sealed_octets, signed_command
from hanota.wire.smki import Certificate, CertifiedKey, KeyDirectory
from hanota.wire.smki.errors import CertificateMalformed
from hanota.wire.wan import (
    Cancel,
    Distribute,
    GbcsDown,
    Order,
    Part,
    ReadDevice,
    SignedOrder,
    order_octets,
    write_frame,
    write_parts,
)

T = TypeVar("T")
S = TypeVar("S")
FindKey = Callable[[Eui64], CertifiedKey | None]
"""Finds the key agreement key of a device."""

SECRETS_MAX: Final = 200_000
"""How many secrets shared with devices are kept, in some 50 MB: between a command and its answer some minutes pass, in
which four of the largest requests may ask all their devices.
"""


@dataclass(frozen=True, slots=True)
class UnsignedOrder:
    """An order's octets, which lack the DCC's signature."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class UnsealedCommand:
    """A command, which lacks the MAC under the secret shared with the holder of `device`."""

    message: int
    device: CertifiedKey
    command: Message


Draft = UnsignedOrder | UnsealedCommand
"""A frame but for what a private key makes."""


class FrameBuilder:
    """Builds the frames of one DCC and acts as its Access Control Broker, whose credentials `keys` hold.

    `work` does what takes a private key; by default at once, in this process.
    """

    def __init__(self, keys: KeyDirectory, dcc: Eui64, work: KeyWork | None = None) -> None:
        self._acb = keys.certificate(dcc, KeyUsage.KEY_AGREEMENT, CertificateRole.ACCESS_CONTROL_BROKER)
        self._work = work or KeyWork(broker_keys(keys, dcc))
        self._secrets = _Secrets()

    def build(self, sending: Sending | CommandSending, key_of: FindKey, now: Instant) -> bytes | None:
        """Give the frame of a message from the outbox; None where the device has no certificate to speak to."""
        draft = self.draft(sending, key_of, now)
        if draft is None:
            return None
        (frame,) = self.finish([draft])()
        if isinstance(frame, HanotaError):
            raise frame
        return frame

    def draft(self, sending: Sending | CommandSending, key_of: FindKey, now: Instant) -> Draft | None:
        """Give a message from the outbox for `finish`; None where the device has no certificate to speak to."""
        if isinstance(sending, CommandSending):
            return self._command(sending, key_of, now)
        match sending.kind:
            case "distribute":
                return self._distribute(sending, now)
            case "cancel":
                return UnsignedOrder(order_octets(Cancel(order=sending.delivery, sent=now)))
            case _:
                return self._read(sending, key_of, now)

    def finish(self, drafts: Sequence[Draft]) -> Callable[[], list[bytes | HanotaError]]:
        """Begin to make frames of drafts; what it gives waits for them, and gives each, or why there is none."""
        signed = self._work.sign([draft.octets for draft in drafts if isinstance(draft, UnsignedOrder)])
        shared = self._shared(draft.device.point for draft in drafts if isinstance(draft, UnsealedCommand))

        def frames() -> list[bytes | HanotaError]:
            signatures, secrets = iter(signed()), shared()
            return [
                _made(_signed, draft, next(signatures))
                if isinstance(draft, UnsignedOrder)
                else _made(_sealed, draft, secrets[draft.device.point])
                for draft in drafts
            ]

        return frames

    def _distribute(self, sending: Sending, now: Instant) -> Draft:
        asked = sending.order
        order = Distribute(
            order=sending.delivery,
            device=sending.device,
            device_type=sending.device_type,
            request=asked.request_id,
            image_hash=asked.image_hash,
            image_octets=asked.image_octets,
            manufacturer=asked.manufacturer,
            image_type=asked.image_type,
            file_version=asked.version,
            hardware_min=asked.hardware_min,
            hardware_max=asked.hardware_max,
            expires=Instant(now + ORDER_LIFE_MS),
            sent=now,
            force_replace=asked.force_replace,
            parts=write_parts(Part(*part) for part in asked.parts),
        )
        return _order(order)

    def _command(self, sending: CommandSending, key_of: FindKey, now: Instant) -> Draft | None:
        if sending.signed is None:
            return self._read(sending, key_of, now)
        device = key_of(sending.device)
        if device is None:
            return None
        return UnsealedCommand(sending.id, device, signed_command(sending.signed, device.eui))

    def _read(self, sending: Sending | CommandSending, key_of: FindKey, now: Instant) -> Draft | None:
        if not PROFILES[sending.device_type].gbcs:  # its hub asks it
            return _order(ReadDevice(message=sending.id, device=sending.device, sent=now))
        device = key_of(sending.device)
        if device is None:
            return None
        # The outbox number rises for ever, so it serves as the ACB's own originator counter.
        command = ask_version(
            device_type=sending.device_type,
            acb=self._acb.eui,
            device=device.eui,
            counter=sending.id,
            user=sending.request_id.originator,
            user_counter=sending.request_id.counter,
        )
        return UnsealedCommand(sending.id, device, command)

    def read_version(
        self, *, device: Certificate, device_type: DeviceType, counter: int, user: Eui64, user_counter: int
    ) -> bytes:
        """Give the sealed command that asks a device for its version on behalf of a User."""
        command = ask_version(
            device_type=device_type,
            acb=self._acb.eui,
            device=device.eui,
            counter=counter,
            user=user,
            user_counter=user_counter,
        )
        return sealed_octets(command, self._secret(device.certified_key))

    def seal(self, signed: bytes, device: Certificate) -> bytes:
        """Give a Signed Pre-Command as the command that goes to the device."""
        return sealed_octets(signed_command(signed, device.eui), self._secret(device.certified_key))

    def seals_hold(self, seals: Sequence[tuple[Seal, CertifiedKey]]) -> list[bool]:
        """Say of MACs to the ACB which were made by the holders of these keys; a key that can't be read proves
        nothing.
        """
        for _, device in seals:
            _require_agreement(device)
        secrets = self._shared(device.point for _, device in seals)()
        found = [(seal, secrets[device.point]) for seal, device in seals]
        return [secret is not None and seal_holds(seal, secret) for seal, secret in found]

    def _secret(self, device: CertifiedKey) -> bytes:
        """Give the secret shared with a device. Raises CertificateMalformed, also for a key of another usage."""
        _require_agreement(device)
        return _there(self._shared([device.point])()[device.point], device)

    def _shared(self, points: Iterable[bytes]) -> Callable[[], dict[bytes, bytes | None]]:
        """Begin to agree with the holders of public keys, as far as that has not been done before; what it gives waits,
        and gives each secret, or None for what is no key.
        """
        known = {point: self._secrets.get(point) for point in points}
        strangers = [point for point, secret in known.items() if secret is None]
        agreed = self._work.agree(strangers)

        def shared() -> dict[bytes, bytes | None]:
            for point, secret in zip(strangers, agreed(), strict=True):
                known[point] = secret
                if secret is not None:
                    self._secrets.keep(point, secret)
            return known

        return shared


def _order(order: Order) -> Draft:
    return UnsignedOrder(order_octets(order))


def _signed(draft: UnsignedOrder, signature: bytes) -> bytes:
    return write_frame(SignedOrder(signature=signature, body=draft.octets))


def _sealed(draft: UnsealedCommand, secret: bytes | None) -> bytes:
    data = sealed_octets(draft.command, _there(secret, draft.device))
    return write_frame(GbcsDown(message=draft.message, device=draft.device.eui, data=data))


def _made(make: Callable[[T, S], bytes], draft: T, by_key: S) -> bytes | HanotaError:
    try:
        return make(draft, by_key)
    except HanotaError as failure:  # the others go on
        return failure


def _require_agreement(device: CertifiedKey) -> None:
    agrees = device.usage is KeyUsage.KEY_AGREEMENT
    require(agrees, CertificateMalformed, field="key usage", got=device.usage, expected=KeyUsage.KEY_AGREEMENT)


def _there(secret: bytes | None, device: CertifiedKey) -> bytes:
    if secret is None:
        raise CertificateMalformed(field="public key", got=f"that of {device.eui}", expected="a P-256 key")
    return secret


class _Secrets:
    """Secrets shared with devices, by their public keys: two keys that stay the same share the same secret for ever.

    They are kept in memory only, where the private key is that made them; the older half gives way at once. Any thread
    may use it: at worst a secret is agreed on anew.
    """

    def __init__(self) -> None:
        self._newer: dict[bytes, bytes] = {}
        self._older: dict[bytes, bytes] = {}

    def get(self, point: bytes) -> bytes | None:
        return self._newer.get(point) or self._older.get(point)

    def keep(self, point: bytes, secret: bytes) -> None:
        if len(self._newer) >= SECRETS_MAX // 2:
            self._newer, self._older = {}, self._newer
        self._newer[point] = secret
