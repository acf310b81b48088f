"""A RequestID is one request's; what may share it, what uses it up, and by which ResponseIDs Users are told."""

from itertools import permutations
from typing import Any

import pytest

from hanota.base.ids import RequestId
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.policies import AnomalyPolicy, Policies
from hanota.process.report import response_id_of
from hanota.records.store import schema as t
from hanota.wire import duis, gbcs
from helpers.asking import (
    activate,
    activation,
    answer_to,
    ask_inventory,
    command,
    hand_back,
    hear,
    kinds,
    pre_command,
    read_version,
    sent,
    supplier_key,
    told,
)
from helpers.premises import DCC
from helpers.world import ESME, HUB, PPMID, SUPPLIER_1, Bench, signed

BY_SERVICE = duis.WEB_SERVICES
ID = 4711


def signed_pre_command(variant: int, **more: Any) -> duis.SignedPreCommand:
    """A Signed Pre-Command under the one RequestID of this module."""
    asked = activation(counter=ID, **more)
    return hand_back(asked, gbcs.sign_pre_command(pre_command(asked), supplier_key()), variant)


def codes(bench: Bench, *asked: duis.Request) -> list[str]:
    return [bench.submit(one, BY_SERVICE[one.header.command_variant]).code.value for one in asked]


# --- what may share one ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("variant", "code"), [(5, "I99"), (6, "I0"), (7, "I99")])
def test_a_transform_and_one_signed_pre_command_share_a_request_id(variant: int, code: str) -> None:
    bench = Bench()
    assert codes(bench, activation(counter=ID), signed_pre_command(variant)) == ["I0", code]


@pytest.mark.parametrize(("first", "second"), list(permutations((5, 6, 7), 2)))
@pytest.mark.parametrize("transformed", [True, False])
def test_a_second_signed_pre_command_may_not(first: int, second: int, transformed: bool) -> None:
    bench = Bench()
    before = [activation(counter=ID)] if transformed else []
    assert codes(bench, *before, signed_pre_command(first), signed_pre_command(second))[-1] == "E19"
    bench.run()
    assert len(bench.rows(t.command)) == 1
    assert len(sent(bench)) == (first != 6)


@pytest.mark.parametrize(("first", "second"), [(1, 2), (1, 3), (3, 2), (2, 1)])
def test_a_read_by_another_variant_may_not(first: int, second: int) -> None:
    bench = Bench()
    asked = [read_version(variant=variant, counter=ID) for variant in (first, second)]
    assert codes(bench, *asked)[-1] == "E19"
    assert len(bench.rows(t.command)) == 1


def test_a_transform_does_not_follow_its_signed_pre_command() -> None:
    assert codes(Bench(), signed_pre_command(5), activation(counter=ID)) == ["I99", "E19"]


def test_another_service_may_not_follow_a_transform() -> None:
    bench = Bench()
    assert codes(bench, activation(counter=ID), read_version(ESME, counter=ID))[-1] == "E19"


def test_a_request_that_was_refused_uses_its_request_id_up_for_its_own_variant_alone() -> None:
    bench = Bench()
    asked = activation(counter=ID)
    unsigned = hand_back(asked, pre_command(asked), 5)
    assert codes(bench, asked, unsigned, signed_pre_command(5), signed_pre_command(7)) == ["I0", "E62", "E19", "I99"]


def test_what_is_held_in_quarantine_uses_its_request_id_up_and_what_was_dropped_frees_it() -> None:
    bench = Bench(Policies(anomaly=AnomalyPolicy(limits="11.3=1/1h")))
    assert codes(bench, activation(counter=ID), signed_pre_command(5), signed_pre_command(7)) == ["I0", "I99", "E19"]
    bench.pipeline.drop(2, bench.now)
    assert codes(bench, signed_pre_command(7)) == ["I99"]


# --- what uses none up -------------------------------------------------------------------------------------------


def test_a_copy_that_comes_by_another_web_service_uses_up_nothing() -> None:
    bench, octets = Bench(), signed(ask_inventory(device=HUB))
    assert [bench.submit(octets, service).code.value for service in "STDD"] == ["E12", "E12", "I0", "I0"]
    row = bench.row(t.request, code="I0")
    assert row.key is not None
    assert {other.key for other in bench.rows(t.request, code="E12")} == {None}


def test_a_copy_by_another_web_service_counts_for_no_limit() -> None:
    bench = Bench(Policies(anomaly=AnomalyPolicy(limits="8.2=1/1h")))
    octets = signed(ask_inventory(device=HUB))
    for _ in range(3):
        bench.submit(octets, "S")
    assert bench.submit(octets).code is ResponseCode.I0


# --- ResponseIDs -------------------------------------------------------------------------------------------------


def identifiers(bench: Bench) -> dict[str, RequestId]:
    """The ResponseID of each kind of message that the Supplier gets."""
    return dict(zip(kinds(bench), (document.response_id for document in told(bench)), strict=True))


def test_what_is_released_is_numbered_by_the_dcc_and_meets_no_other_message() -> None:
    bench = Bench(Policies(anomaly=AnomalyPolicy(limits="8.2=0/1h")))
    bench.submit(ask_inventory(device=PPMID, counter=1))  # swapped, its RequestID would be that of the first message
    bench.pipeline.release(1, bench.now)
    assert identifiers(bench) == {
        "Quarantined": RequestId(DCC, SUPPLIER_1, 1),
        "Released": RequestId(DCC, SUPPLIER_1, 2),
    }
    assert [row.response_id for row in bench.rows(t.message)] == [None, None]


def test_a_released_transform_leaves_the_response_of_its_command_untouched() -> None:
    bench = Bench(Policies(anomaly=AnomalyPolicy(limits="11.3=0/1h")))
    asked = activation(counter=ID)
    bench.submit(asked, "T")
    bench.pipeline.release(1, bench.now)
    offered = told(bench)[-1].body.content
    assert isinstance(offered, duis.PreCommand)
    bench.submit(hand_back(asked, gbcs.sign_pre_command(offered.octets, supplier_key())), "S")
    bench.pipeline.release(2, bench.now)
    (down,) = sent(bench.run())
    hear(bench, answer_to(down.data))
    assert command(bench).state == "ANSWERED"
    assert kinds(bench) == ["Quarantined", "Released", "Quarantined", "Response"]
    assert told(bench)[-1].response_id == response_id_of(asked.header.request_id)
    assert told(bench)[1].response_id.originator == DCC


def test_only_the_response_has_the_request_id_swapped() -> None:
    bench = Bench()
    asked, _ = activate(bench)
    (down,) = sent(bench.run())
    hear(bench, answer_to(down.data))
    assert identifiers(bench) == {"Response": response_id_of(asked.header.request_id)}
