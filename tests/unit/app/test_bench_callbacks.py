"""The measurement of messages: what it measures happened, or it says that it did not."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hanota.app.bench import callbacks as module
from hanota.app.bench.callbacks import PER_S_MIN, MessagesAstray, ReceiverSilent, bench_callbacks
from hanota.app.bench.crowd import gather
from hanota.base.eui import Eui64
from hanota.base.limits import MESSAGE_OCTETS_MAX
from hanota.faces.cli.bench import app
from hanota.model.policies import AlertPolicy, Policies
from hanota.records.store.outgoing import due_messages
from hanota.wire import duis
from helpers.outgoing import Air
from helpers.premises import NOW


def test_every_message_goes_once_over_http_and_each_part_has_its_figure() -> None:
    outcome = bench_callbacks(now=NOW, messages=60, parties=3)
    found = outcome.as_dict()
    assert (found["name"], found["messages"], found["parties"]) == ("callbacks", 60, 3)
    assert found["octets_max"] < MESSAGE_OCTETS_MAX
    rates = [name for name in found if name.endswith("per_s")]
    assert {"per_s", "rendered_per_s", "signed_per_s", "posted_per_s", "peer_per_s"} <= set(rates)
    assert all(found[name] > 0 for name in rates)
    assert found["ratio"] == pytest.approx(outcome.messages / outcome.seconds / outcome.peer_per_s, rel=0.1)
    assert found["limits"] == {"per_s_min": PER_S_MIN}
    assert found["passed"] is (outcome.per_s >= PER_S_MIN)


def test_the_crowd_is_due_one_message_for_each_display_shared_by_the_parties(tmp_path: Path) -> None:
    endpoints = ["http://a.example/", "http://b.example/"]
    crowd = gather(tmp_path, messages=10, endpoints=endpoints, callback=Air(), now=NOW)
    with crowd.store.reading() as connection:
        found, _ = due_messages(connection, NOW)
    assert [message.endpoint for message in found] == ["http://a.example/"] * 5 + ["http://b.example/"] * 5
    assert len({message.device for message in found}) == 10
    crowd.store.close()


def test_a_policy_lets_the_parties_have_one_message_each_with_a_list(tmp_path: Path) -> None:
    policies = Policies(alert=AlertPolicy(grouping="request"))
    endpoints = ["http://a.example/", "http://b.example/"]
    air = Air(at_once=True)
    crowd = gather(tmp_path, messages=10, endpoints=endpoints, callback=air, now=NOW, policies=policies)
    crowd.head_end.drain_alerts(NOW)
    assert sorted(endpoint for endpoint, _ in air.posted) == endpoints
    listed = [eui for _, octets in air.posted for eui in _devices(octets)]
    assert len(listed) == len(set(listed)) == 10
    crowd.store.close()


def _devices(octets: bytes) -> tuple[Eui64, ...]:
    body = duis.read_response(duis.parse_safely(octets)).body
    assert isinstance(body, duis.DccAlertMessage)
    assert isinstance(body.alert, duis.FirmwareUpgradeRequested)
    return body.alert.devices


def test_a_message_that_went_astray_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_deliver", lambda crowd, now: (1.0, 1.0))
    with pytest.raises(MessagesAstray) as caught:
        bench_callbacks(now=NOW, messages=5, parties=1)
    assert (caught.value.facts["messages"], caught.value.facts["different"]) == (5, 0)


def test_a_receiver_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RECEIVER", "hanota.no_such_module")
    with pytest.raises(ReceiverSilent):
        bench_callbacks(now=NOW, messages=5, parties=1)


@pytest.mark.parametrize("as_json", [True, False])
def test_the_command_shows_what_was_measured_and_ends_by_whether_it_is_enough(as_json: bool) -> None:
    command = ["callbacks", "--messages", "20", "--parties", "2", *(["--json"] if as_json else [])]
    result = CliRunner().invoke(app, command)
    if as_json:
        told = json.loads(result.stdout)
        assert (told["messages"], result.exit_code) == (20, 0 if told["passed"] else 1)
    else:
        assert "20 messages to 2 parties" in result.stdout
        assert ("passed" in result.stdout) is (result.exit_code == 0)
