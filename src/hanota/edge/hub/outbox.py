"""What a hub has to say and the head end has not acknowledged: stored first, then sent again until it is.

Event numbers rise over restarts. Only a few uplinks are on the wire at a time, the oldest first. One that stays
unacknowledged goes behind all that wait, so that no uplink, and no number of them, can keep others from being sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import AlertCode, TransferResponseCode
from hanota.edge.backoff import Backoff
from hanota.edge.effects import Turn
from hanota.edge.hub.identity import HubIdentity
from hanota.edge.memory import below
from hanota.wire.gbcs.build import transfer_alert
from hanota.wire.gbcs.payload import TransferAlert
from hanota.wire.wan import FrameMalformed, GbcsUp, Report, Uplink, read_frame, sign_uplink, write_frame

UPLINKS_MAX: Final = 1024
WINDOW: Final = 32
RESEND: Final = Backoff(first_ms=5_000, longest_ms=10 * 60_000)
_EVENT: Final = "event"
_UPLINK: Final = "uplink/"
_COUNTER: Final = "counter"


@dataclass(slots=True)
class _Pending:
    frame: bytes
    body: bytes
    due: Instant
    tries: int = 0


class Outbox:
    """Uplinks by event number, in the order in which they get their turn on the wire."""

    def __init__(self, identity: HubIdentity, memory: Mapping[str, bytes]) -> None:
        self._identity = identity
        self._event = int.from_bytes(memory.get(_EVENT, b""), "big")
        self._counter = int.from_bytes(memory.get(_COUNTER, b""), "big")
        self._pending: dict[int, _Pending] = {}
        self._unreadable: list[int] = []
        for key, frame in below(memory, _UPLINK):
            uplink = _recall(frame)
            if uplink is None:
                self._unreadable.append(int(key, 16))
            else:
                self._pending[int(key, 16)] = _Pending(frame, uplink.body, uplink.sent)

    @property
    def full(self) -> bool:
        """Whether nothing more is taken from devices until the head end acknowledges."""
        return len(self._pending) >= UPLINKS_MAX

    @property
    def due(self) -> Instant | None:
        """When the next uplink is to be sent again."""
        return min((waiting.due for waiting in self._window()), default=None)

    def start(self, turn: Turn) -> None:
        """Send what was unacknowledged when the power went. What can't be read any more is erased: nobody could."""
        for event in self._unreadable:
            turn.store(_key(event), None)
            turn.note("uplink_unreadable", event=event)
        self._unreadable.clear()
        for waiting in self._pending.values():
            waiting.due = turn.now
        self.send_due(turn)

    def put(self, report: Report, turn: Turn) -> int:
        """Store and send `report`. One that still waits in the same words is sent again instead of doubled.

        Returns: its event number, by which `waits` knows it.
        """
        own = self._identity
        uplink = sign_uplink(report, own.signing.key, hub=own.chf, event=self._event + 1, sent=turn.now)
        twin = next((event for event, waiting in self._pending.items() if waiting.body == uplink.body), None)
        if twin is not None:
            self._pending[twin].due = turn.now
        else:
            self._event = uplink.event
            frame = write_frame(uplink)
            self._pending[uplink.event] = _Pending(frame, uplink.body, turn.now)
            turn.store(_EVENT, uplink.event.to_bytes(8, "big"))
            turn.store(_key(uplink.event), frame)
        self.send_due(turn)
        return uplink.event if twin is None else twin

    def waits(self, event: int) -> bool:
        """Whether the head end has yet to acknowledge an uplink."""
        return event in self._pending

    def put_transfer_alert(self, device: Eui64, version: int, result: TransferResponseCode, turn: Turn) -> None:
        """Say with a CCS08 alert to the ACB how a transfer ended; originator counters rise over restarts."""
        self._counter += 1
        turn.store(_COUNTER, self._counter.to_bytes(8, "big"))
        done = result is TransferResponseCode.FILE_TRANSFER_SUCCESS
        code = AlertCode.FIRMWARE_TRANSFER_SUCCEEDED if done else AlertCode.FIRMWARE_TRANSFER_FAILED
        alert = TransferAlert(alert_code=code, at=turn.now, device=device, file_version=version, result=result)
        own = self._identity
        message = transfer_alert(alert, hub=own.signing, recipient=own.acb, counter=self._counter)
        turn.note("transfer_alert", device=str(device), result=result.name)
        self.put(GbcsUp(data=message), turn)

    def acknowledge(self, event: int, turn: Turn) -> None:
        """Forget an uplink that the head end has on disk."""
        if self._pending.pop(event, None) is not None:
            turn.store(_key(event), None)
        self.send_due(turn)

    def send_due(self, turn: Turn) -> None:
        """Send what is due, each time waiting longer for its acknowledgement."""
        for event, waiting in list(islice(self._pending.items(), WINDOW)):
            if waiting.tries and waiting.due <= turn.now:  # it had its turn
                self._pending[event] = self._pending.pop(event)
        for waiting in self._window():
            if waiting.due <= turn.now:
                turn.send_wan(waiting.frame)
                waiting.due = Instant(turn.now + RESEND.wait_ms(waiting.tries))
                waiting.tries += 1

    def _window(self) -> list[_Pending]:
        return list(islice(self._pending.values(), WINDOW))


def _recall(frame: bytes) -> Uplink | None:
    try:
        uplink = read_frame(frame)
    except FrameMalformed:
        return None
    return uplink if isinstance(uplink, Uplink) else None


def _key(event: int) -> str:
    return f"{_UPLINK}{event:016x}"
