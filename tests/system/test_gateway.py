"""The gateway of a real `hanota up`: what is accepted is delivered; what is refused says why and leaves no trace.

Every answer is held against the official schema and the DCC's signature by the client that posts.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from hanota.app.pki import Party, make_pki
from hanota.base.eui import Eui64
from hanota.base.instant import parse_iso
from hanota.base.limits import IMAGE_OCTETS_MAX_BUSINESS, REQUEST_OCTETS_MAX
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire import duis
from hanota.wire.smki import KeyDirectory
from helpers.system import (
    FACTORY_VERSION,
    SUPPLIER_1,
    SUPPLIER_2,
    TEMPLATES,
    Client,
    Home,
    Service,
    ask,
    firmware,
    hanota,
    make_estate,
    rows,
    running,
    shared,
    sign_octets,
    signed,
    template,
)

NEW = firmware(0x0002_012F)
WITHDRAWN = firmware(0x0002_0130, status="Withdrawn")
LARGEST = firmware(0x0002_0131, IMAGE_OCTETS_MAX_BUSINESS)
TOO_LARGE = firmware(0x0002_0132, IMAGE_OCTETS_MAX_BUSINESS + 1)
UNLISTED = firmware(0x0002_0133)
HOMES = [Home(number) for number in range(1, 9)]
FOREIGN = Home(20, suppliers=(SUPPLIER_2, SUPPLIER_2))  # Supplier 1 supplies nothing here
VICTIM = HOMES[0]  # named by requests that must be refused, so nothing ever happens to it
NOWHERE = Eui64.parse("00-DB-FF-FF-FF-FF-FF-FF")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("gateway")
    estate = make_estate(folder / "estate.toml", [*HOMES, FOREIGN], [NEW, WITHDRAWN, LARGEST, TOO_LARGE])
    with running(Service(folder / "home", estate)) as started:
        yield started


@pytest.fixture(scope="module")
def client(service: Service) -> Client:
    return service.client()


@pytest.fixture(scope="module")
def fresh() -> Iterator[Home]:
    """Homes for deliveries: a device takes a version once."""
    return iter(HOMES[1:])


@pytest.fixture(scope="module")
def keys(client: Client) -> KeyDirectory:
    return client.keys


def plain(**changes: Any) -> duis.FirmwareRequest:
    """A request that would be accepted for VICTIM, but for `changes`."""
    given = {"image": NEW.octets, "version": NEW.version, "devices": [VICTIM.ppmid], **changes}
    return ask(given.pop("image"), given.pop("devices"), **given)


# --- accepted -----------------------------------------------------------------------------------------------------


def test_the_industrys_request_signed_by_send_is_accepted_and_delivered(tmp_path: Path) -> None:
    """Its FirmwareVersion is 00000000 whatever its image says, so policy lets that check only warn (R9)."""
    (file,) = (shared() / TEMPLATES).glob("11.4*")
    with running(Service(tmp_path / "home", policies=["check.version_matches_header=warn"])) as service:
        sent = hanota("send", file, "--to", service.url, "--pki", service.home / "pki", "--json")
        assert sent.returncode == 0, sent.stderr
        told = json.loads(sent.stdout)
        assert (told["accepted"], told["response_code"]) == (True, "I0")
        client = service.client()
        (ended,) = client.until_ended(told["request_id"])
        assert (ended["state"], ended["version_reported"]) == ("CONFIRMED", "ACDCACDC")
        device = client.get(f"devices/{ended['device']}")
        assert (device["version"], device["version_origin"]) == ("ACDCACDC", "reported")


def test_a_request_is_delivered_and_each_supplier_told(
    client: Client, keys: KeyDirectory, fresh: Iterator[Home]
) -> None:
    home = next(fresh)
    request = plain(devices=[home.ppmid])
    answer = client.post(signed(request, keys))
    assert (answer.code, answer.lists) == ("I0", {})
    assert answer.response.request_id == request.header.request_id
    (ended,) = client.until_ended(request.header.request_id)
    assert (ended["state"], ended["version_before"]) == ("CONFIRMED", f"{FACTORY_VERSION:08X}")
    assert ended["version_reported"] == NEW.version
    alerts = client.get(f"deliveries/{ended['delivery']}")["alerts"]
    told = sorted((alert["party"], alert["kind"]) for alert in alerts)
    mine, other = str(SUPPLIER_1), str(SUPPLIER_2)
    assert told == [
        (mine, "Activation"),
        (mine, "Confirmed"),
        (mine, "DeliveredToHub"),
        (mine, "Transfer"),
        (other, "Confirmed"),
        (other, "UpgradeRequested"),
    ]


def test_either_supplier_of_a_home_may_send(client: Client, keys: KeyDirectory, fresh: Iterator[Home]) -> None:
    request = plain(devices=[next(fresh).ppmid], sender=SUPPLIER_2)
    assert client.post(signed(request, keys)).code == "I0"
    assert client.until_ended(request.header.request_id)[0]["state"] == "CONFIRMED"


def test_devices_that_cannot_be_updated_are_listed_and_the_others_go_on(
    client: Client, keys: KeyDirectory, fresh: Iterator[Home]
) -> None:
    home = next(fresh)
    request = plain(devices=[NOWHERE, home.ppmid, home.cad, FOREIGN.ppmid])
    answer = client.post(signed(request, keys))
    assert (answer.code, answer.lists) == (
        "W110401",
        {"InvalidDeviceIDList": [str(NOWHERE), str(home.cad), str(FOREIGN.ppmid)]},
    )
    (delivery,) = client.until_ended(request.header.request_id)
    assert (delivery["device"], delivery["state"]) == (str(home.ppmid), "CONFIRMED")
    assert reasons(client, request) == {"unknown", "no_ota", "not_responsible"}


def test_the_same_octets_again_get_the_stored_answer_and_other_octets_are_refused(
    service: Service, client: Client, keys: KeyDirectory, fresh: Iterator[Home]
) -> None:
    request = plain(devices=[next(fresh).ppmid])
    octets = signed(request, keys)
    first = client.post(octets)
    assert first.code == "I0"
    assert client.post(octets).octets == first.octets
    other = signed(replace(request, device_list=str(VICTIM.ppmid)), keys)
    assert client.post(other).code == "E19"
    kept = [row for row in client.get("requests", limit=500) if row["request_id"] == str(request.header.request_id)]
    assert [row["reason"] for row in kept] == ["request_id_reused", None]
    (ended,) = client.until_ended(request.header.request_id)
    assert client.post(octets).octets == first.octets  # and after it has ended, too
    assert (ended["state"], len(client.deliveries(request.header.request_id))) == ("CONFIRMED", 1)
    assert_nothing_sent(service, kept[0]["request_id"])


# --- refused ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A refusal: what is posted, the code or list it is told by, its own reason."""

    octets: Callable[[KeyDirectory], bytes]
    code: str
    reason: str
    listed: dict[str, list[str]] = field(default_factory=dict)
    service: str = "D"
    named: bool = True  # whether a RequestID could be read


def changed(old: bytes, new: bytes) -> Callable[[KeyDirectory], bytes]:
    """Change a byte of a signed request."""

    def octets(keys: KeyDirectory) -> bytes:
        whole = signed(plain(), keys)
        assert whole.count(old) == 1
        return whole.replace(old, new)

    return octets


def resigned_image(keys: KeyDirectory) -> bytes:
    image = bytearray(NEW.octets)
    image[-1] ^= 1
    return signed(plain(image=bytes(image)), keys)


def stranger(keys: KeyDirectory) -> bytes:
    """A signer that no registry knows, though he calls himself Supplier 1."""
    now = parse_iso("2026-01-01T00:00:00Z")
    own = make_pki(dcc=Eui64(1), suppliers=[Party(SUPPLIER_1, "Supplier 1")], rng=random.Random(7), now=now)
    return signed(plain(), own)


def signed_by_device_key(keys: KeyDirectory) -> bytes:
    """Supplier 1's key for messages to devices, not the one for XML."""
    other = keys.credential(SUPPLIER_1, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.SUPPLIER)
    return duis.sign(duis.write_request(plain()), other)


def with_doctype(keys: KeyDirectory) -> bytes:
    declaration, _, rest = signed(plain(), keys).partition(b"?>")
    return declaration + b"?><!DOCTYPE sr:Request>" + rest


def of_service(name: str) -> Callable[[KeyDirectory], bytes]:
    return lambda keys: sign_octets(template(name), keys, SUPPLIER_1)


def request(**changes: Any) -> Callable[[KeyDirectory], bytes]:
    return lambda keys: signed(plain(**changes), keys)


def left_out(device: Eui64, reason: str, by: str = "InvalidDeviceIDList") -> Case:
    """A request of one device that is left out, so that none is left."""
    return Case(request(devices=[device]), "E110403", reason, {by: [str(device)]})


REFUSALS = {
    "unsigned": Case(lambda keys: duis.write_request(plain()), "E100", "unsigned"),
    "a byte changed after signing": Case(
        changed(b">8</sr:CommandVariant>", b">7</sr:CommandVariant>"), "E100", "signature_broken"
    ),
    "a device changed after signing": Case(
        changed(str(VICTIM.ppmid).encode(), str(HOMES[1].ppmid).encode()), "E100", "signature_broken"
    ),
    "an image byte changed and signed again": Case(resigned_image, "E110401", "image_not_certified"),
    "an image that no list has": Case(
        request(image=UNLISTED.octets, version=UNLISTED.version), "E110401", "image_not_certified"
    ),
    "a signer who is not the originator": Case(
        lambda keys: signed(plain(), keys, signer=SUPPLIER_2), "E100", "signer_not_originator"
    ),
    "an unknown signer": Case(stranger, "E100", "signer_unknown"),
    "a signer whose certificate is not for XML": Case(signed_by_device_key, "E100", "signer_not_xml_signer"),
    "an unknown device": left_out(NOWHERE, "unknown"),
    "a CAD": left_out(VICTIM.cad, "no_ota"),
    "a hub": left_out(VICTIM.hub, "no_ota"),
    "a home where the sender supplies nothing": left_out(FOREIGN.ppmid, "not_responsible"),
    "a meter by 11.4": left_out(VICTIM.esme, "wrong_service"),
    "an image one octet above the limit": Case(
        request(image=TOO_LARGE.octets, version=TOO_LARGE.version), "E110405", "image_too_large"
    ),
    "an entry withdrawn from the list": Case(
        request(image=WITHDRAWN.octets, version=WITHDRAWN.version), "E110401", "certification_not_active"
    ),
    "a version that the header does not have": Case(request(version="00000000"), "E110402", "version_not_in_header"),
    "an image that ends early": Case(request(image=NEW.octets[:-1]), "E110402", "image_malformed"),
    "the wrong web service": Case(request(), "E12", "wrong_web_service", service="S"),
    "the transform service": Case(request(), "E12", "wrong_web_service", service="T"),
    "the wrong command variant": Case(request(variant=1), "E12", "wrong_command_variant"),
    "the wrong target": Case(request(target=VICTIM.ppmid), "E12", "wrong_target"),
    "not XML": Case(lambda keys: b"hello", "E100", "not_xml", named=False),
    "a DOCTYPE": Case(with_doctype, "E100", "not_xml", named=False),
    "an unsupported service, 12.1": Case(of_service("12.1"), "E12", "service_not_handled"),
    "an unsupported service, 8.14.1": Case(of_service("8.14.1"), "E12", "service_not_handled"),
    "a response that no device signed, 8.13": Case(of_service("8.13"), "E081303", "returned_not_authentic"),
}


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refusal_has_its_code_and_its_own_reason_and_nothing_is_sent(
    service: Service, client: Client, keys: KeyDirectory, case: Case
) -> None:
    octets = case.octets(keys)
    answer = client.post(octets, case.service)
    assert (answer.code, answer.lists) == (case.code, case.listed)
    kept = client.get("requests", limit=1)[0]
    assert (kept["response_code"], kept["devices_accepted"]) == (case.code, 0)
    if case.listed:
        assert kept["reason"] == "no_valid_device"
        (group,) = client.get(f"requests/{kept['request_id']}")["refused"]
        assert (group["reason"], group["devices"]) == (case.reason, case.listed[group["device_list"]])
        assert group["text"]
        assert group["remedy"]
    else:
        assert kept["reason"] == case.reason
        assert kept["text"]
        assert kept["remedy"]
    if case.named:
        header = duis.read_header(duis.parse_safely(octets))
        assert kept["request_id"] == str(header.request_id) == str(answer.response.request_id)
        assert client.get(f"requests/{kept['request_id']}", command_variant=header.command_variant)["answer_xml"] == (
            answer.octets.decode()
        )
    assert_nothing_sent(service, kept["request_id"])


def test_every_refusal_here_has_a_row_in_the_list_of_reasons(client: Client) -> None:
    known = {row["reason"]: row for row in client.get("reasons")}
    for case in REFUSALS.values():
        assert known[case.reason]["told_by"] in {case.code, *case.listed}
        assert known[case.reason]["remedy"]


def test_send_says_what_a_refusal_means(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "request.xml"
    file.write_bytes(duis.write_request(plain(devices=[FOREIGN.ppmid])))
    sent = hanota("send", file, "--to", service.url, "--pki", service.home / "pki", "--json")
    told = json.loads(sent.stdout)
    assert (sent.returncode, told["accepted"], told["response_code"]) == (1, False, "E110403")
    (group,) = told["left_out"]
    assert (group["device_list"], group["devices"]) == ("InvalidDeviceIDList", [str(FOREIGN.ppmid)])
    assert "Responsible Supplier" in group["why"]
    assert group["remedy"]


def test_a_body_above_the_limit_gets_413_and_leaves_no_trace(service: Service, client: Client) -> None:
    before = rows(service.store, "SELECT count(*) FROM request")
    answer = client.raw_post(b" " * (REQUEST_OCTETS_MAX + 1024 * 1024))
    assert answer.status_code == 413
    assert answer.json()["code"] == "HOTA-FACE-001"
    assert rows(service.store, "SELECT count(*) FROM request") == before


def test_another_media_type_gets_415(client: Client) -> None:
    answer = client.raw_post(b"{}", media_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (415, "HOTA-FACE-002")


def test_a_refused_request_may_be_sent_again_correctly_under_the_same_request_id_if_nobody_proved_to_have_sent_it(
    client: Client, keys: KeyDirectory, fresh: Iterator[Home]
) -> None:
    wanted = plain(devices=[next(fresh).ppmid])
    assert client.post(duis.write_request(wanted)).code == "E100"
    assert client.post(signed(wanted, keys, signer=SUPPLIER_2)).code == "E100"
    assert client.post(signed(wanted, keys)).code == "I0"
    assert client.until_ended(wanted.header.request_id)[0]["state"] == "CONFIRMED"


# --- at the end: the largest image is on its way when the service stops -----------------------------------------------


def test_an_image_of_exactly_the_limit_is_accepted(client: Client, keys: KeyDirectory, fresh: Iterator[Home]) -> None:
    request = plain(image=LARGEST.octets, version=LARGEST.version, devices=[next(fresh).ppmid])
    assert len(request.image) == IMAGE_OCTETS_MAX_BUSINESS == 768_000
    assert client.post(signed(request, keys)).code == "I0"


def test_the_store_shows_nothing_sent_for_any_refusal(service: Service, client: Client) -> None:
    assert client.post(duis.write_request(plain())).code == "E100"
    service.terminate()
    refused = rows(service.store, "SELECT id, image FROM request WHERE accepted = 0")
    assert refused
    assert [image for _, image in refused if image is not None] == []
    about = {
        "delivery": "SELECT d.request FROM delivery d",
        "work": "SELECT d.request FROM work w JOIN delivery d ON d.id = w.delivery",
        "outbox": "SELECT d.request FROM outbox o JOIN delivery d ON d.id = o.delivery",
        "message": "SELECT d.request FROM message a JOIN delivery d ON d.id = a.delivery",
    }
    for table, query in about.items():
        assert not {number for (number,) in rows(service.store, query)} & {number for number, _ in refused}, table
    touched = rows(service.store, "SELECT count(*) FROM delivery WHERE device = ?", VICTIM.ppmid.signed)
    assert touched == [(0,)]
    images = rows(service.store, "SELECT octets FROM image")
    assert {octets for (octets,) in images} <= {NEW.octets, LARGEST.octets}


# --- helpers ------------------------------------------------------------------------------------------------------


def reasons(client: Client, request: duis.FirmwareRequest) -> set[str]:
    return {group["reason"] for group in client.get(f"requests/{request.header.request_id}")["refused"]}


def assert_nothing_sent(service: Service, request_id: str) -> None:
    """Neither delivery nor anything to a hub or a party came of the newest request of this RequestID."""
    newest = "SELECT id, accepted, reason IS NOT NULL FROM request WHERE request_id = ? ORDER BY id DESC LIMIT 1"
    ((number, accepted, has_reason),) = rows(service.store, newest, request_id)
    assert (accepted, bool(has_reason)) == (0, True)
    for table in ("outbox", "message"):
        about = f"SELECT count(*) FROM {table} x JOIN delivery d ON d.id = x.delivery WHERE d.request = ?"
        assert rows(service.store, about, number) == [(0,)]
    assert rows(service.store, "SELECT count(*) FROM delivery WHERE request = ?", number) == [(0,)]
