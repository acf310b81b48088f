"""Messages on their way to parties. A party may take its time, so posting and recording are apart.

`post` reads the store, hands messages to the carrier, many at once, and remembers what came of them; `record` writes
that down, many at once. One thread may do both in turn, or each its own. What was posted and not recorded when the
process dies is posted again under the same ResponseID.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Final, Protocol

import structlog

from hanota.app.messages import identifier, render
from hanota.app.queueing import PartyQueue
from hanota.base.errors import HanotaError
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.callbacks.port import Callback, MessageRefused
from hanota.model.policies import AlertPolicy
from hanota.records.store import Store
from hanota.records.store.outcomes import keep_for_reading, mark_delivered, mark_refused, put_off
from hanota.records.store.outgoing import READ_AT_ONCE_MAX, DueMessage, due_messages

FLIGHTS_MAX: Final = 64
"""How many messages are under way at once, to all parties together."""
RECORDED_AT_ONCE: Final = 200
_UNRECORDED_MAX: Final = 2_000
_WAITING_MIN: Final = READ_AT_ONCE_MAX // 4  # below it, more is read for a party
_log = structlog.get_logger()


class Turns(Protocol):
    """Keeps several processes from posting to one party: each asks for parties, and posts to those that it has."""

    def take(self, now: Instant, busy: Collection[Eui64]) -> Collection[Eui64]:
        """Give the parties that this process has; it keeps those that are `busy` and may let go of others."""


class _Outcome(Enum):
    TAKEN = auto()
    REFUSED = auto()  # this message alone
    SILENT = auto()  # its party took nothing: whatever else it is due waits, too


@dataclass(frozen=True, slots=True)
class _Tried:
    id: int
    party: Eui64
    outcome: _Outcome
    error: str = ""
    kept: tuple[str, bytes] | None = None  # ResponseID and octets, for a party that reads them here


class Posting:
    """The messages of one DCC. `post` belongs to one thread at a time; `record` may be called from any.

    `turns` says to whom it may post where other processes post, too; None: it is alone.
    """

    def __init__(
        self,
        store: Store,
        *,
        dcc: Eui64,
        callback: Callback,
        sign: Callable[[bytes], bytes],
        lane: str,
        policy: AlertPolicy,
        turns: Turns | None = None,
    ) -> None:
        self._store = store
        self._turns = turns
        self._dcc = dcc
        self._callback = callback
        self._sign = sign
        self._lane = lane
        self._policy = policy
        self._lock = threading.Lock()
        self._recording = threading.Lock()
        self._queues: dict[Eui64, PartyQueue] = {}
        self._landed: SimpleQueue[tuple[DueMessage, Future[None]]] = SimpleQueue()
        self._tried: deque[_Tried] = deque()

    def post(self, now: Instant, within_s: float | None = None) -> Iterator[None]:
        """Hand out what is due; yield whenever there is much to record, and again at the end if there is anything.

        With `within_s`, leave off after so many seconds: what is under way then goes on, and the next call hears of it.
        """
        end_s = None if within_s is None else time.monotonic() + within_s
        self._land(0)
        self._read(now)
        while len(self._tried) < _UNRECORDED_MAX:
            self._launch(now)
            if len(self._tried) >= RECORDED_AT_ONCE:
                yield
            left_s = None if end_s is None else max(0.0, end_s - time.monotonic())
            if not self._flights() or not self._land(left_s):
                break
        if self._tried:
            yield

    def settle(self, within_s: float) -> None:
        """Begin nothing more; wait for what is under way, so that nobody else posts the same meanwhile."""
        end_s = time.monotonic() + within_s
        while self._flights() and self._land(max(0.0, end_s - time.monotonic())):
            pass

    def record(self, now: Instant) -> None:
        """Write down what came of messages, in short transactions."""
        self._land(0)
        with self._recording:
            while True:
                with self._lock:
                    batch = list(islice(self._tried, RECORDED_AT_ONCE))
                if not batch:
                    return
                self._write(batch, now)
                with self._lock:
                    for _ in batch:
                        self._tried.popleft()

    def _write(self, batch: list[_Tried], now: Instant) -> None:
        taken = [each for each in batch if each.outcome is _Outcome.TAKEN]
        refused = [(each.id, each.error) for each in batch if each.outcome is _Outcome.REFUSED]
        silent = {each.party: each.error for each in batch if each.outcome is _Outcome.SILENT}
        kept = [(each.party, *each.kept) for each in taken if each.kept is not None]
        with self._store.writing() as connection:
            keep_for_reading(connection, kept, now)
            mark_delivered(connection, self._lane, [each.id for each in taken], now)
            mark_refused(connection, self._lane, refused, now, self._policy)
            for party, error in silent.items():
                put_off(connection, self._lane, party, error, now=now, policy=self._policy)

    def _read(self, now: Instant) -> None:
        """Let what is due wait in the queues of its parties, unless it is there or its outcome is not yet recorded."""
        with self._lock:  # before the store is read, so that nothing is posted while its recording is under way
            known = {each.id for each in self._tried}
            passing = {each.party for each in self._tried if each.outcome is _Outcome.SILENT}
            passing |= {party for party, queue in self._queues.items() if queue.waiting >= _WAITING_MIN}
            busy = {each.party for each in self._tried}
            busy |= {party for party, queue in self._queues.items() if queue.waiting or queue.flying}
        among = None if self._turns is None else self._turns.take(now, busy)
        with self._store.reading() as connection:
            due, unreadable = due_messages(connection, now, window=self._policy.window, passing=passing, among=among)
        with self._lock:
            for party, found in _by_party(message for message in due if message.id not in known).items():
                self._queues.setdefault(party, PartyQueue()).add(found)
            for row in unreadable:
                if row.id not in known:
                    _log.error("message_not_readable", message=row.id, party=str(row.party), cause=row.error)
                    self._tried.append(_Tried(row.id, row.party, _Outcome.REFUSED, row.error))

    def _launch(self, now: Instant) -> None:
        """Begin what may begin, in turns, so that each party gets its share."""
        going = True
        while going:
            going = False
            for queue in list(self._queues.values()):
                with self._lock:
                    message = queue.take() if self._flights() < FLIGHTS_MAX else None
                if message is not None:
                    going = True
                    self._begin(queue, message, now)

    def _begin(self, queue: PartyQueue, message: DueMessage, now: Instant) -> None:
        try:
            octets = self._sign(render(message, dcc=self._dcc, now=now))
        except Exception as cause:  # whatever is wrong with one message, the others are to go out
            _log.exception("message_not_rendered", **_ids(message))
            tried = _Tried(message.id, message.party, _Outcome.REFUSED, f"not rendered: {cause}")
            with self._lock:
                queue.refused(message)
                self._tried.append(tried)
            return
        if message.endpoint is None:
            kept = (str(identifier(message, self._dcc)), octets)
            with self._lock:
                queue.taken(message)
                self._tried.append(_Tried(message.id, message.party, _Outcome.TAKEN, kept=kept))
            return
        flight: Future[None]
        try:
            flight = self._callback.post(message.endpoint, octets)
        except Exception as cause:  # a carrier's fault is no reason to keep the other parties from theirs
            flight = Future()
            flight.set_exception(cause)
        flight.add_done_callback(lambda landed: self._landed.put((message, landed)))

    def _land(self, within_s: float | None) -> bool:
        """Wait for a message that was under way, then note what came of it and of all others that have ended."""
        try:
            first = self._landed.get(timeout=within_s) if within_s != 0 else self._landed.get_nowait()
        except Empty:
            return False
        with self._lock:
            self._note(*first)
            while not self._landed.empty():
                self._note(*self._landed.get_nowait())
        return True

    def _note(self, message: DueMessage, landed: Future[None]) -> None:
        queue = self._queues[message.party]
        cause = TimeoutError("the carrier gave it up") if landed.cancelled() else landed.exception()
        if cause is None:
            queue.taken(message)
            self._tried.append(_Tried(message.id, message.party, _Outcome.TAKEN))
            return
        why = cause.explain() if isinstance(cause, HanotaError) else f"{type(cause).__name__}: {cause}"
        _log.warning("message_not_taken", cause=why, **_ids(message))
        alone = isinstance(cause, MessageRefused)
        (queue.refused if alone else queue.silent)(message)
        outcome = _Outcome.REFUSED if alone else _Outcome.SILENT
        self._tried.append(_Tried(message.id, message.party, outcome, why))

    def _flights(self) -> int:
        return sum(len(queue.flying) for queue in self._queues.values())


def _by_party(messages: Iterator[DueMessage]) -> dict[Eui64, list[DueMessage]]:
    found: dict[Eui64, list[DueMessage]] = {}
    for message in messages:
        found.setdefault(message.party, []).append(message)
    return found


def _ids(message: DueMessage) -> dict[str, int | str | None]:
    return {"message": message.id, "delivery": message.delivery, "party": str(message.party)}
