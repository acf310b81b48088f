"""A Supplier's later meter image in place of its own earlier one: `hub.force_replace: own` at the head end (R12)."""

from random import Random

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import MINUTE
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.duis import DeviceList, ResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.model.alerts import AlertKind
from hanota.model.policies import HubPolicy, Policies
from hanota.records.registry.register import ProductRow, register_products
from hanota.records.store import schema as t
from hanota.records.store.outbox import mark_sent, unsent
from hanota.wire.otaimage import GbImage, OtaHeader, Tail, fit_header, sign_image, write_image
from hanota.wire.wan import Distribute, open_order, read_frame
from helpers.premises import ACB, DCC
from helpers.world import ESME, HCALCS, PPMID, SUPPLIER_1, SUPPLIER_2, Bench, broker, keys, opened, request

pytestmark = pytest.mark.usefixtures("each_store")

_C = ResponseCode
OWN = Policies(hub=HubPolicy(force_replace="own"))
VERSION = 0x0300_0000
WAY = (("HELD", "image_held"), ("TRANSFERRING", "transfer_progressed"), ("TRANSFERRED", "transferred"))


def image(at: Bench, version: int = VERSION, force: int = 0, device: Eui64 = ESME, sender: Eui64 = SUPPLIER_1) -> bytes:
    """A certified image for a meter, signed by its Supplier."""
    row = at.device(device)
    body = Random(version).randbytes(200)
    header = OtaHeader(
        manufacturer=row.manufacturer,
        image_type=row.image_type,
        file_version=version,
        label=b"test".ljust(32),
        file_octets=0,
        hardware_min=row.hardware,
        hardware_max=row.hardware,
    )
    plain = GbImage(header=fit_header(header, len(body), Tail.NONE), manufacturer_image=body)
    product = ProductRow(
        manufacturer=row.manufacturer,
        image_type=row.image_type,
        hardware=row.hardware,
        version=version,
        manufacturer_hash=plain.manufacturer_hash,
    )
    with at.store.writing() as connection:
        register_products(connection, [product])
    signing = keys().credential(sender, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.SUPPLIER)
    return write_image(sign_image(plain, signing.key, force))


def send(
    at: Bench, counter: int, *, version: int = VERSION, force: int = 0, device: Eui64 = ESME, sender: Eui64 = SUPPLIER_1
) -> ResponseCode:
    """Send 11.1 for one device."""
    asked = request(
        device,
        counter=counter,
        sender=sender,
        image=image(at, version, force, device, sender),
        firmware_version=f"{version:08X}",
        service_reference="11.1",
        service_reference_variant="11.1",
    )
    return at.submit(asked).code


def first(policies: Policies = OWN, until: str = "HELD", device: Eui64 = ESME) -> Bench:
    """A bench on which the first delivery of a device has come to a state."""
    at = Bench(policies=policies)
    assert send(at, 1, device=device) is _C.I0
    if until == "REQUESTED":
        at.pipeline._materialise(at.now)
        return at
    at.run()
    for state, event in (
        ("HELD", "image_held"),
        ("TRANSFERRING", "transfer_progressed"),
        ("TRANSFERRED", "transferred"),
    ):
        if at.state() == until:
            break
        at.tell(event, device=device)
        assert at.state() == state
    assert at.state() == until
    return at


def claims(at: Bench) -> dict[int, int]:
    return {row.device: row.delivery for row in at.rows(t.work)}


@pytest.mark.parametrize("state", ["REQUESTED", "ON_WAN", "HELD", "TRANSFERRING"])
def test_the_later_image_takes_the_earlier_ones_place(state: str) -> None:
    at = first(until=state)
    assert send(at, 2, version=VERSION + 1, force=1) is _C.I0
    assert at.state() == state, "nothing is displaced before the decision is worked on"
    at.run()
    assert (at.state(1), at.state(2)) == ("DISCARDED", "ON_WAN")
    assert claims(at) == {ESME.signed: 2}
    assert at.story(1)[-2:] == ["displaced", "alert_due"]
    assert (SUPPLIER_1, AlertKind.GIVEN_UP) in at.alerts(1)


@pytest.mark.parametrize(("state", "cancels"), [("REQUESTED", False), ("ON_WAN", True), ("HELD", True)])
def test_a_hub_that_may_have_the_earlier_order_hears_of_its_cancel_before_the_new_one(
    state: str, cancels: bool
) -> None:
    at = first(until=state)
    with at.store.writing() as connection:
        mark_sent(connection, [sending.id for sending in unsent(connection, at.now)], at.now)
    send(at, 2, version=VERSION + 1, force=1)
    at.run()
    with at.store.reading() as connection:
        sends = [(sending.delivery, sending.kind) for sending in unsent(connection, at.now)]
    assert sends == ([(1, "cancel")] if cancels else []) + [(2, "distribute")]


def test_an_order_that_has_not_left_does_not_leave_any_more() -> None:
    at = first(until="ON_WAN")
    send(at, 2, version=VERSION + 1, force=1)
    at.run()
    assert at.sends(1) == ["cancel"]


@pytest.mark.parametrize("event", ["cancelled", "hub_discarded"])
def test_the_cancel_is_repeated_until_the_hub_says_how_the_order_ended(event: str) -> None:
    at = first(until="HELD")
    send(at, 2, version=VERSION + 1, force=1)
    at.run()
    assert at.row(t.outbox, delivery=1, kind="cancel").due is not None
    at.tell(event, 1, device=ESME)
    assert at.row(t.outbox, delivery=1, kind="cancel").due is None
    assert (at.state(1), at.state(2)) == ("DISCARDED", "ON_WAN")


@pytest.mark.parametrize(
    ("policies", "force", "sender"),
    [(Policies(), 1, SUPPLIER_1), (OWN, 0, SUPPLIER_1), (OWN, 1, SUPPLIER_2)],
    ids=["off", "ForceReplace 0", "another Supplier"],
)
def test_nothing_else_displaces_what_is_open(policies: Policies, force: int, sender: Eui64) -> None:
    at = first(policies)
    if sender is SUPPLIER_2:  # became responsible a moment ago
        at.change(t.eligibility, {"party": sender.signed}, device=ESME.signed, party=SUPPLIER_1.signed)
    assert send(at, 2, version=VERSION + 1, force=force, sender=sender) is not _C.I0
    at.run()
    assert at.state(1) in ("HELD", "RESPONSIBILITY_LOST")
    assert len(at.rows(t.delivery)) == 1


def test_the_other_devices_sender_is_told_of_the_request_in_progress() -> None:
    at = first(Policies())
    asked = request(
        ESME,
        counter=2,
        image=image(at, VERSION + 1, 1),
        firmware_version=f"{VERSION + 1:08X}",
        service_reference="11.1",
        service_reference_variant="11.1",
    )
    content = opened(at.submit(asked).octets).body.content
    assert list(content.lists) == [DeviceList.OTHER_REQUEST_IN_PROGRESS]


def test_an_image_that_the_meter_has_is_not_displaced() -> None:
    at = first(until="TRANSFERRED")
    assert send(at, 2, version=VERSION + 1, force=1) is not _C.I0
    assert at.run().state() == "TRANSFERRED"


def test_a_load_control_switch_is_no_meter() -> None:
    at = first(device=HCALCS)
    assert send(at, 2, version=VERSION + 1, force=1, device=HCALCS) is not _C.I0
    assert at.run().state() == "HELD"


def test_what_went_on_too_far_meanwhile_stays_and_the_new_delivery_is_rejected() -> None:
    at = first(until="TRANSFERRING")
    assert send(at, 2, version=VERSION + 1, force=1) is _C.I0
    at.keep("transferred", device=ESME)
    at.change(t.delivery, {"state": "TRANSFERRED"}, id=1)
    at.run()
    assert (at.state(1), at.state(2)) == ("TRANSFERRED", "REJECTED")
    assert claims(at) == {ESME.signed: 1}
    assert (SUPPLIER_1, AlertKind.GIVEN_UP) in at.alerts(2)
    assert at.sends(2) == []


def test_of_two_racing_requests_one_displaces_and_the_other_is_told() -> None:
    at = first()
    assert send(at, 2, version=VERSION + 1, force=1) is _C.I0
    assert send(at, 3, version=VERSION + 2, force=1) is not _C.I0
    at.run()
    assert [row.state for row in at.rows(t.delivery)] == ["DISCARDED", "ON_WAN"]


def test_a_displacing_image_may_be_displaced_in_turn() -> None:
    at = first()
    for counter in (2, 3):
        assert send(at, counter, version=VERSION + counter, force=1) is _C.I0
        at.run(MINUTE)
    assert [row.state for row in at.rows(t.delivery)] == ["DISCARDED", "DISCARDED", "ON_WAN"]
    assert claims(at) == {ESME.signed: 3}


def test_late_reports_of_what_was_displaced_change_nothing() -> None:
    at = first()
    send(at, 2, version=VERSION + 1, force=1)
    at.run()
    for event in ("transfer_progressed", "transferred", "hub_discarded", "hub_transfer_failed"):
        at.tell(event, 1, device=ESME)
        assert (at.state(1), at.state(2)) == ("DISCARDED", "ON_WAN")


@pytest.mark.parametrize("force", [0, 1, 0xFF])
def test_the_order_carries_the_octet_of_the_image(force: int) -> None:
    at = Bench(policies=OWN)
    send(at, 1, force=force)
    at.run()
    with at.store.reading() as connection:
        (sending,) = unsent(connection, at.now)
    frame = broker().build(sending, lambda *_: None, at.now)
    assert frame is not None
    order = open_order(read_frame(frame), keys().certificate(DCC, KeyUsage.DIGITAL_SIGNATURE, ACB).public_key)
    assert isinstance(order, Distribute)
    assert (order.device_type, order.force_replace) == (DeviceType.ESME, force)


def test_an_image_without_a_tail_has_no_octet() -> None:
    at = Bench(policies=OWN)
    at.deliver(PPMID)
    with at.store.reading() as connection:
        (sending,) = unsent(connection, at.now)
    assert sending.order.force_replace == 0
    assert at.row(t.image).force_replace is None
