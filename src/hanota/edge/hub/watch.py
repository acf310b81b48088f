"""What a hub notices of the versions in its home, and of nodes that do not belong there (R5, R25).

A device says in each Query Next Image Request which version it runs: the hub tells the head end when that has changed.
For a device outside GBCS the hub also reads it on the DCC's order, by ZCL Read Attributes. A node outside the device
log that wants something is counted and reported, at most once an hour, whatever it does.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import HOUR, MINUTE, Instant
from hanota.edge.backoff import Backoff
from hanota.edge.effects import Turn
from hanota.edge.hub.identity import HubIdentity
from hanota.edge.hub.outbox import Outbox
from hanota.edge.memory import below, pack, unpack
from hanota.wire.wan import DeviceSeen, ReadDevice, SeenWhy, StrangerSeen
from hanota.wire.zcl import (
    OTA_CLUSTER,
    OtaAttribute,
    QueryNextImageRequest,
    ReadAttributes,
    ReadAttributesResponse,
    ZclMalformed,
    read_records,
    write_attributes,
    write_command,
)

READ_RETRY: Final = Backoff(first_ms=2_000, longest_ms=60_000)
READ_TRIES_MAX: Final = 8  # then the head end asks again
SEEN_QUIET_MS: Final = 1 * MINUTE  # between two reports of one device, which may say what it likes
STRANGER_QUIET_MS: Final = 1 * HOUR
STRANGERS_MAX: Final = 32
_ATTEMPTS_MAX: Final = 0xFFFF_FFFF
_SEEN, _STRANGER = "seen/", "stranger/"


@dataclass(slots=True)
class _Seen:
    """The version that a device said last, and the one that was reported last, and when.

    `passed` is another one, said in between within the quiet time and not reported yet: the latest, if there were more.
    """

    version: int
    told: int | None = None
    told_at: int = 0
    passed: int | None = None

    def say(self, version: int) -> None:
        if self.version != self.told:
            self.passed = self.version
        self.version = version

    @property
    def untold(self) -> int | None:
        if self.passed is not None:
            return self.passed
        return None if self.version == self.told else self.version

    @property
    def due(self) -> Instant | None:
        return None if self.untold is None else Instant(self.told_at + SEEN_QUIET_MS)


@dataclass(slots=True)
class _Stranger:
    attempts: int = 0
    told: int = 0
    told_at: int = 0

    @property
    def due(self) -> Instant | None:
        return None if self.attempts == self.told else Instant(self.told_at + STRANGER_QUIET_MS)


@dataclass(slots=True)
class _Read:
    message: int
    due: Instant
    sequence: int = 0
    tries: int = 0


class Watch:
    """Versions and strangers of one home. What was reported outlives a restart; a read is asked for again."""

    def __init__(self, identity: HubIdentity, outbox: Outbox, memory: Mapping[str, bytes]) -> None:
        self._log = identity.device_log
        self._outbox = outbox
        self._seen = {Eui64.parse(key): _Seen(**unpack(record)) for key, record in below(memory, _SEEN)}
        self._strangers = {Eui64.parse(key): _Stranger(**unpack(record)) for key, record in below(memory, _STRANGER)}
        self._reads: dict[Eui64, _Read] = {}
        self._sequence = 0

    @property
    def due(self) -> Instant | None:
        """When something is to be reported or asked again."""
        dues = [seen.due for seen in self._seen.values()] + [node.due for node in self._strangers.values()]
        dues += [read.due for read in self._reads.values()]
        return min((due for due in dues if due is not None), default=None)

    def do_due(self, turn: Turn) -> None:
        """Report what has waited for its time, and repeat reads that were not answered."""
        for device, seen in self._seen.items():
            if seen.due is not None and seen.due <= turn.now:
                self._tell_version(device, seen, turn)
        for node, stranger in self._strangers.items():
            if stranger.due is not None and stranger.due <= turn.now:
                self._tell_stranger(node, stranger, turn)
        for device, read in list(self._reads.items()):
            if read.due <= turn.now:
                self._ask(device, read, turn)

    def saw(self, device: Eui64, query: QueryNextImageRequest, turn: Turn) -> None:
        """Note the version that a device of the log says it runs."""
        seen = self._seen.setdefault(device, _Seen(query.file_version))
        if seen.version != query.file_version:
            seen.say(query.file_version)
            self._keep_seen(device, seen, turn)
        if seen.due is not None and seen.due <= turn.now:
            self._tell_version(device, seen, turn)

    def read(self, order: ReadDevice, turn: Turn) -> None:
        """Read a device's version for the DCC; the answer goes up under the order's number."""
        if order.device not in self._log:
            turn.note("read_refused", device=str(order.device), error="no such device here")
            return
        read = self._reads.setdefault(order.device, _Read(order.message, turn.now))
        read.message = order.message
        if read.due <= turn.now:
            self._ask(order.device, read, turn)

    def answered(self, device: Eui64, sequence: int, answer: ReadAttributesResponse, turn: Turn) -> None:
        """Take a device's answer to a read; one that nobody asked for changes nothing."""
        read = self._reads.get(device)
        if read is None or read.sequence != sequence or self._outbox.full:
            return
        try:
            version = read_records(answer.records).get(OtaAttribute.CURRENT_FILE_VERSION)
        except ZclMalformed as error:
            turn.note("frame_refused", device=str(device), error=str(error))
            return
        if version is None:
            return
        del self._reads[device]
        turn.note("version_read_for_dcc", device=str(device), version=version)
        self._outbox.put(
            DeviceSeen(device=device, file_version=version, why=SeenWhy.READ_FOR_DCC, message=read.message), turn
        )

    def refused(self, node: Eui64, turn: Turn) -> None:
        """Count one try of a node outside the device log; it is told how it was refused elsewhere."""
        stranger = self._strangers.get(node) or self._admit(node, turn)
        if stranger is None:
            return
        stranger.attempts = min(stranger.attempts + 1, _ATTEMPTS_MAX)
        if stranger.due is not None and stranger.due <= turn.now:
            self._tell_stranger(node, stranger, turn)

    def _admit(self, node: Eui64, turn: Turn) -> _Stranger | None:
        """Make room for a new stranger: the one heard of longest ago goes, unless that was within the quiet time."""
        if len(self._strangers) >= STRANGERS_MAX:
            oldest = min(self._strangers, key=lambda each: self._strangers[each].told_at)
            if self._strangers[oldest].told_at + STRANGER_QUIET_MS > turn.now:
                return None
            del self._strangers[oldest]
            turn.store(f"{_STRANGER}{oldest}", None)
        self._strangers[node] = fresh = _Stranger(told_at=-STRANGER_QUIET_MS)
        return fresh

    def _ask(self, device: Eui64, read: _Read, turn: Turn) -> None:
        if read.tries == READ_TRIES_MAX:
            del self._reads[device]
            turn.note("read_unanswered", device=str(device), tries=read.tries)
            return
        self._sequence = read.sequence = (self._sequence + 1) & 0xFF
        ask = ReadAttributes(write_attributes([OtaAttribute.CURRENT_FILE_VERSION]))
        turn.send_han(device, OTA_CLUSTER, write_command(read.sequence, ask))
        read.due = Instant(turn.now + READ_RETRY.wait_ms(read.tries))
        read.tries += 1

    def _tell_version(self, device: Eui64, seen: _Seen, turn: Turn) -> None:
        while (version := seen.untold) is not None:
            seen.told_at = turn.now
            if self._outbox.full:
                return  # later, then
            seen.told, seen.passed = version, None
            self._keep_seen(device, seen, turn)
            turn.note("version_seen", device=str(device), version=version)
            self._outbox.put(
                DeviceSeen(device=device, file_version=version, why=SeenWhy.ASKED_FOR_IMAGE, message=0), turn
            )

    def _tell_stranger(self, node: Eui64, stranger: _Stranger, turn: Turn) -> None:
        stranger.told_at = turn.now
        if self._outbox.full:
            return
        stranger.told = stranger.attempts
        record = {"attempts": stranger.attempts, "told": stranger.told, "told_at": stranger.told_at}
        turn.store(f"{_STRANGER}{node}", pack(record))
        self._outbox.put(StrangerSeen(node=node, attempts=stranger.attempts), turn)

    def _keep_seen(self, device: Eui64, seen: _Seen, turn: Turn) -> None:
        turn.store(f"{_SEEN}{device}", pack(asdict(seen)))
