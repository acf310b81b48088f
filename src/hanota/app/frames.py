"""Frames for hubs, built and signed as the outbox is drained: here the DCC's keys meet the columns."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from hanota.wire.gbcs import Message, Seal, ask_version, seal_holds, seal_under, signed_command, write_message
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
FindCertificate = Callable[[Eui64, KeyUsage], CertifiedKey | None]
SECRETS_MAX: Final = 20_000
"""How many secrets shared with devices are kept: between a command and its answer some minutes pass at most."""


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

    def build(self, sending: Sending | CommandSending, certificate: FindCertificate, now: Instant) -> bytes | None:
        """Give the frame of a message from the outbox; None where the device has no certificate to speak to."""
        draft = self.draft(sending, certificate, now)
        if draft is None:
            return None
        (frame,) = self.finish([draft])()
        if isinstance(frame, HanotaError):
            raise frame
        return frame

    def draft(self, sending: Sending | CommandSending, certificate: FindCertificate, now: Instant) -> Draft | None:
        """Give a message from the outbox for `finish`; None where the device has no certificate to speak to."""
        if isinstance(sending, CommandSending):
            return self._command(sending, certificate, now)
        match sending.kind:
            case "distribute":
                return self._distribute(sending, now)
            case "cancel":
                return UnsignedOrder(order_octets(Cancel(order=sending.delivery, sent=now)))
            case _:
                return self._read(sending, certificate, now)

    def finish(self, drafts: Sequence[Draft]) -> Callable[[], list[bytes | HanotaError]]:
        """Begin to make frames of drafts; what it gives waits for them, and gives each, or why there is none."""
        signed = self._work.sign([draft.octets for draft in drafts if isinstance(draft, UnsignedOrder)])
        owners = dict.fromkeys(draft.device.der for draft in drafts if isinstance(draft, UnsealedCommand))
        known = {owner: self._secrets.get(owner) for owner in owners}
        strangers = [owner for owner, secret in known.items() if secret is None]
        agreed = self._work.agree(strangers)

        def frames() -> list[bytes | HanotaError]:
            signatures, secrets = iter(signed()), known | dict(zip(strangers, agreed(), strict=True))
            self._secrets.keep(strangers, secrets)
            return [
                _made(_signed, draft, next(signatures))
                if isinstance(draft, UnsignedOrder)
                else _made(_sealed, draft, secrets[draft.device.der])
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

    def _command(self, sending: CommandSending, certificate: FindCertificate, now: Instant) -> Draft | None:
        if sending.signed is None:
            return self._read(sending, certificate, now)
        device = certificate(sending.device, KeyUsage.KEY_AGREEMENT)
        if device is None:
            return None
        return UnsealedCommand(sending.id, device, signed_command(sending.signed, device.eui))

    def _read(self, sending: Sending | CommandSending, certificate: FindCertificate, now: Instant) -> Draft | None:
        if not PROFILES[sending.device_type].gbcs:  # its hub asks it
            return _order(ReadDevice(message=sending.id, device=sending.device, sent=now))
        device = certificate(sending.device, KeyUsage.KEY_AGREEMENT)
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
        return write_message(seal_under(command, self._secret(device.certified_key)))

    def seal(self, signed: bytes, device: Certificate) -> bytes:
        """Give a Signed Pre-Command as the command that goes to the device."""
        return write_message(seal_under(signed_command(signed, device.eui), self._secret(device.certified_key)))

    def seal_holds(self, seal: Seal, device: CertifiedKey) -> bool:
        """Whether a MAC to the ACB was made by the holder of the device's key."""
        return seal_holds(seal, self._secret(device))

    def _secret(self, device: CertifiedKey) -> bytes:
        """Give the secret shared with a device. Raises CertificateMalformed, also for a key of another usage."""
        _require_agreement(device)
        secret = self._secrets.get(device.der)
        if secret is None:
            (secret,) = self._work.agree([device.der])()
            self._secrets.keep([device.der], {device.der: secret})
        return _there(secret, device)


def _order(order: Order) -> Draft:
    return UnsignedOrder(order_octets(order))


def _signed(draft: UnsignedOrder, signature: bytes) -> bytes:
    return write_frame(SignedOrder(signature=signature, body=draft.octets))


def _sealed(draft: UnsealedCommand, secret: bytes | None) -> bytes:
    data = write_message(seal_under(draft.command, _there(secret, draft.device)))
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
    """Secrets shared with devices, by their certificates: two keys that stay the same share the same secret for ever.

    They are kept in memory only, where the private key is that made them; the oldest give way.
    """

    def __init__(self) -> None:
        self._kept: dict[bytes, bytes] = {}
        self._lock = threading.Lock()

    def get(self, certificate: bytes) -> bytes | None:
        return self._kept.get(certificate)

    def keep(self, certificates: Iterable[bytes], secrets: Mapping[bytes, bytes | None]) -> None:
        with self._lock:
            for certificate in certificates:
                secret = secrets[certificate]
                if secret is None:
                    continue
                if len(self._kept) >= SECRETS_MAX:
                    del self._kept[next(iter(self._kept))]
                self._kept[certificate] = secret
