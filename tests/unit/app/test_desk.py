"""The desk: each method for the operator, the sender, another Supplier of the home, and a stranger."""

from typing import Any

import pytest

from hanota.app.desk import Desk, NotAllowed, NotFound
from hanota.base.errors import HanotaError
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant, iso
from hanota.base.vocabulary.duis import ResponseCode
from hanota.base.vocabulary.parties import CertificateRole, CertificateStatus, KeyUsage
from hanota.model.access import Caller
from hanota.model.alerts import AlertKind
from hanota.model.reasons import DeviceReason, RequestReason
from hanota.records.registry.certificates import revoke
from hanota.records.store import schema as t
from hanota.wire import duis
from helpers.premises import DCC, NEW, NOW, OLD
from helpers.world import (
    ESME,
    HUB,
    PPMID,
    PPMID_2,
    PPMID_3,
    STRANGER,
    SUPPLIER_1,
    SUPPLIER_2,
    Bench,
    image,
    keys,
    opened,
    request,
    signed,
)

pytestmark = pytest.mark.usefixtures("each_store")

OPERATOR, SENDER, OTHER, NOBODY = Caller(), Caller(SUPPLIER_1), Caller(SUPPLIER_2), Caller(STRANGER)
CALLERS = {"operator": OPERATOR, "sender": SENDER, "other supplier": OTHER, "stranger": NOBODY}
REQUEST = str(RequestId(SUPPLIER_1, DCC, 1))
every_caller = pytest.mark.parametrize("who", CALLERS)


@pytest.fixture(scope="module")
def bench() -> Bench:
    """One delivery that went well, one that did not, and two requests that were refused."""
    found = Bench()
    found.deliver()
    for event in ("order_accepted", "image_held", "transferred"):
        found.tell(event)
    found.tell("activation_succeeded", None, version=NEW, result=0)
    found.run(after_ms=found.policies.alert.confirm_after_ms).tell("version_read", None, version=NEW, result=0)
    found.deliver(PPMID_3, counter=2)
    found.tell("wan_failed", 2, device=PPMID_3, reporter=_hub_of(found, PPMID_3))
    found.submit(request(PPMID, STRANGER, ESME, counter=3))  # runs it already; unknown; another service
    found.submit(duis.write_request(request(counter=4)))  # unsigned
    return found


def _hub_of(found: Bench, device: Any) -> Any:
    return Eui64.from_signed(found.device(device).hub)


@pytest.fixture
def desk(bench: Bench) -> Desk:
    return Desk(bench.store, bench.pipeline.accept, lambda: bench.now)


# --- requests ----------------------------------------------------------------------------------------------------


def test_requests_are_those_of_the_sender_newest_first(desk: Desk) -> None:
    numbers = [view.request_id.rpartition(":")[2] for view in desk.requests(OPERATOR)]
    assert numbers == ["4", "3", "2", "1"]
    assert [view.request_id for view in desk.requests(SENDER)] == [view.request_id for view in desk.requests(OPERATOR)]
    assert desk.requests(OTHER) == desk.requests(NOBODY) == []


def test_pages_of_requests_follow_each_other(desk: Desk) -> None:
    seen, before = [], None
    while page := desk.requests(OPERATOR, limit=3, before=before):
        seen += [view.request_id for view in page]
        before = page[-1].request_id
    assert seen == [view.request_id for view in desk.requests(OPERATOR)]


@pytest.mark.parametrize(
    ("who", "allowed"), [("operator", True), ("sender", True), ("other supplier", False), ("stranger", False)]
)
def test_a_request_is_for_its_sender(desk: Desk, who: str, allowed: bool) -> None:
    if allowed:
        view = desk.request(CALLERS[who], REQUEST)
        assert (view.response_code, view.originator_name, view.devices_accepted) == ("I0", "Supplier 1", 1)
        assert view.outcomes == {"CONFIRMED": 1}
        assert opened(view.answer_xml.encode()).code is ResponseCode.I0
    else:
        with pytest.raises(NotAllowed):
            desk.request(CALLERS[who], REQUEST)


@every_caller
def test_a_request_that_is_not_there_is_not_found(desk: Desk, who: str) -> None:
    with pytest.raises(NotFound):
        desk.request(CALLERS[who], str(RequestId(SUPPLIER_1, DCC, 99)))


def test_devices_left_out_are_shown_by_reason_with_a_remedy(desk: Desk) -> None:
    view = desk.request(SENDER, str(RequestId(SUPPLIER_1, DCC, 3)))
    assert (view.response_code, view.reason, view.devices_named, view.devices_accepted) == (
        "E110403",
        RequestReason.NO_VALID_DEVICE,
        3,
        0,
    )
    refused = {group.reason: group for group in view.refused}
    assert {reason: group.devices for reason, group in refused.items()} == {
        DeviceReason.ALREADY_RUNS_IT: (str(PPMID),),
        DeviceReason.UNKNOWN: (str(STRANGER),),
        DeviceReason.WRONG_SERVICE: (str(ESME),),
    }
    assert refused[DeviceReason.UNKNOWN].device_list == "InvalidDeviceIDList"
    assert all(group.text and group.remedy for group in view.refused)


def test_a_refusal_says_what_and_what_to_do(desk: Desk) -> None:
    view = desk.request(SENDER, str(RequestId(SUPPLIER_1, DCC, 4)))
    assert view.reason == RequestReason.UNSIGNED
    assert "signature" in str(view.text)
    assert "hanota send" in str(view.remedy)
    assert (view.firmware_version, view.image_hash, view.image_octets) == (None, None, None)


def test_of_two_documents_under_one_identifier_the_authentic_one_is_shown() -> None:
    bench = Bench()
    desk = Desk(bench.store, bench.pipeline.accept, lambda: bench.now)
    desk.submit(signed(request()), "D")
    desk.submit(duis.write_request(request()), "D")  # anybody can write this
    view = desk.request(SENDER, REQUEST)
    assert (view.response_code, view.reason) == ("I0", None)
    assert len(desk.requests(OPERATOR)) == 2


# --- deliveries --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "seen"), [("operator", [1, 2]), ("sender", [1, 2]), ("other supplier", [1]), ("stranger", [])]
)
def test_deliveries_are_for_the_sender_and_the_suppliers_of_the_home(desk: Desk, who: str, seen: list[int]) -> None:
    caller = CALLERS[who]
    assert [view.delivery for view in desk.deliveries(caller)] == seen
    for number in (1, 2):
        if number in seen:
            assert desk.delivery(caller, number).delivery == number
        else:
            with pytest.raises(NotAllowed):
                desk.delivery(caller, number)


@every_caller
def test_a_delivery_that_is_not_there_is_not_found(desk: Desk, who: str) -> None:
    for number in (0, -1, 3, 2**63 - 1):
        with pytest.raises(NotFound):
            desk.delivery(CALLERS[who], number)


@pytest.mark.parametrize(
    ("choice", "seen"),
    [
        ({"request_id": REQUEST}, [1]),
        ({"state": "WAN_FAILED"}, [2]),
        ({"state": "NO_SUCH"}, []),
        ({"device": str(PPMID)}, [1]),
        ({"device": str(PPMID).lower()}, [1]),
        ({"after": 1}, [2]),
        ({"limit": 1}, [1]),
        ({"request_id": REQUEST, "device": str(PPMID_3)}, []),
    ],
)
def test_deliveries_are_chosen_by_any_of_their_facts(desk: Desk, choice: dict[str, Any], seen: list[int]) -> None:
    assert [view.delivery for view in desk.deliveries(OPERATOR, **choice)] == seen


def test_a_delivery_is_shown_with_its_versions_and_figures(desk: Desk) -> None:
    view = desk.delivery(SENDER, 1)
    assert (view.state, view.ended, view.waiting) == ("CONFIRMED", True, None)
    assert (view.version_before, view.version_target, view.version_reported) == (
        f"{OLD:08X}",
        f"{NEW:08X}",
        f"{NEW:08X}",
    )
    assert (view.device, view.device_type, view.hub) == (str(PPMID), "PPMID", str(HUB))
    assert view.image_octets == len(image())


def test_an_open_delivery_says_who_is_waited_for_until_when() -> None:
    bench = Bench()
    bench.deliver()
    desk = Desk(bench.store, bench.pipeline.accept, lambda: bench.now)
    waiting = desk.delivery(SENDER, 1).waiting
    assert waiting is not None
    assert (waiting.owed_by, waiting.expects) == ("CSP", "the hub to hold the image")
    assert waiting.until == iso(bench.row(t.delivery).deadline)


def test_the_timeline_speaks_in_plain_words(desk: Desk) -> None:
    lines = desk.delivery(OPERATOR, 1).timeline
    assert [line.state for line in lines if line.state] == [
        "REQUESTED",
        "QUEUED",
        "ON_WAN",
        "ON_WAN",
        "HELD",
        "TRANSFERRED",
        "ACTIVATING",
        "ACTIVATED",
        "CONFIRMED",
    ]
    assert all("_" not in line.text for line in lines)
    assert list(lines) == sorted(lines, key=lambda line: line.at)


def test_a_late_report_is_shown_as_late() -> None:
    bench = Bench()
    bench.deliver()
    bench.tell("wan_failed").tell("image_held")
    late = Desk(bench.store, bench.pipeline.accept, lambda: bench.now).delivery(SENDER, 1).timeline[-1]
    assert late.text.startswith("late, changes nothing")


@pytest.mark.parametrize("who", ["sender", "other supplier"])
def test_a_party_sees_its_own_alerts_only(desk: Desk, who: str) -> None:
    caller = CALLERS[who]
    view = desk.delivery(caller, 1)
    assert {alert.party for alert in view.alerts} == {str(caller.party)}
    assert {line.facts["party"] for line in view.timeline if "party" in line.facts} == {str(caller.party)}
    everything = desk.delivery(OPERATOR, 1)
    assert {alert.party for alert in everything.alerts} == {str(SUPPLIER_1), str(SUPPLIER_2)}
    assert len(everything.timeline) > len(view.timeline)


# --- devices and homes -------------------------------------------------------------------------------------------

HOMES = {
    "operator": ["Home 1", "Home 2", "Home 3"],
    "sender": ["Home 1", "Home 3"],
    "other supplier": ["Home 1", "Home 2"],
    "stranger": [],
}


@every_caller
def test_devices_and_homes_are_for_their_suppliers(desk: Desk, who: str) -> None:
    caller = CALLERS[who]
    homes = desk.homes(caller)
    assert [home.home for home in homes] == HOMES[who]
    devices = desk.devices(caller)
    assert {device.home for device in devices} == set(HOMES[who])
    assert sorted(device.device for home in homes for device in home.devices) == sorted(d.device for d in devices)
    for name in HOMES["operator"]:
        if name in HOMES[who]:
            assert desk.home(caller, name) in homes
        else:
            with pytest.raises(NotAllowed):
                desk.home(caller, name)
    for device in desk.devices(OPERATOR):
        if device in devices:
            assert desk.device(caller, device.device) == device
        else:
            with pytest.raises(NotAllowed):
                desk.device(caller, device.device)


def test_of_a_home_a_supplier_sees_the_devices_it_answers_for(desk: Desk) -> None:
    mine = {device.device for device in desk.home(OTHER, "Home 1").devices}
    assert str(PPMID) in mine
    assert str(ESME) not in mine  # another's electricity meter
    assert len(desk.home(OPERATOR, "Home 1").devices) > len(mine)


@every_caller
def test_what_does_not_exist_is_not_found(desk: Desk, who: str) -> None:
    with pytest.raises(NotFound):
        desk.home(CALLERS[who], "Home 9")
    with pytest.raises(NotFound):
        desk.device(CALLERS[who], str(STRANGER))


@every_caller
def test_a_text_that_is_no_identifier_is_refused_as_such(desk: Desk, who: str) -> None:
    for ask in (
        lambda: desk.device(CALLERS[who], "no device"),
        lambda: desk.deliveries(CALLERS[who], device="no device"),
        lambda: desk.devices(CALLERS[who], after="no device"),
        lambda: desk.alerts(CALLERS[who], party="no party"),
    ):
        with pytest.raises(HanotaError):
            ask()


def test_a_device_is_shown_with_where_its_version_comes_from(desk: Desk, bench: Bench) -> None:  # R5
    updated, plain = desk.device(OPERATOR, str(PPMID)), desk.device(OPERATOR, str(PPMID_2))
    assert (updated.version, updated.version_origin) == (f"{NEW:08X}", "reported")
    assert updated.version_at == iso(bench.now)
    assert (plain.version, plain.version_origin, plain.version_at) == (f"{OLD:08X}", "declared", None)
    assert updated.suppliers == ("Supplier 1", "Supplier 2")
    assert (updated.manufacturer, updated.model) == ("121D", "00841111")
    assert updated.open_delivery is None


def test_pages_of_devices_follow_each_other_in_order_of_their_identifiers() -> None:
    bench = Bench()
    high = {"eui": -1, "premises": 1, "version_origin": "declared"}
    same = {column.name: getattr(bench.device(), column.name) for column in t.device.c if column.name not in high}
    with bench.store.writing() as connection:
        connection.execute(t.device.insert().values(same | high))
    desk = Desk(bench.store, bench.pipeline.accept, lambda: bench.now)
    everything, seen, after = desk.devices(OPERATOR), [], None
    while page := desk.devices(OPERATOR, limit=4, after=after):
        seen += page
        after = page[-1].device
    assert seen == everything
    assert [view.device for view in seen] == sorted(view.device for view in seen)
    assert seen[-1].device == "FF-FF-FF-FF-FF-FF-FF-FF"


def test_a_change_of_supplier_changes_who_sees_the_home() -> None:
    bench = Bench()
    desk = Desk(bench.store, bench.pipeline.accept, lambda: bench.now)
    assert desk.homes(SENDER)
    bench.change(t.eligibility, {"until": bench.now}, party=SUPPLIER_1.signed)
    assert desk.homes(SENDER) == []
    with pytest.raises(NotAllowed):
        desk.device(SENDER, str(PPMID))


# --- alerts and overview -----------------------------------------------------------------------------------------


@every_caller
def test_alerts_are_for_their_recipient(desk: Desk, who: str) -> None:
    caller = CALLERS[who]
    if caller.is_operator:
        assert {alert.party for alert in desk.alerts(caller)} == {str(SUPPLIER_1), str(SUPPLIER_2)}
        assert {alert.party for alert in desk.alerts(caller, party=str(SUPPLIER_2))} == {str(SUPPLIER_2)}
        return
    assert {alert.party for alert in desk.alerts(caller)} <= {str(caller.party)}
    assert desk.alerts(caller) == desk.alerts(caller, party=str(caller.party))
    other = SUPPLIER_1 if caller.party != SUPPLIER_1 else SUPPLIER_2
    with pytest.raises(NotAllowed):
        desk.alerts(caller, party=str(other))


def test_alerts_are_newest_first_and_speak_plainly(desk: Desk) -> None:
    alerts = desk.alerts(SENDER)
    assert [alert.kind for alert in alerts if alert.device == str(PPMID)] == [
        AlertKind.CONFIRMED,
        AlertKind.ACTIVATION,
        AlertKind.TRANSFER,
        AlertKind.DELIVERED_TO_HUB,
    ]
    assert {alert.code for alert in alerts} == {"N39", "N60", "N61", "N62"}
    assert all(alert.text and alert.created_at <= alert.deadline and alert.delivered_at is None for alert in alerts)
    assert len(desk.alerts(SENDER, limit=2)) == 2
    assert {alert.request_id for alert in alerts} == {REQUEST, str(RequestId(SUPPLIER_1, DCC, 2))}


@pytest.mark.parametrize(
    ("who", "confirmed", "failed"),
    [("operator", 1, 1), ("sender", 1, 1), ("other supplier", 1, 0), ("stranger", 0, 0)],
)
def test_the_overview_counts_what_concerns_the_caller(desk: Desk, who: str, confirmed: int, failed: int) -> None:
    view = desk.overview(CALLERS[who])
    assert (view.running, view.waiting, view.failed, view.confirmed) == (0, 0, failed, confirmed)
    assert [found.delivery for found in view.attention] == [2] * failed


def test_the_overview_tells_running_from_waiting() -> None:
    bench = Bench()
    bench.deliver()
    desk = Desk(bench.store, bench.pipeline.accept, lambda: bench.now)
    assert (desk.overview(OPERATOR).running, desk.overview(OPERATOR).waiting) == (1, 0)
    bench.tell("activation_succeeded", None, version=NEW, result=0)
    assert (desk.overview(OPERATOR).running, desk.overview(OPERATOR).waiting) == (0, 1)
    assert desk.overview(OPERATOR).now == iso(NOW)


# --- certificates ------------------------------------------------------------------------------------------------


def test_certificates_are_given_to_anybody_by_subject_and_by_serial(desk: Desk) -> None:
    views = desk.certificates_of(str(SUPPLIER_1).lower())
    assert {(view.role, view.usage) for view in views} == {(2, "DS"), (2, "KA"), (135, "DS")}
    assert {view.role for view in desk.certificates_of(str(PPMID))} == {None}
    for view in views:
        assert desk.certificates_numbered(view.serial) == [view]
    assert desk.certificates_numbered(1) == desk.certificates_of("00-00-00-00-00-00-00-01") == []


def test_a_certificate_is_pending_in_use_expired_or_revoked() -> None:
    bench = Bench()
    signer = keys().certificate(SUPPLIER_1, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN)

    def status(now: int) -> CertificateStatus:
        desk = Desk(bench.store, bench.pipeline.accept, lambda: Instant(now))
        return desk.certificates_numbered(signer.serial)[0].status

    assert [
        status(at) for at in (signer.not_before - 1, signer.not_before, signer.not_after, signer.not_after + 1)
    ] == [
        CertificateStatus.PENDING,
        CertificateStatus.IN_USE,
        CertificateStatus.IN_USE,
        CertificateStatus.EXPIRED,
    ]
    with bench.store.writing() as connection:
        revoke(connection, signer.issuer, signer.serial, NOW)
    assert (status(NOW - 1), status(NOW)) == (CertificateStatus.IN_USE, CertificateStatus.REVOKED)


def test_every_reason_is_explained(desk: Desk) -> None:
    reasons = {row.reason: row for row in desk.reasons()}
    assert set(reasons) == {*RequestReason, *DeviceReason}
    assert reasons[RequestReason.IMAGE_TOO_LARGE].told_by == "E110405"
    assert reasons[DeviceReason.IN_PROGRESS].told_by == "OtherRequestInProgressList"


def test_what_is_submitted_is_answered_by_the_head_end() -> None:
    bench = Bench()
    found = Desk(bench.store, bench.pipeline.accept, lambda: bench.now)
    assert found.submit(signed(request()), "D").code is ResponseCode.I0
    assert found.submit(b"", "D").code is ResponseCode.E100
