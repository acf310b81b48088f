"""The gateway judges HTTP only; what the desk answers goes out as it is, refusals with status 200."""

import threading

import pytest

from hanota.base.limits import REQUEST_OCTETS_MAX

XML = {"content-type": "application/xml"}


@pytest.mark.parametrize("service", ["D", "S", "T"])
def test_each_web_service_hands_the_octets_to_the_desk_untouched(client, service: str) -> None:
    octets = b"\xef\xbb\xbf<Request/>\r\n"
    answer = client.post(f"/api/v1/service{service}", content=octets, headers=XML)
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == "application/xml"
    assert answer.content.endswith(b"<Response/>")
    assert client.desk.submitted == [(octets, service)]


def test_the_desk_is_asked_outside_the_event_loop(client) -> None:
    client.post("/api/v1/serviceD", content=b"<a/>", headers=XML)
    assert threading.get_ident() not in client.desk.threads


@pytest.mark.parametrize("media_type", ["application/xml; charset=utf-8", "Application/XML"])
def test_media_type_parameters_and_case_do_not_matter(client, media_type: str) -> None:
    assert client.post("/api/v1/serviceD", content=b"<a/>", headers={"content-type": media_type}).status_code == 200


@pytest.mark.parametrize("headers", [{"content-type": "text/plain"}, {"content-type": "application/json"}, {}])
def test_another_media_type_is_refused_and_the_desk_not_asked(client, headers: dict[str, str]) -> None:
    answer = client.post("/api/v1/serviceD", content=b"<a/>", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "HOTA-FACE-002")
    assert client.desk.submitted == []


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(client) -> None:
    read: list[bytes] = []

    async def body():
        read.append(b"x")
        yield b"x"

    headers = XML | {"content-length": str(REQUEST_OCTETS_MAX + 1)}
    answer = client.post("/api/v1/serviceD", content=body(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "HOTA-FACE-001")
    assert client.desk.submitted == []


def test_a_body_that_does_not_say_its_size_is_cut_off_at_the_limit(client) -> None:
    chunk = bytes(1024 * 1024)
    taken = 0

    async def endless():
        nonlocal taken
        while True:
            taken += len(chunk)
            yield chunk

    answer = client.post("/api/v1/serviceD", content=endless(), headers=XML)
    assert answer.status_code == 413
    assert taken <= REQUEST_OCTETS_MAX + 2 * len(chunk)


def test_a_body_of_exactly_the_limit_is_taken(client) -> None:
    assert client.post("/api/v1/serviceD", content=bytes(REQUEST_OCTETS_MAX), headers=XML).status_code == 200
    assert len(client.desk.submitted[0][0]) == REQUEST_OCTETS_MAX


def test_a_fault_of_ours_is_told_without_a_trace(client) -> None:
    client.desk.broken = ZeroDivisionError("secret detail")
    answer = client.post("/api/v1/serviceD", content=b"<a/>", headers=XML)
    assert (answer.status_code, answer.json()["code"]) == (500, "HOTA-FACE-005")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


def test_a_name_that_is_not_this_machine_is_turned_away(client) -> None:
    answer = client.post("/api/v1/serviceD", content=b"<a/>", headers=XML | {"host": "rebound.example"})
    assert answer.status_code == 400
    assert client.desk.submitted == []
