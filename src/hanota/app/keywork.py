"""What is done with keys to many frames at once: uplinks read and their marks looked at, orders signed, secrets agreed
on.

It takes more of the processor than all else about a report, and needs no store. So a head end may have it done by
processes of its own beside it (`KeyPool`), while it writes what they have looked at before.
"""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection, get_context, parent_process
from typing import Any, ClassVar, Final

import structlog
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

from hanota.app.memory import collect_seldom
from hanota.base.eui import Eui64
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.process.intake import Plain, Shut, Spoken, read_plainly
from hanota.wire import marks
from hanota.wire.smki import KeyDirectory

WORTH_MIN: Final = 64
"""Fewer pieces of work than this are done at once by whoever has them: to hand them over would cost as much."""
PIECE: Final = 100
"""How many pieces of work go to a process at a time: some ten milliseconds of it."""
_READY: Final = 2  # pieces that lie ready for processes that have done theirs
_AFTER_BREAK_S: Final = 10.0
_log = structlog.get_logger()

Wait = Callable[[], list[Any]]


@dataclass(frozen=True, slots=True)
class BrokerKeys:
    """The DCC's keys as Access Control Broker: what it signs orders with, and what it agrees on secrets with."""

    signing: ec.EllipticCurvePrivateKey
    agreement: ec.EllipticCurvePrivateKey

    def do(self, task: str, items: Sequence[Any]) -> list[Any]:
        """Do one task to each item, in their order."""
        return _TASKS[task](self, items)


_TASKS: Final[dict[str, Callable[[BrokerKeys, Sequence[Any]], list[Any]]]] = {
    "read": lambda _, uplinks: read_plainly(uplinks),
    "sign": lambda keys, octets: marks.sign_each(octets, keys.signing),
    "agree": lambda keys, points: marks.agree_with_each(points, keys.agreement),
}


def broker_keys(keys: KeyDirectory, dcc: Eui64) -> BrokerKeys:
    """Give the keys of a DCC as broker."""
    role = CertificateRole.ACCESS_CONTROL_BROKER
    return BrokerKeys(
        keys.credential(dcc, KeyUsage.DIGITAL_SIGNATURE, role).key,
        keys.credential(dcc, KeyUsage.KEY_AGREEMENT, role).key,
    )


class KeyWork:
    """Does it at once, in this process. What each method gives is a function that gives the results, in order.

    `looked` is how many marks it has looked at so far; `cpu_s` what other processes have spent on it, in seconds.
    """

    beside: ClassVar[bool] = False
    """Whether it is done by others while this process does something else."""

    def __init__(self, keys: BrokerKeys) -> None:
        self._keys = keys
        self.looked = 0
        self.cpu_s = 0.0

    def read(self, uplinks: Sequence[Shut]) -> Callable[[], list[Plain]]:
        """Read uplinks and look at their marks; see `process.intake.read_plainly`."""
        done = self._begin("read", uplinks)

        def said() -> list[Plain]:
            found = done()
            self.looked += sum(it.marks for it in found if isinstance(it, Spoken))
            return found

        return said

    def sign(self, octets: Sequence[bytes]) -> Callable[[], list[bytes]]:
        """Sign octets of orders as the DCC."""
        return self._begin("sign", octets)

    def agree(self, points: Sequence[bytes]) -> Callable[[], list[bytes | None]]:
        """Give the secrets that the broker shares with the holders of public keys (points); None for what is none."""
        return self._begin("agree", points)

    def _begin(self, task: str, items: Sequence[Any]) -> Wait:
        done = self._keys.do(task, items)
        return lambda: done

    def close(self) -> None:
        """End what was started for it."""


@dataclass(slots=True, eq=False)
class _Piece:
    """Some of a batch: it has a `future` once somebody has begun it, and a `pool` if that is another process."""

    task: str
    items: Sequence[Any]
    pool: ProcessPoolExecutor | None = None
    future: "Future[Any] | None" = None


class KeyPool(KeyWork):
    """Has it done by other processes, which are started with the first batch that is worth it. Whoever waits for it
    helps: what was not handed over by then is done here.

    Nothing is lost with a process that dies: what it had is done here, and a later batch starts others. Any thread may
    use it.
    """

    beside = True

    def __init__(self, keys: BrokerKeys, processes: int) -> None:
        super().__init__(keys)
        self._processes = processes
        self._lock = threading.RLock()  # a future may be done before it is told whom to call then
        self._pool: ProcessPoolExecutor | None = None
        self._pieces: deque[_Piece] = deque()
        self._handed_over = 0
        self._not_before_s = 0.0
        self._closed = False

    def _begin(self, task: str, items: Sequence[Any]) -> Wait:
        if len(items) < WORTH_MIN:
            return super()._begin(task, items)
        pieces = [_Piece(task, items[at : at + PIECE]) for at in range(0, len(items), PIECE)]
        with self._lock:
            self._pieces.extend(pieces)
            self._hand_over()

        def wait() -> list[Any]:
            for piece in reversed(pieces):
                self._do_here(piece)
            return [done for piece in pieces for done in self._result(piece)]

        return wait

    def _do_here(self, piece: _Piece) -> None:
        """Do a piece that nobody has begun; who waits for it gets what it raises."""
        with self._lock:
            if piece.future is not None:
                return
            future: Future[Any] = Future()
            piece.future = future
        try:
            future.set_result((self._keys.do(piece.task, piece.items), 0.0))
        except BaseException as failure:  # whatever it is, somebody waits for this piece
            future.set_exception(failure)
            if not isinstance(failure, Exception):  # Ctrl-C is for this thread
                raise

    def _next(self) -> _Piece | None:
        """Give what was wanted first of all that nobody has begun."""
        with self._lock:
            while self._pieces and self._pieces[0].future is not None:
                self._pieces.popleft()
            return self._pieces[0] if self._pieces else None

    def _hand_over(self) -> None:
        """Let each process have a piece, and some more lie ready; the lock is held.

        A few only: who waits never cancels a future to do the work itself, as in Python 3.11 that may end the
        executor's own thread, and leave all who wait without an answer, if a process dies just then.
        """
        while self._handed_over < self._processes + _READY and (piece := self._next()) is not None:
            pool = self._opened()
            if pool is None:
                return  # who waits does it
            try:
                piece.pool, piece.future = pool, pool.submit(_do, piece.task, piece.items)
            except (BrokenExecutor, RuntimeError) as failure:
                self._drop(pool, failure)
                return
            self._handed_over += 1
            piece.future.add_done_callback(partial(self._follow, pool))

    def _follow(self, pool: ProcessPoolExecutor, done: "Future[Any]") -> None:
        """Hand over another after one that is done. The executor's thread calls this, after a break holding a lock."""
        if done.cancelled() or isinstance(done.exception(), BrokenExecutor):
            return
        with self._lock:
            if self._pool is pool:
                self._handed_over -= 1
                self._hand_over()

    def _result(self, piece: _Piece) -> list[Any]:
        """Give what came of a piece that was begun; until it is done, do whatever else there is."""
        assert piece.future is not None
        while not piece.future.done() and (other := self._next()) is not None:
            self._do_here(other)
        try:
            done, cpu_s = piece.future.result()
        except (BrokenExecutor, CancelledError) as failure:
            with self._lock:
                self._drop(piece.pool, failure)
            return self._keys.do(piece.task, piece.items)
        self.cpu_s += cpu_s
        return list(done)

    def _opened(self) -> ProcessPoolExecutor | None:
        if self._pool is None and not self._closed and time.monotonic() >= self._not_before_s:
            octets = (_octets(self._keys.signing), _octets(self._keys.agreement))
            self._pool = ProcessPoolExecutor(
                self._processes, mp_context=get_context("spawn"), initializer=_set_up, initargs=octets
            )
        return self._pool

    def _drop(self, pool: ProcessPoolExecutor | None, failure: BaseException) -> None:
        """Go on without processes of which one died; others are started after a while. The lock is held."""
        if pool is None or self._pool is not pool:
            return
        self._pool, self._not_before_s = None, time.monotonic() + _AFTER_BREAK_S
        self._handed_over = 0
        _log.warning("key_processes_broken", why=str(failure))
        pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """End the processes, and wait until they have."""
        with self._lock:
            pool, self._pool, self._closed = self._pool, None, True
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)


def processes_by_default(workers: int = 1) -> int:
    """Give how many processes beside each of so many workers make use of this machine: a worker takes a core itself."""
    return max(0, len(os.sched_getaffinity(0)) // max(1, workers) - 1)


def open_key_work(keys: KeyDirectory, dcc: Eui64, processes: int) -> KeyWork:
    """Give what works with the DCC's keys in so many processes, or with none in this one."""
    own = broker_keys(keys, dcc)
    return KeyPool(own, processes) if processes else KeyWork(own)


def _octets(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Give a key as it goes to a process of ours: through a pipe, never to a disk or a command line."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


_held: list[BrokerKeys] = []  # in a process beside: the keys it works with


def _set_up(signing: bytes, agreement: bytes) -> None:
    """Begin a process: it leaves Ctrl-C to the one that started it, and ends with it, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="hanota-parent", daemon=True).start()
    collect_seldom()
    _held.append(BrokerKeys(_key(signing), _key(agreement)))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)  # the queues of a pool whose owner was killed never end by themselves


def _key(octets: bytes) -> ec.EllipticCurvePrivateKey:
    key = load_der_private_key(octets, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _do(task: str, items: Sequence[Any]) -> tuple[list[Any], float]:
    """Do a piece in a process beside; give the results, and what they took of the processor in seconds."""
    began = time.process_time()
    return _held[0].do(task, items), time.process_time() - began
