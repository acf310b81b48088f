"""An answer in plain words: the desk's own reason where it can be had, else every reason that its code stands for."""

import httpx
import pytest

from hanota.base.vocabulary.devices import DeviceStatus, DeviceType
from hanota.base.vocabulary.duis import DeviceList, ResponseCode
from hanota.model.reasons import DEVICE_REFUSALS
from hanota.model.refusals import REQUEST_REFUSALS
from hanota.supplier.explain import Explanation, ask_desk, explain, read_answer
from hanota.supplier.meanings import list_meanings, meaning_of, meanings, remedy
from hanota.supplier.send import Prepared, prepare
from hanota.wire import duis
from helpers.pki import NOW, small_pki
from helpers.requests import PPMID, REQUEST_ID, SUPPLIER, answer, request

TO = "http://127.0.0.1:8079"
PREPARED = prepare(request(), small_pki())
REFUSED = {
    "device_list": "InvalidDeviceIDList",
    "reason": "unknown",
    "text": "not in the inventory",
    "remedy": "check the EUI",
    "devices": [str(PPMID)],
}


def told(code: str, lists: dict[DeviceList, str] | None = None, **known: object) -> Explanation:
    return explain(PREPARED, read_answer(answer(code, lists), PREPARED, TO), to=TO, **known)


@pytest.mark.parametrize(("code", "accepted"), [("I0", True), ("W110401", True), ("E110403", False), ("E100", False)])
def test_i_and_w_go_on_and_e_does_not(code: str, accepted: bool) -> None:
    explanation = told(code)
    assert explanation.accepted is accepted
    assert ("nothing was sent" in explanation.next) is not accepted


def told_of(service: str, variant: int, code: str, content: duis.Content | None = None) -> Explanation:
    header = duis.RequestHeader(
        request_id=REQUEST_ID,
        command_variant=variant,
        service_reference=service,
        service_reference_variant=service,
    )
    body = duis.ResponseMessage(service_reference=service, service_reference_variant=service, content=content)
    answered = duis.Response(request_id=REQUEST_ID, code=ResponseCode(code), at=NOW, body=body)
    return explain(Prepared(header=header, octets=b"", service="D"), answered)


@pytest.mark.parametrize(
    ("service", "variant", "code", "content", "words"),
    [
        ("11.1", 8, "I0", None, "11.3 activates it"),
        ("11.4", 8, "I0", None, "N39"),
        ("11.2", 1, "I99", None, "callback address, under this RequestID"),
        ("11.3", 5, "I99", None, "callback address, under this RequestID"),
        ("11.3", 4, "I0", duis.PreCommand(gbcs_version="4.3", octets=b"\1"), "command variant 5"),
        ("11.2", 2, "I0", duis.LocalCommand(octets=b"\1"), "by 8.13"),
        ("8.4", 8, "I0", None, "nothing more follows"),
        ("12.2", 8, "I0", None, "nothing more follows"),
        ("8.13", 8, "I0", None, "nothing more follows"),
        ("8.2", 8, "E0802", None, "nothing was sent"),
    ],
)
def test_what_comes_next_is_told_by_service_and_answer(
    service: str, variant: int, code: str, content: duis.Content | None, words: str
) -> None:
    explanation = told_of(service, variant, code, content)
    assert words in explanation.next
    assert explanation.gbcs == ("01" if content else None)


def test_an_inventory_is_told_device_by_device_without_what_is_not_known() -> None:
    device = duis.InventoryDevice(
        device=PPMID,
        device_type=DeviceType.PPMID,
        status=DeviceStatus.COMMISSIONED,
        manufacturer="121D",
        model="00841111",
        property_filter=duis.PropertyFilter(post_code="TE2 2AA", address_identifier="3"),
    )
    explanation = told_of("8.2", 8, "I0", duis.Inventory(devices=(device,)))
    assert explanation.inventory == (
        {
            "device": str(PPMID),
            "device_type": "PPMID",
            "status": "Commissioned",
            "manufacturer": "121D",
            "model": "00841111",
            "property_filter": "TE2 2AA 3",
        },
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("I99", "acknowledged"),
        ("E110401", "Certified Product List"),
        ("NotCommissionedDeviceIDList", "not commissioned"),
        ("N39", "the device reports that activation failed"),
    ],
)
def test_a_code_or_list_is_explained_whatever_it_answers(name: str, words: str) -> None:
    assert words in (meaning_of(name) or "")


def test_a_code_of_others_has_no_meaning_here() -> None:
    assert meaning_of("E999999") is None
    assert meaning_of("N13") is None


def test_the_desks_own_reason_is_told_where_it_is_known() -> None:
    detail = {
        "response_code": "W110401",
        "text": "accepted for one",
        "remedy": "none needed",
        "refused": [REFUSED],
    }
    explanation = told("W110401", {DeviceList.INVALID_DEVICE_ID: str(PPMID)}, detail=detail)
    assert (explanation.meaning, explanation.remedy) == ("accepted for one", "none needed")
    assert explanation.left_out[0].why == "not in the inventory"
    assert explanation.console_url == f"{TO}/requests/{REQUEST_ID}"


def test_without_the_desk_a_list_is_told_with_every_reason_it_can_stand_for() -> None:
    explanation = told("E110403", {DeviceList.NOT_COMMISSIONED: f"{PPMID},{PPMID}"})
    (group,) = explanation.left_out
    assert group.device_list == "NotCommissionedDeviceIDList"
    assert group.devices == (str(PPMID), str(PPMID))
    assert "not commissioned" in group.why
    assert explanation.console_url is None


def test_what_the_desk_knows_of_another_answer_is_not_taken_for_this_one() -> None:
    stored = {"response_code": "I0", "text": "all is well", "refused": [REFUSED]}
    explanation = told("E19", detail=stored)
    assert "used before" in explanation.meaning
    assert explanation.remedy == "use a new counter"
    assert explanation.left_out == ()


def test_the_desk_is_asked_as_the_sender() -> None:
    seen = []

    def handle(asked: httpx.Request) -> httpx.Response:
        seen.append(asked.url)
        return httpx.Response(200, json={"response_code": "I0"})

    assert ask_desk(PREPARED, TO + "/", transport=httpx.MockTransport(handle)) == {"response_code": "I0"}
    assert seen[0].path == f"/api/rest/v1/requests/{REQUEST_ID}"
    assert dict(seen[0].params) == {"as": str(SUPPLIER), "command_variant": "8"}


def offline(asked: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no", request=asked)


@pytest.mark.parametrize(
    "handle",
    [
        offline,
        lambda _: httpx.Response(404),
        lambda _: httpx.Response(200, text="hi"),
        lambda _: httpx.Response(200, json=[]),
    ],
    ids=["offline", "elsewhere", "not json", "not an object"],
)
def test_a_gateway_without_a_desk_is_no_error(handle) -> None:
    assert ask_desk(PREPARED, TO, transport=httpx.MockTransport(handle)) is None


@pytest.mark.parametrize("service", ["11.1", "11.4"])
def test_every_refusal_can_be_looked_up_by_its_code(service: str) -> None:
    for row in REQUEST_REFUSALS.values():
        assert row.text in meanings(row.code_for(service), service)


def test_every_list_says_why_a_device_stands_in_it() -> None:
    assert {text for name in DeviceList for text in list_meanings(name)} == {r.text for r in DEVICE_REFUSALS.values()}


def test_a_code_that_is_not_ours_says_so() -> None:
    assert "does not give" in meanings(ResponseCode("E65"), "11.4")[0]
    assert remedy(ResponseCode("E65"), "11.4") is None
    assert remedy(ResponseCode.E100, "11.4") is None, "E100 has many reasons: no single remedy"
