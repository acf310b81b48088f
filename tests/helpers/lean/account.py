"""What a lean worker said that it had done, over all its lives, held against the store that it left."""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hanota.records.ledger import verify
from hanota.records.store import open_store
from hanota.records.store.integrity import integrity

ONCE = ("order_accepted", "image_held", "transfer_progressed", "transferred", "activation_succeeded", "version_matched")
"""What a report moves a delivery by, at most once each however often it is said."""
_END = "CONFIRMED"


@dataclass
class Account:
    """Everything acknowledged or handed over. `answers` has the digest of each request's answer by its own digest."""

    answers: dict[str, str] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)
    handed: Counter[tuple[str, int]] = field(default_factory=Counter)
    posted: set[int] = field(default_factory=set)
    acknowledged: int = 0
    events: list[bytes] = field(default_factory=list)

    def take(self, words: list[Any]) -> None:
        """Enter one line of the worker."""
        match words:
            case ["answered", request, answer, _]:
                assert self.answers.setdefault(request, answer) == answer, "answered again, and otherwise"
                self.acknowledged += 1
            case ["heard", source]:
                self.heard.add(source)
                self.acknowledged += 1
            case ["distribute" | "read_version" | "cancel" as kind, number]:
                self.handed[kind, number] += 1
            case ["posted", response_id]:
                self.posted.add(int(response_id.rpartition(":")[2]))

    def check(self, path: Path) -> None:
        """Hold the store after a death against this: all that was acknowledged, and nothing counted twice."""
        store = open_store(path)
        try:
            assert integrity(store) == "ok"
            with store.reading() as connection:
                report = verify(connection)
                driver = connection.connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)
                assert report, f"event {report.broken_lane}/{report.broken_seq} does not hold"
                self._check(driver)
        finally:
            store.close()

    def _check(self, driver: sqlite3.Connection) -> None:
        answers = {hashlib.sha256(answer).hexdigest() for (answer,) in driver.execute("SELECT answer FROM request")}
        assert set(self.answers.values()) <= answers, "an answer that was given is not there"
        sources = {_source(source) for (source,) in driver.execute("SELECT source FROM report")}
        assert self.heard <= sources, f"acknowledged to hubs and not there: {self.heard - sources}"
        taken = {number for (number,) in driver.execute("SELECT id FROM message WHERE delivered_at IS NOT NULL")}
        assert taken <= self.posted, f"alerts recorded as taken that nobody was given: {taken - self.posted}"
        self._check_sent(driver)
        digests = [digest for (digest,) in driver.execute("SELECT digest FROM event ORDER BY lane, seq")]
        assert digests[: len(self.events)] == self.events, "events that were there are gone"
        self.events = digests
        told = _rows_of(driver)
        assert [found for found, times in told.items() if times > 1] == [], "counted twice"

    def _check_sent(self, driver: sqlite3.Connection) -> None:
        query = "SELECT kind, CASE kind WHEN 'read_version' THEN id ELSE delivery END FROM outbox WHERE sent_at NOTNULL"
        sent = Counter((kind, number) for kind, number in driver.execute(query))
        assert [row for row, times in sent.items() if self.handed[row] < times] == [], "counts as sent, and never was"

    def check_end(self, path: Path) -> int:
        """Hold the store against this when nothing is left to do: everything came to its end, and was told.

        Returns: how many deliveries there are.
        """
        self.check(path)
        driver = sqlite3.connect(path)
        try:
            ends = [state for (state,) in driver.execute("SELECT state FROM delivery")]
            assert ends
            assert set(ends) == {_END}, Counter(ends)
            told = _rows_of(driver)
            for kind in ("image_held", "transferred", "activation_succeeded", "version_matched", "alert_due"):
                assert sum(1 for found, *_ in told if found == kind) >= len(ends), kind
            for query in (
                "SELECT count(*) FROM message WHERE delivered_at IS NULL AND lead IS NULL",
                "SELECT count(*) FROM outbox WHERE sent_at IS NULL",
                "SELECT count(*) FROM report WHERE NOT taken",
                "SELECT count(*) FROM work",
            ):
                assert driver.execute(query).fetchone() == (0,), query
            return len(ends)
        finally:
            driver.close()


def _source(source: str) -> str:
    """Leave out for whom a GBCS message was."""
    return "/".join(source.split("/")[:3]) if source.startswith("gbcs ") else source


def _rows_of(driver: sqlite3.Connection) -> Counter[tuple[str, ...]]:
    """Count what the log says by kind and delivery, of alerts by kind and alert."""
    counted: Counter[tuple[str, ...]] = Counter()
    for (octets,) in driver.execute("SELECT octets FROM event"):
        event = json.loads(octets)
        kind, columns = event["kind"], event["columns"]
        if kind in ONCE:
            counted.update((kind, str(number)) for number in columns["delivery"])
        elif kind in ("alert_due", "alert_delivered"):
            counted.update((kind, str(number)) for number in columns["alert"])
    return counted


def entered(lines: Iterable[list[Any]]) -> Account:
    """Give an account of these lines."""
    account = Account()
    for words in lines:
        account.take(words)
    return account
