"""What comes back: kept once, tied to its delivery, or kept as what nothing explains."""

from typing import Any

import pytest

from hanota.base.instant import MINUTE, Instant
from hanota.model.returns import Return
from hanota.records.store import schema as t
from hanota.records.store.reports import save_reports
from helpers.premises import NEW, NOW, OLD
from helpers.world import HUB, LANE, PPMID, PPMID_2, STRANGER, Bench

pytestmark = pytest.mark.usefixtures("each_store")


def keep(bench: Bench, *reports: Return) -> int:
    with bench.store.writing() as connection:
        return len(save_reports(connection, LANE, reports, bench.now).sources)


def report(source: str = "s", event: str = "image_held", **facts: Any) -> Return:
    plain: dict[str, Any] = {"at": NOW, "device": PPMID, "octets": b"evidence", "delivery": 1, "reporter": HUB}
    return Return(source=source, event=event, **(plain | facts))


def of_device(source: str = "s", version: int | None = NEW, **facts: Any) -> Return:
    return report(source, "activation_succeeded", **({"delivery": None, "reporter": PPMID, "version": version} | facts))


@pytest.fixture
def bench() -> Bench:
    found = Bench()
    found.deliver()
    return found


def unexplained(bench: Bench) -> int:
    return sum(row.kind == "unexplained_report" for row in bench.rows(t.event))


def test_a_report_is_kept_once_by_its_source(bench: Bench) -> None:
    assert keep(bench, report()) == 1
    assert keep(bench, report(), report(event="transferred")) == 0
    assert keep(bench, report("t"), report("t")) == 1
    assert [row.source for row in bench.rows(t.report)] == ["s", "t"]


def test_of_two_under_one_source_the_first_counts(bench: Bench) -> None:
    keep(bench, report(event="image_held"), report(event="transferred"))
    assert bench.row(t.report).event == "image_held"


def test_the_evidence_is_kept_as_it_came(bench: Bench) -> None:
    keep(bench, report(offset=5, blocks=2, repeats=1, version=NEW, result=0))
    row = bench.row(t.report)
    assert (row.octets, row.offset, row.blocks, row.repeats, row.version, row.result) == (b"evidence", 5, 2, 1, NEW, 0)
    assert (row.taken, row.delivery, row.received_at) == (False, 1, bench.now)


def test_a_report_of_a_device_belongs_to_its_open_delivery(bench: Bench) -> None:
    keep(bench, of_device())
    assert (bench.row(t.report).delivery, unexplained(bench)) == (1, 0)


def test_nothing_is_nothing(bench: Bench) -> None:
    assert keep(bench) == 0


# --- without a delivery ------------------------------------------------------------------------------------------


def test_a_version_that_no_delivery_explains_is_in_the_inventory_and_marked(bench: Bench) -> None:  # R5, R25
    keep(bench, of_device("x", 0x42, device=PPMID_2, reporter=PPMID_2))
    device = bench.device(PPMID_2)
    assert (device.version, device.version_origin, device.version_at) == (0x42, "reported, unexplained", NOW)
    assert (bench.row(t.report).delivery, bench.row(t.report).taken, unexplained(bench)) == (None, True, 1)


def test_a_report_after_the_end_is_late_evidence_of_that_delivery(bench: Bench) -> None:  # R25
    bench.tell("transferred").tell("activation_failed")
    keep(bench, of_device("x", NEW))
    assert ([row.delivery for row in bench.rows(t.report)], unexplained(bench)) == ([1, 1, 1], 0)
    bench.run()
    assert (bench.state(), bench.device().version) == ("ACTIVATION_FAILED", NEW)
    assert bench.device().version_origin == "reported"


def test_a_report_of_another_version_is_not_taken_for_one_of_this_delivery(bench: Bench) -> None:  # I9
    keep(bench, of_device("x", 0x42))
    assert (bench.row(t.report).delivery, unexplained(bench)) == (None, 1)


def test_a_report_from_before_the_request_is_not_taken_for_one_of_this_delivery(bench: Bench) -> None:  # I9
    keep(bench, of_device("x", NEW, at=Instant(NOW - MINUTE)))
    assert (bench.row(t.report).delivery, unexplained(bench)) == (None, 1)


def test_one_without_version_leaves_the_inventory_alone(bench: Bench) -> None:
    keep(bench, of_device("x", None, device=PPMID_2, reporter=PPMID_2))
    assert (bench.device(PPMID_2).version, bench.device(PPMID_2).version_origin) == (OLD, "declared")
    assert unexplained(bench) == 1


def test_a_device_that_nobody_knows_is_evidence_all_the_same(bench: Bench) -> None:
    assert keep(bench, of_device("x", device=STRANGER, reporter=STRANGER)) == 1
    assert unexplained(bench) == 1


def test_an_older_report_does_not_undo_a_newer_one(bench: Bench) -> None:  # I9
    bench.now = Instant(NOW + MINUTE)
    for source, version, at in (("a", 0x43, NOW + 1000), ("b", 0x42, NOW)):
        keep(bench, of_device(source, version, at=Instant(at), device=PPMID_2, reporter=PPMID_2))
    assert bench.device(PPMID_2).version == 0x43


def test_a_clock_that_runs_ahead_does_not_keep_later_reports_out(bench: Bench) -> None:
    keep(bench, of_device("a", 0x42, at=Instant(2**64 - 1), device=PPMID_2, reporter=PPMID_2))
    assert bench.device(PPMID_2).version_at == bench.now
    bench.now = Instant(bench.now + 1)
    keep(bench, of_device("b", 0x43, at=bench.now, device=PPMID_2, reporter=PPMID_2))
    assert bench.device(PPMID_2).version == 0x43


# --- who may speak -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "believed"),
    [
        ({}, True),
        ({"reporter": STRANGER}, False),
        ({"reporter": PPMID}, False),  # receipts are the hub's
        ({"delivery": 2}, False),
        ({"delivery": 2**64 - 1}, False),
        ({"delivery": None, "image_version": NEW}, True),  # CCS08: the hub names the device
        ({"delivery": None, "image_version": OLD}, False),
        ({"delivery": None, "reporter": PPMID, "version": NEW}, True),  # CS09: the device itself
        ({"delivery": None, "reporter": PPMID_2}, False),
        ({"delivery": None, "device": PPMID_2}, False),
    ],
)
def test_only_the_device_and_the_hub_of_its_home_are_heard(bench: Bench, facts: dict[str, Any], believed: bool) -> None:
    keep(bench, report(**facts))
    assert bench.row(t.report).delivery == (1 if believed else None)
    assert bench.row(t.report).taken != believed
    assert unexplained(bench) == (not believed)
