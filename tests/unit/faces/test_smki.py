"""The SMKI repository answers as its public client asks: by EUI or serial, with its statuses and its fields."""

import base64

import pytest
from lxml import etree

from hanota.app.desk.views import CertificateView
from hanota.base.eui import Eui64
from hanota.base.vocabulary.parties import CertificateStatus
from hanota.faces.http import create_repository
from hanota.faces.smki.messages import BODY_OCTETS_MAX
from helpers.fake_desk import FakeDesk
from helpers.gbcs import ACB, PPMID, SUPPLIER
from helpers.pki import small_pki

XML = {"content-type": "application/xml"}
SEARCH, RETRIEVE = "/services/certificatesearch", "/services/retrievecertificate"
# What @smartdcc/dccboxed-keystore sends: identifiers in lower case, the element right under the declaration.
DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'


def search_for(field: str, text: object) -> str:
    return f"{DECLARATION}<CertificateSearchRequest><{field}>{text}</{field}></CertificateSearchRequest>"


def device(eui: Eui64) -> str:
    return search_for("CertificateSubjectAltName", str(eui).lower())


def organisation(eui: Eui64) -> str:
    return search_for("CertificateSubjectName", eui)


def by_serial(text: str) -> str:
    return (
        f"{DECLARATION}<CertificateDataRequest><CertificateSerial>{text}</CertificateSerial></CertificateDataRequest>"
    )


def views(status: CertificateStatus = CertificateStatus.IN_USE) -> list[CertificateView]:
    return [
        CertificateView(
            subject=str(held.eui),
            role=None if held.role is None else int(held.role),
            usage=held.usage.value,
            serial=held.serial,
            status=status,
            der=held.der,
        )
        for held in small_pki().certificates()
    ]


@pytest.fixture
def client(make_client):
    found = make_client(FakeDesk())
    found.desk.certificates = views()
    return found


def ask(client, path: str, body: str, **options) -> tuple[int, etree._Element]:
    answer = client.post(path, content=body.encode(), headers=XML, params={"apikey": "any"}, **options)
    assert answer.headers["content-type"].partition(";")[0] == "application/xml"
    root = etree.fromstring(answer.content)
    assert root.findtext("ResponseCode") == str(answer.status_code)
    assert root.findtext("AuditReference")
    return answer.status_code, root


def fields(entry: etree._Element) -> dict[str, str]:
    return {child.tag: child.text for child in entry}


def test_a_device_is_found_by_its_eui_in_either_case(client) -> None:
    status, root = ask(client, SEARCH, device(PPMID))
    assert (status, root.tag, root.findtext("ResponseMessage")) == (200, "CertificateSearchResponse", "Success")
    results = [fields(entry) for entry in root.iterfind("Result")]
    assert {found["CertificateUsage"] for found in results} == {"DS", "KA"}
    for found in results:
        assert found["CertificateSubjectAltName"] == str(PPMID)
        assert found["CertificateStatus"] == "I"
        assert set(found) == {
            "CertificateSerial",
            "CertificateSubjectAltName",
            "CertificateStatus",
            "CertificateUsage",
            "ManufacturingFlag",
        }


def test_an_organisation_is_found_with_its_roles_in_decimal(client) -> None:
    _, root = ask(client, SEARCH, organisation(SUPPLIER))
    results = [fields(entry) for entry in root.iterfind("Result")]
    assert {(found["CertificateUsage"], found["CertificateRole"]) for found in results} == {
        ("DS", "2"),
        ("KA", "2"),
        ("DS", "135"),
    }
    assert {found["CertificateSubjectName"] for found in results} == {str(SUPPLIER)}


@pytest.mark.parametrize("query", [device(SUPPLIER), organisation(PPMID)], ids=["as device", "as organisation"])
def test_an_organisation_is_no_device_and_the_other_way_round(client, query: str) -> None:
    status, root = ask(client, SEARCH, query)
    assert (status, root.findall("Result")) == (402, [])


@pytest.mark.parametrize("write", [lambda n: f"{n:x}", lambda n: f"{n:X}", lambda n: f"00{n:X}"])
def test_a_certificate_is_fetched_by_its_serial_in_hex(client, write) -> None:
    (wanted,) = [found for found in small_pki().certificates() if found.eui == ACB and found.usage.value == "KA"]
    status, root = ask(client, RETRIEVE, by_serial(write(wanted.serial)))
    assert (status, root.tag) == (200, "CertificateDataResponse")
    (entry,) = root.findall("CertificateResponse")
    assert base64.b64decode(entry.findtext("CertificateBody") or "", validate=True) == wanted.der
    assert (entry.findtext("CertificateSubjectName"), entry.findtext("CertificateRole")) == (str(ACB), "4")


def test_what_a_search_names_can_be_fetched(client) -> None:
    _, found = ask(client, SEARCH, device(PPMID))
    for serial in (entry.findtext("CertificateSerial") for entry in found.iterfind("Result")):
        status, root = ask(client, RETRIEVE, by_serial(serial or ""))
        assert (status, root.findtext("CertificateResponse/CertificateSubjectAltName")) == (200, str(PPMID))


def test_of_two_certificates_with_one_serial_the_one_in_use_is_given(client) -> None:
    first, second = views()[:2]
    revoked = first.model_copy(update={"status": CertificateStatus.REVOKED, "serial": 5})
    client.desk.certificates = [revoked, second.model_copy(update={"serial": 5})]
    _, root = ask(client, RETRIEVE, by_serial("5"))
    assert [entry.findtext("CertificateStatus") for entry in root.iterfind("CertificateResponse")] == ["I"]


@pytest.mark.parametrize("status", list(CertificateStatus))
def test_a_status_is_told_by_its_letter(client, status: CertificateStatus) -> None:
    client.desk.certificates = views(status)
    _, root = ask(client, SEARCH, device(PPMID))
    assert {entry.findtext("CertificateStatus") for entry in root.iterfind("Result")} == {status.value}


@pytest.mark.parametrize(
    ("path", "body"),
    [(SEARCH, device(Eui64(1))), (SEARCH, organisation(Eui64(1))), (RETRIEVE, by_serial("abcdef"))],
)
def test_nothing_found_is_402(client, path: str, body: str) -> None:
    status, root = ask(client, path, body)
    assert (status, root.findtext("ResponseMessage")) == (402, "No certificate found")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (SEARCH, ""),
        (SEARCH, "<a/>"),
        (SEARCH, by_serial("5")),
        (SEARCH, "<CertificateSearchRequest/>"),
        (SEARCH, search_for("CertificateSubjectAltName", "00-DB")),
        (SEARCH, search_for("CertificateSerial", "5")),
        (SEARCH, search_for("CertificateSubjectName", f"<x>{SUPPLIER}</x>")),
        (SEARCH, "<!DOCTYPE a><CertificateSearchRequest/>"),
        (RETRIEVE, device(PPMID)),
        (RETRIEVE, by_serial("")),
        (RETRIEVE, by_serial("12g")),
        (RETRIEVE, by_serial("-1")),
        (RETRIEVE, by_serial("1" * 41)),
    ],
)
def test_what_can_not_be_looked_up_is_401_and_the_desk_not_asked(client, path: str, body: str) -> None:
    client.desk.broken = ZeroDivisionError()
    status, root = ask(client, path, body)
    assert (status, root.findall("*")[3:]) == (401, [])


def test_a_long_body_is_refused_while_it_is_read(client) -> None:
    answer = client.post(SEARCH, content=b"<" * (BODY_OCTETS_MAX + 1), headers=XML)
    assert (answer.status_code, answer.json()["code"]) == (413, "HOTA-FACE-001")


def test_the_repositorys_own_port_serves_nothing_else(make_client) -> None:
    found = make_client(FakeDesk(), app=create_repository)
    found.desk.certificates = views()
    assert ask(found, SEARCH, device(PPMID))[0] == 200
    for path in ("/", "/api/rest/v1/overview", "/docs", "/openapi.json", "/healthz"):
        assert found.get(path).status_code == 404
    assert found.post(SEARCH, content=b"", headers=XML | {"host": "rebound.example"}).status_code == 400
