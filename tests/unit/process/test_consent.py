"""Consent at the head end: what hubs report of a consumer's answer, in any order, and how long a no stands (R27)."""

import itertools
from pathlib import Path

import pytest

from hanota.base.instant import DAY, HOUR, Instant
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.alerts import AlertKind
from hanota.model.policies import ConsentPolicy, DeadlinePolicy, Policies
from hanota.records.store import schema as t
from helpers.postgres import sqlite_is_enough
from helpers.world import NEW, PPMID, PPMID_2, SUPPLIER_1, SUPPLIER_2, Bench, image, request

pytestmark = pytest.mark.usefixtures("each_store")

ASKING = Policies(consent=ConsentPolicy(mode="may_refuse"))
REFUSED_TOO = ResponseCode.E110403


@pytest.fixture
def bench() -> Bench:
    return asked_of(Bench(policies=ASKING))


def asked_of(bench: Bench) -> Bench:
    bench.deliver()
    return bench


def refused(bench: Bench, days: int = 365) -> Bench:
    return bench.tell("consumer_refused", result=4, until=Instant(bench.now + days * DAY))


def test_a_display_waits_for_its_consumer_and_says_so(bench: Bench) -> None:
    assert bench.tell("transferred").run(HOUR).state() == "TRANSFERRED"
    assert bench.tell("consent_asked", result=1).run(HOUR).state() == "CONSENT"
    assert bench.tell("consent_deferred", result=3, until=Instant(bench.now + DAY)).run(DAY).state() == "CONSENT"
    assert bench.tell("consent_given", result=2).state() == "ACTIVATING"


@pytest.mark.parametrize("mode", ["none", "notify"])
def test_where_nobody_is_asked_the_hub_calls_for_it_at_once(mode: str) -> None:
    bench = asked_of(Bench(policies=Policies(consent=ConsentPolicy(mode=mode))))
    assert bench.tell("transferred").run().state() == "ACTIVATING"
    assert bench.tell("consent_given", result=5).state() == "ACTIVATING"


@sqlite_is_enough
@pytest.mark.parametrize(
    "order", list(itertools.permutations(["transferred", "consent_asked", "consent_given", "activation_succeeded"]))
)
def test_a_yes_ends_alike_in_whatever_order_it_is_heard(bench: Bench, order: tuple[str, ...]) -> None:
    for event in order:
        bench.keep(event, version=NEW if event == "activation_succeeded" else None)
    assert bench.run().state() == "ACTIVATED"
    assert not [kind for kind in bench.story() if kind.startswith("late")]


@pytest.mark.parametrize("singly", [True, False])
@pytest.mark.parametrize("order", list(itertools.permutations(["transferred", "consent_asked", "consumer_refused"])))
def test_a_no_is_one_end_for_one_reason(bench: Bench, order: tuple[str, ...], singly: bool) -> None:
    for event in (*order, "discarded"):  # CCS08 code 1 leaves the hub once the refusal is acknowledged
        until = Instant(bench.now + DAY) if event == "consumer_refused" else None
        bench.keep(event, until=until)
        if singly:
            bench.run()
    assert bench.run().state() == "REFUSED"
    told = {kind for _, kind in bench.alerts()}
    assert AlertKind.REFUSED in told
    assert bench.row(t.refusal).delivery == 1


def test_a_no_is_told_to_the_sender_and_to_the_others_as_ccs08_says_it(bench: Bench) -> None:
    refused(bench)
    rows = bench.rows(t.message, kind=AlertKind.REFUSED.value)
    assert {row.party for row in rows} == {SUPPLIER_1.signed, SUPPLIER_2.signed}
    assert {row.result for row in rows} == {1}


def test_without_any_answer_the_delivery_expires_and_the_hub_is_told(bench: Bench) -> None:
    bench.tell("transferred").tell("consent_asked")
    assert bench.run(DeadlinePolicy().consent_ms + HOUR).state() == "EXPIRED"
    assert bench.sends()[-1] == "cancel"
    assert not bench.rows(t.refusal)


def test_a_refused_image_is_refused_to_every_supplier_until_the_no_ends(bench: Bench) -> None:
    refused(bench, days=10)
    assert bench.submit(request(counter=2)).code is REFUSED_TOO
    assert bench.submit(request(counter=3, sender=SUPPLIER_2)).code is REFUSED_TOO
    reasons = {row.reason for row in bench.rows(t.request) if row.reason}
    assert reasons == {"no_valid_device"}
    bench.now = Instant(bench.now + 10 * DAY)
    assert bench.submit(request(counter=4)).code.accepted


def test_another_image_and_another_device_are_not_refused(bench: Bench) -> None:
    refused(bench)
    other = image(700, NEW + 1)
    bench.certify(other)
    assert bench.submit(request(counter=2, image=other, firmware_version=f"{NEW + 1:08X}")).code.accepted
    assert bench.submit(request(PPMID_2, counter=3, sender=SUPPLIER_2)).code.accepted


def test_new_occupiers_are_not_bound_by_the_former_ones_no(bench: Bench) -> None:
    refused(bench)
    premises = bench.device(PPMID).premises
    bench.now = Instant(bench.now + HOUR)
    with bench.store.writing() as connection:
        connection.execute(t.tenancy.insert().values(premises=premises, since=bench.now + HOUR))
    assert bench.submit(request(counter=2)).code is REFUSED_TOO
    bench.now = Instant(bench.now + HOUR)
    assert bench.submit(request(counter=3)).code.accepted


def test_a_no_outlives_the_process(tmp_path: Path) -> None:
    bench = asked_of(Bench(policies=ASKING, path=tmp_path / "store.sqlite"))
    bench.keep("consumer_refused", until=Instant(bench.now + DAY))
    again = Bench(policies=ASKING, path=tmp_path / "store.sqlite")
    assert again.run().state() == "REFUSED"
    assert again.submit(request(counter=2)).code is REFUSED_TOO


def test_a_refusal_said_twice_counts_once_and_the_later_one_counts(bench: Bench) -> None:
    refused(bench, days=1)
    bench.now = Instant(bench.now + 2 * DAY)
    bench.deliver(counter=2)
    bench.tell("consumer_refused", 2, until=Instant(bench.now + DAY))
    assert bench.row(t.refusal).delivery == 2
