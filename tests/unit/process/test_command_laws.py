"""Whatever happens to commands, in whatever order: each has one end, each User one answer, nothing leaves after it."""

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hanota.base.instant import DAY, HOUR, MINUTE, Instant
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.commands import CANCEL_TIME, COMMAND
from hanota.process.report import response_id_of
from hanota.records.ledger import verify
from hanota.records.store import schema as t
from hanota.wire import gbcs
from helpers.asking import activate, answer_to, dated_alert, hear, read_version, sent
from helpers.premises import DCC
from helpers.world import ESME, HCALCS, PPMID, SUPPLIER_1, SUPPLIER_2, Bench

pick = st.integers(0, 1000)
waits = st.sampled_from((0, 1000, 10 * MINUTE, 3 * HOUR, DAY, 2 * DAY))
later = st.sampled_from((None, None, HOUR, 30 * HOUR))


class Commands(RuleBasedStateMachine):
    """A User sends commands; devices answer at once, twice, late, with forgeries; time passes and processes die."""

    @initialize()
    def begin(self) -> None:
        self.bench = Bench()
        self.asked: dict[str, Any] = {}  # RequestID of what was acknowledged: its request
        self.downs: list[bytes] = []  # commands that have left
        self.ends: dict[int, str] = {}
        self.alerts: set[tuple[Any, int]] = set()  # devices' own, by their counters

    def _acknowledged(self, request: Any, code: ResponseCode) -> None:
        assert code is ResponseCode.I99
        self.asked[str(request.header.request_id)] = request

    @rule(device=st.sampled_from((PPMID, ESME, HCALCS)), after=later)
    def read(self, device: Any, after: int | None) -> None:
        execution = None if after is None else Instant(self.bench.now + after)
        request = read_version(device, execution=execution)
        self._acknowledged(request, self.bench.submit(request, "S").code)

    @rule(device=st.sampled_from((ESME, HCALCS)), after=later, cancels=st.booleans())
    def activate(self, device: Any, after: int | None, cancels: bool) -> None:
        execution = None if after is None else Instant(self.bench.now + after)
        request, answer = activate(self.bench, device, execution=CANCEL_TIME if cancels else execution)
        self._acknowledged(request, answer.code)

    @precondition(lambda self: self.asked)
    @rule(which=pick)
    def send_again(self, which: int) -> None:
        """The User lost the answer."""
        request = list(self.asked.values())[which % len(self.asked)]
        assert self.bench.submit(request, "S").code is ResponseCode.I99

    @precondition(lambda self: self.asked)
    @rule(runs=st.booleans())
    def drain(self, runs: bool) -> None:
        """Hand over what is to leave; it may have waited while answers came and deadlines passed."""
        if runs:
            self.bench.run()
        ended = {row.id for row in self.bench.rows(t.command) if row.state in COMMAND.terminal}
        due = {row.command for row in self.bench.rows(t.outbox) if row.due is not None and row.due <= self.bench.now}
        assert not due & ended  # nothing leaves for what has ended
        self.downs += [down.data for down in sent(self.bench)]

    @precondition(lambda self: self.downs)
    @rule(which=pick, copies=st.integers(1, 3), accepts=st.booleans())
    def answer(self, which: int, copies: int, accepts: bool) -> None:
        command = self.downs[which % len(self.downs)]
        payload = gbcs.read_payload(gbcs.read_message(command))
        dated = isinstance(payload, gbcs.ActivateFirmware) and payload.execution is not None
        hear(self.bench, *[answer_to(command, gbcs.CommandAccepted() if dated and accepts else None)] * copies)
        assert self._state(command) != "SENT"

    def _state(self, command: bytes) -> str:
        header = gbcs.read_message(command).header
        if header.originator == DCC:
            number = self.bench.row(t.outbox, id=header.counter).command
            return str(self.bench.row(t.command, id=number).state)
        return str(self.bench.row(t.command, counter=str(header.counter)).state)

    @precondition(lambda self: self.downs)
    @rule(which=pick, place=pick)
    def forge(self, which: int, place: int) -> None:
        octets = bytearray(answer_to(self.downs[which % len(self.downs)]))
        octets[-1 - place % 12] ^= 1  # of the MAC or signature
        before = self._kept()
        hear(self.bench, bytes(octets))
        assert self._kept() == before

    @precondition(lambda self: self.asked)
    @rule(which=pick, copies=st.integers(1, 2), failed=st.booleans(), number=st.integers(1, 3))
    def act(self, which: int, copies: int, failed: bool, number: int) -> None:
        """A device says that it acted at the time of a command, whether or not there was one."""
        request = list(self.asked.values())[which % len(self.asked)].header.request_id
        if request.target == PPMID:
            return
        alert = dated_alert(request.counter, self.bench.now, device=request.target, failed=failed, number=number)
        self.alerts.add((request.target, number))
        hear(self.bench, *[alert] * copies)

    @precondition(lambda self: self.asked)
    @rule(wait=waits)
    def wait(self, wait: int) -> None:
        self.bench.run(after_ms=wait)

    @precondition(lambda self: self.asked)
    @rule()
    def die(self) -> None:
        self.bench.restart()

    def _kept(self) -> Any:
        return self.bench.rows(t.command), self.bench.rows(t.message)

    @invariant()
    def ends_stay(self) -> None:
        for row in self.bench.rows(t.command):
            if row.state in COMMAND.terminal:
                assert self.ends.setdefault(row.id, row.state) == row.state
                assert (row.due, row.deadline) == (None, None)
            else:
                assert row.id not in self.ends
                assert row.due is not None  # nothing is silently stuck

    @invariant()
    def nobody_hears_twice(self) -> None:
        rows = [row for row in self.bench.rows(t.message) if row.request is not None]
        told = Counter((row.request, row.kind) for row in rows)
        assert set(told.values()) <= {1}
        alerts = [row for row in self.bench.rows(t.message) if row.kind in {"DatedAlert", "DeviceAlert"}]
        assert len(alerts) <= len(self.alerts)
        answers = [row.response_id for row in rows if row.kind == "Response"]
        asked = {str(response_id_of(request.header.request_id)) for request in self.asked.values()}
        assert set(answers) <= asked
        documents = [row for row in self.bench.rows(t.message) if row.document is not None]
        assert {row.party for row in documents} <= {SUPPLIER_1.signed}
        assert SUPPLIER_2.signed not in {row.party for row in rows}

    def teardown(self) -> None:
        """In the end, and by time alone if need be, everything has ended and everybody has heard."""
        if not hasattr(self, "bench"):
            return
        self.bench.run(after_ms=40 * DAY).run(after_ms=40 * DAY).run(after_ms=40 * DAY)
        rows = self.bench.rows(t.command)
        assert {row.state for row in rows} <= COMMAND.terminal
        assert len(rows) == len(self.asked)
        told = self.bench.rows(t.message)
        # A device that acts before its answer has come answers by its dated alert.
        heard = {row.request for row in told if row.kind in {"Response", "DatedAlert"}}
        assert heard == {row.request for row in rows}
        assert sent(self.bench) == []
        with self.bench.store.reading() as connection:
            assert verify(connection)


TestCommands = Commands.TestCase
TestCommands.settings = settings(max_examples=settings.default.max_examples // 4, stateful_step_count=30, deadline=None)
