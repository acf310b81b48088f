"""Posting to a party: any 2xx is success, anything else is an error of ours that says what happened."""

import contextlib
import gc
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hanota.callbacks.http import CONNECTIONS_MAX, HttpCallback
from hanota.callbacks.port import CallbackError, MessageRefused

Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


class Party(ThreadingHTTPServer):
    """A party's receiver, which lets more than five connections wait: a sixth would be tried again a second later."""

    request_queue_size = 2 * CONNECTIONS_MAX


@contextlib.contextmanager
def party(answer: Answer) -> Iterator[str]:
    """A party's receiver; `answer` says what it does with each request."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            answer(self, self.rfile.read(int(self.headers["Content-Length"])))

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = Party(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/duis"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def with_status(status: int, *headers: tuple[str, str], body: bytes = b"") -> Answer:
    def answer(request: BaseHTTPRequestHandler, _: bytes) -> None:
        request.send_response(status)
        for name, value in headers:
            request.send_header(name, value)
        if status != 204:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


@pytest.fixture
def callback() -> Iterator[HttpCallback]:
    found = HttpCallback()
    yield found
    found.close()


def failure(landed: Future[None]) -> CallbackError:
    found = landed.exception(timeout=10)
    assert isinstance(found, CallbackError), found
    return found


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_will_do_and_the_document_arrives_as_it_is(callback: HttpCallback, status: int) -> None:
    seen: list[tuple[BaseHTTPRequestHandler, bytes]] = []

    def answer(request: BaseHTTPRequestHandler, body: bytes) -> None:
        seen.append((request, body))
        with_status(status)(request, body)

    with party(answer) as address:
        callback.post(address, b"<document/>").result(10)
    ((request, body),) = seen
    assert (request.path, body) == ("/duis", b"<document/>")
    assert request.headers["Content-Type"] == "application/xml"


@pytest.mark.parametrize("status", [301, 302, 401, 403, 404, 500, 503])
def test_any_other_status_is_not_taken_and_no_redirection_is_followed(callback: HttpCallback, status: int) -> None:
    seen: list[str] = []

    def elsewhere(request: BaseHTTPRequestHandler, _: bytes) -> None:
        seen.append(request.path)

    with party(elsewhere) as other, party(with_status(status, ("Location", other), body=b"no")) as address:
        error = failure(callback.post(address, b""))
    assert error.retryable
    assert not isinstance(error, MessageRefused)
    assert (error.facts["endpoint"], error.facts["cause"]) == (address, f"HTTP {status}")
    assert seen == []


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
def test_a_receiver_that_looked_at_the_message_refuses_that_one_alone(callback: HttpCallback, status: int) -> None:
    with party(with_status(status)) as address:
        error = failure(callback.post(address, b""))
    assert isinstance(error, MessageRefused)
    assert error.facts["cause"] == f"HTTP {status}"


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
        "file:///etc/passwd",
        "http://127.0.0.1:9/",
    ],
)
def test_an_endpoint_that_is_no_address_or_where_nobody_listens_is_an_error_of_ours(
    callback: HttpCallback, endpoint: str
) -> None:
    assert failure(callback.post(endpoint, b"")).facts["endpoint"] == endpoint


def test_many_are_under_way_at_once_over_connections_that_serve_again(callback: HttpCallback) -> None:
    together = threading.Barrier(CONNECTIONS_MAX)
    ports: list[int] = []

    def answer(request: BaseHTTPRequestHandler, body: bytes) -> None:
        ports.append(request.client_address[1])
        together.wait(10)
        with_status(204)(request, body)

    with party(answer) as address:
        for _ in range(2):
            for landed in [callback.post(address, b"x") for _ in range(CONNECTIONS_MAX)]:
                landed.result(20)
        callback.close()
    assert len(ports) == 2 * CONNECTIONS_MAX
    assert len(set(ports)) == CONNECTIONS_MAX


def test_a_party_that_takes_its_time_is_waited_for_no_longer_than_agreed_and_others_do_not_wait() -> None:
    let_go = threading.Event()

    def answer(request: BaseHTTPRequestHandler, body: bytes) -> None:
        let_go.wait(10)

    callback = HttpCallback(whole_s_max=0.3)
    with party(answer) as slow, party(with_status(204)) as fast:
        landed = callback.post(slow, b"")
        callback.post(fast, b"").result(10)
        assert not landed.done()
        assert failure(landed).facts["cause"] == "no answer within 0.3 s"
        let_go.set()
    callback.close()


def test_a_connection_that_was_closed_while_idle_is_no_refusal(callback: HttpCallback) -> None:
    """The receiver closes its connection just when the next post is written to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"

        def serve(posts_answered: int) -> None:
            connection, _ = listener.accept()
            with connection:
                for _ in range(posts_answered):
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                connection.recv(65536)  # and gone without an answer

        thread = threading.Thread(target=lambda: (serve(1), serve(1)))
        thread.start()
        callback.post(address, b"one").result(10)
        callback.post(address, b"two").result(10)
        callback.close()
        thread.join()


@contextlib.contextmanager
def dribbling(answer: bytes, *, pause_s: float) -> Iterator[str]:
    """A party that sends its answer octet by octet, and begins again at the end."""
    stopping = threading.Event()

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
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
    callback = HttpCallback(whole_s_max=0.3)
    began = time.monotonic()
    with dribbling(answer, pause_s=0.02) as address:
        failure(callback.post(address, b""))
    assert time.monotonic() - began < 2
    callback.close()


def test_what_is_said_beyond_the_status_is_read_up_to_a_limit(callback: HttpCallback) -> None:
    endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"ffff\r\n" + bytes(0xFFFF) + b"\r\n"
    with dribbling(endless + b"ffff\r\n" + bytes(0xFFFF) + b"\r\n", pause_s=0) as address:
        callback.post(address, b"").result(10)


def test_one_that_is_closed_is_closed_for_good_and_posts_no_more() -> None:
    for callback in (HttpCallback(), HttpCallback()):
        callback.close()
        callback.close()
        assert failure(callback.post("http://party.example/", b"")).facts["cause"] == "the carrier is closed"


def test_closing_does_not_wait_for_a_post_which_ends_all_the_same() -> None:
    begun, ended = threading.Event(), threading.Event()

    def answer(request: BaseHTTPRequestHandler, body: bytes) -> None:
        begun.set()
        ended.wait(10)

    callback = HttpCallback()
    with party(answer) as address:
        landed = callback.post(address, b"")
        assert begun.wait(10)
        began = time.monotonic()
        callback.close()
        assert time.monotonic() - began < 1
        assert failure(landed).facts["cause"] == "the carrier was closed"
        ended.set()


def test_nothing_is_left_open_after_closing() -> None:
    callback = HttpCallback()
    with party(with_status(204)) as address:
        callback.post(address, b"").result(10)
    callback.close()
    gc.collect()
    assert not [thread for thread in threading.enumerate() if thread.name == "hanota-callbacks"]
