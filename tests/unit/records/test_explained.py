"""What can explain a version that a device runs, and for how long: nothing else does (R25, R26)."""

from typing import Any

import pytest

from hanota.base.instant import DAY, HOUR, MINUTE, Instant
from hanota.model.policies import LocalUpgradePolicy, Policies
from hanota.records.store import schema as t
from hanota.records.store.explaining import BRINGS_WITHIN_MS
from hanota.records.store.statements import REPORTED_WITHIN_MS, StatementRecord, keep_statement
from helpers.premises import NEW, OLD
from helpers.world import HUB, LANE, PPMID, SUPPLIER_1, SUPPLIER_2, Bench

pytestmark = pytest.mark.usefixtures("each_store")

UNEXPLAINED = "reported, unexplained"
EACH = [SUPPLIER_1.signed, SUPPLIER_2.signed]
ATTESTED = Policies(local_upgrade=LocalUpgradePolicy(mode="attested"))


def ended(*events: tuple[str, dict[str, Any]]) -> Bench:
    """A delivery to which this happened."""
    bench = Bench()
    bench.deliver()
    for event, facts in events:
        bench.tell(event, **facts)
    return bench


def known(bench: Bench, after_ms: int, event: str = "version_seen") -> tuple[int, str]:
    """Let the wanted version be heard of later. Returns: what the inventory says then."""
    bench.now = Instant(bench.now + after_ms)
    bench.tell(event, None, reporter=HUB, version=NEW, result=0)
    device = bench.device()
    return device.version, device.version_origin


def expire(bench: Bench) -> None:
    for _ in range(100):
        if bench.state() == "EXPIRED":
            return
        bench.run(DAY)
    raise AssertionError(bench.state())


def told(bench: Bench) -> list[int]:
    return [row.party for row in bench.rows(t.message, kind="Mismatch")]


@pytest.mark.parametrize("event", ["version_seen", "version_read", "activation_succeeded"])
@pytest.mark.parametrize("end", ["wan_failed", "discarded", "cancelled", "hardware_mismatched", "transfer_failed"])
def test_a_delivery_that_left_its_device_without_an_image_explains_nothing(end: str, event: str) -> None:
    bench = ended(("transfer_progressed", {"offset": 100}) if end != "wan_failed" else (end, {}), (end, {}))
    assert known(bench, MINUTE, event) == (NEW, UNEXPLAINED)
    assert told(bench) == EACH


def test_a_delivery_that_its_consumer_refused_explains_nothing() -> None:  # R27
    until = Instant(Bench().now + 90 * DAY)
    bench = ended(("consent_asked", {}), ("consumer_refused", {"until": until, "result": 4}))
    assert bench.state() == "REFUSED"
    assert known(bench, 30 * DAY) == (NEW, UNEXPLAINED)
    assert told(bench) == EACH


@pytest.mark.parametrize(
    ("after_ms", "origin"), [(BRINGS_WITHIN_MS, "reported"), (BRINGS_WITHIN_MS + MINUTE, UNEXPLAINED)]
)
def test_a_failed_activation_explains_the_version_for_a_while(after_ms: int, origin: str) -> None:
    bench = ended(("transferred", {}), ("activation_failed", {"version": OLD, "delivery": None}))
    assert bench.state() == "ACTIVATION_FAILED"
    assert known(bench, after_ms) == (NEW, origin)


@pytest.mark.parametrize(
    ("before", "origin"),
    [
        ([], UNEXPLAINED),
        ([("transfer_progressed", {"offset": 100})], "reported"),
        ([("consent_asked", {})], "reported"),
    ],
    ids=str,
)
def test_an_expired_delivery_explains_the_version_if_its_device_was_served(before: list, origin: str) -> None:
    bench = ended(("image_held", {}), *before)
    expire(bench)
    assert known(bench, HOUR) == (NEW, origin)


def test_that_a_device_was_served_may_be_heard_after_the_end() -> None:
    bench = ended(("image_held", {}))
    expire(bench)
    bench.keep("transfer_progressed", offset=600)
    assert known(bench, HOUR) == (NEW, "reported")


# --- statements --------------------------------------------------------------------------------------------------


def stated(bench: Bench) -> Bench:
    record = StatementRecord(
        party=SUPPLIER_1,
        device=PPMID,
        version=NEW,
        manufacturer_hash=bytes(32),
        done_at=bench.now,
        done_by="an engineer",
        reason="no radio",
        octets=b"signed",
    )
    with bench.store.writing() as connection:
        assert not keep_statement(connection, LANE, record, bench.now)
    return bench


@pytest.mark.parametrize(
    ("after_ms", "origin", "parties"),
    [(REPORTED_WITHIN_MS, "reported, attested", []), (REPORTED_WITHIN_MS + 1, UNEXPLAINED, EACH)],
)
def test_a_statement_explains_what_is_reported_soon_and_nothing_later(
    after_ms: int, origin: str, parties: list
) -> None:
    bench = stated(Bench(ATTESTED))
    assert known(bench, after_ms) == (NEW, origin)
    assert told(bench) == parties


def test_no_statement_explains_anything_once_local_upgrades_are_banned() -> None:
    bench = stated(Bench(ATTESTED))
    bench.policies = Policies()
    bench.restart()
    assert known(bench, MINUTE) == (NEW, UNEXPLAINED)
    assert told(bench) == EACH


def test_nor_does_one_if_a_delivery_brought_another_version_than_it_should_have() -> None:
    bench = Bench()
    bench.deliver()
    stated_version = NEW + 1
    bench.tell("transferred").tell("activation_succeeded", None, version=NEW, result=0)
    with bench.store.writing() as connection:
        facts = {"party": SUPPLIER_1, "device": PPMID, "version": stated_version, "manufacturer_hash": bytes(32)}
        words = {"done_by": "an engineer", "reason": "no radio", "octets": b"signed"}
        keep_statement(connection, LANE, StatementRecord(**facts, **words, done_at=bench.now), bench.now)
    bench.run(HOUR)
    bench.tell("version_read", None, version=stated_version, result=0)
    assert (bench.state(), bench.device().version_origin) == ("VERSION_MISMATCH", UNEXPLAINED)
