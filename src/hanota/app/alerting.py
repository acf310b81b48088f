"""Alerts on their way to parties. A party may take its time, so posting and recording are apart.

`post` reads the store, talks to endpoints and remembers what came of it; `record` writes that down, in order. One
thread may do both in turn, or each its own. What was posted and not recorded when the process dies is posted again
under the same ResponseID.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice
from typing import Final

import structlog

from hanota.app.messages import render, response_id
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.callbacks.port import Callback, CallbackError
from hanota.records.store import Store
from hanota.records.store.alerts import (
    DueAlert,
    due_alerts,
    keep_for_reading,
    mark_delivered,
    mark_refused,
    put_off,
)

_RECORDED_AT_ONCE: Final = 100
_log = structlog.get_logger()


class _Outcome(Enum):
    TAKEN = auto()
    FAULTY = auto()  # this alert alone
    DEAF = auto()  # its party took nothing: whatever else it is due waits, too


@dataclass(frozen=True, slots=True)
class _Tried:
    alert: DueAlert
    outcome: _Outcome
    octets: bytes = b""


class Alerting:
    """The alerts of one DCC. `post` belongs to one thread at a time, and so does `record`."""

    def __init__(
        self, store: Store, *, dcc: Eui64, callback: Callback, sign: Callable[[bytes], bytes], lane: str
    ) -> None:
        self._store = store
        self._dcc = dcc
        self._callback = callback
        self._sign = sign
        self._lane = lane
        self._lock = threading.Lock()
        self._tried: deque[_Tried] = deque()

    def post(self, now: Instant) -> Iterator[None]:
        """Hand out what is due, one alert each time. A party that did not take one is left alone for this round."""
        with self._lock:  # before the store is read, so that nothing is posted while its recording is under way
            tried = list(self._tried)
        done = {each.alert.id for each in tried}
        deaf = {each.alert.party for each in tried if each.outcome is _Outcome.DEAF}
        with self._store.reading() as connection:
            waiting = due_alerts(connection, now)
        for alert in waiting:
            if alert.id in done or alert.party in deaf:
                continue
            found = self._try(alert, now)
            if found.outcome is _Outcome.DEAF:
                deaf.add(alert.party)
            with self._lock:
                self._tried.append(found)
            yield

    def record(self, now: Instant) -> None:
        """Write down what came of alerts, in short transactions."""
        while True:
            with self._lock:
                batch = list(islice(self._tried, _RECORDED_AT_ONCE))
            if not batch:
                return
            with self._store.writing() as connection:
                for tried in batch:
                    alert = tried.alert
                    if tried.outcome is not _Outcome.TAKEN:
                        mark_refused(connection, alert, now)
                        if tried.outcome is _Outcome.DEAF:
                            put_off(connection, alert.party, now)
                        continue
                    if alert.endpoint is None:
                        identifier = str(response_id(self._dcc, alert.party, alert.id))
                        keep_for_reading(connection, alert, identifier, tried.octets, now)
                    mark_delivered(connection, self._lane, alert, now)
            with self._lock:
                for _ in batch:
                    self._tried.popleft()

    def _try(self, alert: DueAlert, now: Instant) -> _Tried:
        ids = {"alert": alert.id, "delivery": alert.delivery, "party": str(alert.party)}
        try:
            octets = self._sign(render(alert, dcc=self._dcc, now=now))
        except Exception:  # whatever is wrong with one alert, the others are to go out
            _log.exception("alert_not_rendered", **ids)
            return _Tried(alert, _Outcome.FAULTY)
        if alert.endpoint is None:
            return _Tried(alert, _Outcome.TAKEN, octets)
        try:
            self._callback.post(alert.endpoint, octets)
        except CallbackError as error:
            _log.warning("alert_not_taken", cause=str(error), **ids)
            return _Tried(alert, _Outcome.DEAF)
        except Exception:  # a carrier's fault is no reason to keep the other parties from theirs
            _log.exception("alert_not_taken", **ids)
            return _Tried(alert, _Outcome.DEAF)
        return _Tried(alert, _Outcome.TAKEN, octets)
