"""Versions that nothing explains: marked, and told to each Responsible Supplier exactly once (R5, R25)."""

from typing import Any

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import HOUR, MINUTE, Instant
from hanota.model.policies import LocalUpgradePolicy, Policies
from hanota.records.store import schema as t
from hanota.records.store.statements import StatementRecord, keep_statement
from helpers.premises import NEW, NOW, OLD
from helpers.world import ESME, HUB, HUB_2, LANE, PPMID, STRANGER, SUPPLIER_1, SUPPLIER_2, Bench

pytestmark = pytest.mark.usefixtures("each_store")

LOCAL = 0x42
UNEXPLAINED = "reported, unexplained"
ATTESTED = Policies(local_upgrade=LocalUpgradePolicy(mode="attested"))


def seen(bench: Bench, version: int, **facts: Any) -> Bench:
    """The hub of home 1 says what it saw."""
    bench.now = Instant(bench.now + MINUTE)
    return bench.tell("version_seen", None, **({"reporter": HUB, "version": version, "result": 0} | facts))


def told(bench: Bench) -> list[tuple[Eui64, int, int, int | None]]:
    """The N49 of devices: party, version known and version found, delivery."""
    return [
        (Eui64.from_signed(row.party), row.version_smi, row.version, row.delivery)
        for row in bench.rows(t.message, kind="Mismatch")
    ]


def known(bench: Bench) -> tuple[int, str]:
    device = bench.device()
    return device.version, device.version_origin


def events(bench: Bench, kind: str) -> int:
    return sum(row.kind == kind for row in bench.rows(t.event))


EACH = [(SUPPLIER_1, OLD, LOCAL, None), (SUPPLIER_2, OLD, LOCAL, None)]


def test_each_responsible_supplier_hears_once_of_a_version_that_nothing_explains() -> None:
    bench = seen(Bench(), LOCAL)
    assert known(bench) == (LOCAL, UNEXPLAINED)
    assert told(bench) == EACH
    for event in ("version_seen", "version_read", "activation_succeeded"):  # the same change, heard again
        bench.now = Instant(bench.now + MINUTE)
        bench.tell(event, None, version=LOCAL, result=0)
    assert told(bench) == EACH
    assert events(bench, "unexplained_report") == 1


def test_each_change_is_told() -> None:
    bench = seen(seen(Bench(), LOCAL), LOCAL + 1)
    assert [row[1:3] for row in told(bench)] == [(OLD, LOCAL)] * 2 + [(LOCAL, LOCAL + 1)] * 2


def test_the_version_that_the_inventory_has_is_no_news_but_better_known() -> None:
    bench = seen(Bench(), OLD)
    assert (known(bench), told(bench)) == ((OLD, "reported"), [])
    assert events(bench, "unexplained_report") == 0


@pytest.mark.parametrize("reporter", [HUB_2, STRANGER])
def test_a_hub_speaks_for_its_own_home_only(reporter: Eui64) -> None:
    bench = seen(Bench(), LOCAL, reporter=reporter)
    assert (known(bench), told(bench)) == ((OLD, "declared"), [])
    assert events(bench, "unexplained_report") == 1


def test_what_was_seen_before_what_is_known_changes_nothing() -> None:  # I9
    bench = seen(Bench(), LOCAL)
    bench.tell("version_seen", None, reporter=HUB, version=OLD, at=Instant(NOW))
    assert known(bench) == (LOCAL, UNEXPLAINED)


@pytest.mark.parametrize("event", ["version_seen", "version_read", "activation_succeeded"])
def test_the_version_of_an_open_delivery_is_explained_by_it(event: str) -> None:
    bench = Bench()
    bench.deliver()
    bench.tell("transferred")
    bench.tell(event, None, version=NEW, result=0)
    assert known(bench) == (NEW, "reported")
    assert (events(bench, "unexplained_report"), told(bench)) == (0, [])


@pytest.mark.parametrize("event", ["version_seen", "version_read", "activation_succeeded"])
def test_another_version_while_a_delivery_is_open_is_told_and_the_delivery_goes_on(event: str) -> None:
    bench = Bench()
    bench.deliver()
    bench.now = Instant(bench.now + MINUTE)
    bench.tell(event, None, version=LOCAL, result=0)
    assert (known(bench), told(bench)) == ((LOCAL, UNEXPLAINED), EACH)
    bench.tell("transferred").run()
    bench.now = Instant(bench.now + MINUTE)
    bench.tell("activation_succeeded", None, version=NEW, result=0)
    assert (bench.state(), known(bench)) == ("ACTIVATED", (NEW, "reported"))


def confirmed() -> Bench:
    bench = Bench()
    bench.deliver()
    bench.tell("transferred").tell("activation_succeeded", None, version=NEW, result=0)
    bench.run(HOUR)
    bench.tell("version_read", None, version=NEW, result=0)
    assert bench.state() == "CONFIRMED"
    return bench


def test_what_was_confirmed_once_does_not_explain_that_it_came_back() -> None:
    bench = confirmed()
    seen(bench, LOCAL)
    seen(bench, NEW)
    assert [row[1:3] for row in told(bench)] == [(NEW, LOCAL)] * 2 + [(LOCAL, NEW)] * 2
    assert known(bench) == (NEW, UNEXPLAINED)


def test_a_late_report_of_what_was_confirmed_is_no_change() -> None:
    bench = confirmed()
    bench.tell("version_seen", None, reporter=HUB, version=NEW, at=Instant(NOW + 1))
    assert (known(bench), told(bench)) == ((NEW, "reported"), [])


def test_of_a_delivery_that_the_device_left_again_the_verdict_tells_and_nothing_else() -> None:  # R22
    bench = Bench()
    bench.deliver()
    bench.tell("transferred").tell("activation_succeeded", None, version=NEW, result=0)
    bench.run(HOUR)
    bench.tell("version_read", None, version=OLD, result=0)
    assert bench.state() == "VERSION_MISMATCH"
    assert told(bench) == [(SUPPLIER_1, NEW, OLD, 1), (SUPPLIER_2, NEW, OLD, 1)]
    assert known(bench) == (OLD, UNEXPLAINED)


# --- statements --------------------------------------------------------------------------------------------------


def stated(bench: Bench, version: int = LOCAL, octets: bytes = b"signed", **changes: Any) -> bool:
    facts: dict[str, Any] = {
        "party": SUPPLIER_1,
        "device": PPMID,
        "version": version,
        "manufacturer_hash": bytes(32),
        "done_at": bench.now,
        "done_by": "an engineer",
        "reason": "no radio",
        "octets": octets,
    }
    with bench.store.writing() as connection:
        return keep_statement(connection, LANE, StatementRecord(**(facts | changes)), bench.now)


def test_a_statement_explains_a_version_that_was_reported_before() -> None:  # R26
    bench = seen(Bench(), LOCAL)
    assert stated(bench)
    assert known(bench) == (LOCAL, "reported, attested")
    assert events(bench, "local_upgrade_explained") == 1
    assert bench.row(t.statement).explained_at == bench.now


def test_a_statement_explains_a_version_that_is_reported_later_and_nobody_is_alarmed() -> None:
    bench = Bench(ATTESTED)
    assert not stated(bench)
    assert known(bench) == (OLD, "declared")  # I5: a statement alone changes nothing
    seen(bench, LOCAL)
    assert (known(bench), told(bench)) == ((LOCAL, "reported, attested"), [])


def test_what_is_attested_stays_so_when_it_is_read_again() -> None:
    bench = seen(Bench(), LOCAL)
    stated(bench)
    bench.now = Instant(bench.now + MINUTE)
    bench.tell("version_read", None, version=LOCAL, result=0)
    assert known(bench) == (LOCAL, "reported, attested")


@pytest.mark.parametrize(
    "changes", [{"version": LOCAL + 1}, {"device": STRANGER}, {"done_at": Instant(NOW + 3 * HOUR)}], ids=str
)
def test_a_statement_about_something_else_explains_nothing(changes: dict[str, Any]) -> None:
    bench = seen(Bench(), LOCAL)
    assert not stated(bench, **changes)
    assert known(bench) == (LOCAL, UNEXPLAINED)


def test_a_statement_counts_once_and_for_one_change() -> None:
    bench = seen(Bench(ATTESTED), LOCAL)
    assert stated(bench)
    assert stated(bench)
    assert len(bench.rows(t.statement)) == 1
    seen(bench, OLD)
    seen(bench, LOCAL)
    assert known(bench) == (LOCAL, UNEXPLAINED)


# --- what only a signed command activates ------------------------------------------------------------------------


def test_a_meter_that_was_activated_by_command_needs_no_delivery_to_explain_it() -> None:
    bench = Bench()
    bench.tell("activation_succeeded", None, device=ESME, version=LOCAL, result=0)
    assert (bench.device(ESME).version, bench.device(ESME).version_origin) == (LOCAL, "reported")
    assert told(bench) == []


def test_its_answer_explains_what_its_hub_saw_before() -> None:
    bench = seen(Bench(), LOCAL, device=ESME)
    assert bench.device(ESME).version_origin == UNEXPLAINED
    bench.tell("activation_succeeded", None, device=ESME, version=LOCAL, result=0)
    assert bench.device(ESME).version_origin == "reported"
    assert told(bench) == [(SUPPLIER_1, OLD, LOCAL, None)]  # its own Supplier alone


def test_a_read_of_another_version_is_told() -> None:
    bench = Bench()
    bench.tell("version_read", None, device=ESME, version=LOCAL, result=0)
    assert bench.device(ESME).version_origin == UNEXPLAINED
    assert told(bench) == [(SUPPLIER_1, OLD, LOCAL, None)]
