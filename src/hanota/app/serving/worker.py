"""A worker: a head end in a process of its own, which moves what is due until it is told to stop, or has lost its lane.

Any number of them work over one store. What each takes up it claims with a lease, so one that dies only delays its
share, and one that stood still for too long writes nothing (`lanes`).
"""

import threading
from typing import Final

import structlog

from hanota.app.clock import wall_clock
from hanota.app.head_end import HeadEnd
from hanota.app.keywork import open_key_work
from hanota.app.serving import carriers
from hanota.app.serving.lanes import PartyTurns
from hanota.app.serving.opening import Opened
from hanota.callbacks.http import HttpCallback
from hanota.records.ledger import entered, last_number
from hanota.records.store.leases import LeaseLost

NAP_S: Final = 0.25
"""How long a worker that found nothing to do rests: how late it may notice a request or a frame."""
_AFTER_FAILURE_S: Final = 1.0
_STOP_ALERTS_S_MAX: Final = 6.0  # a post ends within 5 s
_log = structlog.get_logger()


class Worker:
    """One worker over what it opened. `run` belongs to one thread; `stop` may be called from any, or from a signal."""

    def __init__(self, opened: Opened) -> None:
        """Connect to the network. Raises CarrierMissing, WanError."""
        settings, self._lane = opened.settings, opened.lane
        self._store = opened.lane.store
        self._carrier = carriers.open_carrier(opened.store, settings.nats, self._lane.name)
        self._woken = threading.Event()
        self._carrier.listen(self._woken.set)
        self._callback = HttpCallback()
        self._work = open_key_work(opened.keys.directory, opened.keys.dcc, settings.key_processes)
        self._head_end = HeadEnd(
            self._store,
            keys=opened.keys.directory,
            dcc=opened.keys.dcc,
            wan=self._carrier,
            callback=self._callback,
            policies=settings.policies,
            lane=self._lane.name,
            turns=PartyTurns(self._lane),
            work=self._work,
        )
        self._stopping = False
        with self._store.reading() as connection:
            self._told = last_number(connection, self._lane.name)

    def stop(self) -> None:
        """Ask it to end after the batch at hand."""
        self._stopping = True  # no lock: a signal may come while the thread that it interrupts holds any

    def _going(self) -> bool:
        return not (self._stopping or self._lane.lost.is_set())

    def run(self) -> bool:
        """Work until stopped. Returns: whether it still held its lane at the end; if not, it wrote nothing since."""
        _log.info("working", lane=self._lane.name)
        posting = threading.Thread(target=self._post, name="hanota-alerts", daemon=True)
        posting.start()
        try:
            while self._going():
                self._woken.clear()
                if not self._step():
                    self._woken.wait(NAP_S)
            posting.join(_STOP_ALERTS_S_MAX)
            self._head_end.settle_alerts(_STOP_ALERTS_S_MAX)
            return self._end()
        finally:
            self._work.close()
            self._callback.close()
            self._carrier.close()

    def _end(self) -> bool:
        """Write down what is known, unless others have gone on with it."""
        try:
            if not self._lane.lost.is_set():
                self._head_end.leave(wall_clock())
                self._head_end.record_alerts(wall_clock())
                self._tell()
                return True
        except LeaseLost:
            self._lane.lost.set()
        return False

    def _step(self) -> bool:
        """Do what is due. Returns: whether there was anything, so that more may be."""
        try:
            done = self._head_end.step(wall_clock(), alerts=False, going=self._going, whole=False)
            self._tell()
        except LeaseLost:
            self._lane.lost.set()
        except Exception:  # nothing is above this loop: the log tells of it, and it tries again
            _log.exception("step_failed", lane=self._lane.name)
            self._lane.lost.wait(_AFTER_FAILURE_S)
        else:
            return done > 0
        return False

    def _tell(self) -> None:
        """Log what this worker did: a line for each event of its lane, as it stands in the evidence."""
        with self._store.reading() as connection:
            news = entered(connection, self._lane.name, self._told)
        for entry in news:
            self._told = entry.seq
            _log.info(
                entry.kind,
                lane=entry.lane,
                seq=entry.seq,
                request=entry.request,
                first_delivery=entry.first_delivery,
                last_delivery=entry.last_delivery,
            )

    def _post(self) -> None:
        """Hand out alerts, in a thread of its own, and record what came of them: a step may be long."""
        while self._going():
            posted = False
            try:
                for _ in self._head_end.post_alerts(wall_clock()):
                    posted = True
                    self._head_end.record_alerts(wall_clock())
                    if not self._going():
                        return
            except LeaseLost:
                self._lane.lost.set()
            except Exception:  # nothing is above this thread either
                _log.exception("alerts_failed", lane=self._lane.name)
                self._lane.lost.wait(_AFTER_FAILURE_S)
            if not posted:
                self._lane.lost.wait(NAP_S)
