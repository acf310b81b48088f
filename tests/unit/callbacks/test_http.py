"""Posting to a party: any 2xx is success, anything else is an error of ours that says what happened."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from hanota.callbacks.http import HttpCallback
from hanota.callbacks.port import CallbackError


def callback(answer: Callable[[httpx.Request], httpx.Response]) -> HttpCallback:
    return HttpCallback(httpx.AsyncClient(transport=httpx.MockTransport(answer)))


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_will_do_and_the_document_arrives_as_it_is(status: int) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(status, stream=httpx.ByteStream(b""))

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
        headers = {"Location": "http://elsewhere.example/"}
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(b"no"))

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


def test_an_answer_without_end_is_cut_and_its_status_counts() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(204, stream=httpx.ByteStream(bytes(10**6)))

    callback(answer).post("http://party.example/", b"")


def test_a_party_that_takes_its_time_is_waited_for_no_longer_than_agreed() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        return httpx.Response(204)

    found = HttpCallback(httpx.AsyncClient(transport=httpx.MockTransport(answer)), whole_s_max=0.05)
    with pytest.raises(CallbackError, match=r"within 0\.05 s"):
        found.post("http://party.example/", b"")
    found.close()
    found.close()  # once is enough


def test_nobody_listening_is_told_at_once() -> None:
    found = HttpCallback()
    with pytest.raises(CallbackError):
        found.post("http://127.0.0.1:9/", b"")
    found.close()


@contextlib.contextmanager
def endpoint(answer: bytes, *, pause_s: float) -> Iterator[str]:
    """A party that sends its answer octet by octet, and begins again at the end."""
    stopping = threading.Event()

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            while not stopping.wait(pause_s):
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            stopping.set()
            thread.join()


@pytest.mark.parametrize("answer", [b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n."], ids=["head", "body"])
def test_a_party_that_answers_octet_by_octet_is_given_up_in_time(answer: bytes) -> None:
    found = HttpCallback(whole_s_max=0.3)
    began = time.monotonic()
    with endpoint(answer, pause_s=0.02) as address, pytest.raises(CallbackError):
        found.post(address, b"")
    assert time.monotonic() - began < 2
    found.close()


def test_what_is_said_beyond_the_status_is_read_up_to_a_limit() -> None:
    endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"ffff\r\n" + bytes(0xFFFF) + b"\r\n"
    with endpoint(endless + b"ffff\r\n" + bytes(0xFFFF) + b"\r\n", pause_s=0) as address:
        HttpCallback().post(address, b"")


def test_one_that_is_closed_is_closed_for_good_and_posts_no_more() -> None:
    found = callback(lambda _: httpx.Response(204))
    found.close()
    found.close()
    with pytest.raises(CallbackError, match="closed"):
        found.post("http://party.example/", b"")


def test_closing_does_not_wait_for_a_post() -> None:
    begun, ended = threading.Event(), threading.Event()

    def answer(_: httpx.Request) -> httpx.Response:
        begun.set()
        ended.wait(10)
        return httpx.Response(204)

    found = callback(answer)
    posting = threading.Thread(target=found.post, args=("http://party.example/", b""))
    posting.start()
    assert begun.wait(10)
    found.close()
    assert posting.is_alive()
    ended.set()
    posting.join()
    found.close()
