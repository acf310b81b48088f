"""Posting to a party: any 2xx is success, anything else is an error of ours that says what happened."""

from collections.abc import Callable

import httpx
import pytest

from hanota.callbacks.http import HttpCallback
from hanota.callbacks.port import CallbackError


def callback(answer: Callable[[httpx.Request], httpx.Response]) -> HttpCallback:
    return HttpCallback(httpx.Client(transport=httpx.MockTransport(answer)))


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_will_do_and_the_document_arrives_as_it_is(status: int) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(status)

    callback(answer).post("http://party.example/duis", b"<document/>")
    (request,) = seen
    assert (request.method, str(request.url)) == ("POST", "http://party.example/duis")
    assert request.content == b"<document/>"
    assert request.headers["Content-Type"] == "application/xml"


@pytest.mark.parametrize("status", [301, 302, 400, 404, 500, 503])
def test_any_other_status_is_not_taken_and_no_redirection_is_followed(status: int) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(status, headers={"Location": "http://elsewhere.example/"})

    with pytest.raises(CallbackError, match=f"HTTP {status}") as caught:
        callback(answer).post("http://party.example/", b"")
    assert caught.value.retryable
    assert seen == ["http://party.example/"]


@pytest.mark.parametrize("failure", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_failure_of_the_network_is_told(failure: type[httpx.HTTPError]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise failure("it broke")

    with pytest.raises(CallbackError, match="it broke") as caught:
        callback(answer).post("http://party.example/", b"")
    assert caught.value.facts["endpoint"] == "http://party.example/"


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "no address",
        "ftp://party.example",
        "http://",
        "http://[half",
        "http://party:port/",
        "http://a\x00b/",
        "http://ä" * 99,
    ],
)
def test_an_endpoint_that_is_no_address_is_an_error_like_any_other(endpoint: str) -> None:
    with pytest.raises(CallbackError):
        HttpCallback().post(endpoint, b"")


def test_nobody_listening_is_told_at_once() -> None:
    found = HttpCallback()
    with pytest.raises(CallbackError):
        found.post("http://127.0.0.1:9/", b"")
    found.close()
