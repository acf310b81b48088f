"""A real `hanota up` under bodies that are too large: refused while they are sent, in bounded memory."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hanota.base.limits import REQUEST_OCTETS_MAX
from helpers.system import Service, running
from hostile.documents import DOCUMENTS, MB

SECONDS_MAX = 5.0
GROWTH_MB_MAX = 120.0
CLIENTS = 4
CHUNK = b"A" * (256 * 1024)
FRAMED = b"%x\r\n" % len(CHUNK) + CHUNK + b"\r\n"
SENT_MAX = 100 * MB


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(Service(tmp_path_factory.mktemp("hostile") / "home")) as started:
        yield started


class Stream:
    """A client that sends a body by and by, and looks whether it is answered before the end."""

    def __init__(self, service: Service, header: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", service.port), timeout=SECONDS_MAX)
        start = f"POST /api/v1/serviceD HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nContent-Type: application/xml\r\n"
        self.socket.sendall(f"{start}{header}\r\n\r\n".encode())
        self.sent = 0

    def answer_while_sending(self, piece: bytes) -> tuple[int, dict[str, object]]:
        """Send until there is an answer or the connection is closed. Gives status and body of the answer."""
        self.socket.setblocking(False)
        until = time.monotonic() + SECONDS_MAX
        heard, rest = b"", b""
        while time.monotonic() < until and self.sent < SENT_MAX:
            try:
                heard += self.socket.recv(65536)
            except BlockingIOError:
                pass
            except ConnectionError:
                break
            if b"\r\n\r\n" in heard:
                break
            rest = rest or piece
            try:
                taken = self.socket.send(rest)
                self.sent += taken
                rest = rest[taken:]
            except BlockingIOError:
                time.sleep(0.001)
            except ConnectionError:  # closed: what it said before can still be read
                piece = b""
        return self._read(heard)

    def answer(self) -> tuple[int, dict[str, object]]:
        """Wait for the answer and send nothing."""
        return self._read(b"")

    def _read(self, heard: bytes) -> tuple[int, dict[str, object]]:
        self.socket.settimeout(SECONDS_MAX)
        while not heard.rstrip().endswith(b"}"):
            more = self.socket.recv(65536)
            assert more, f"no answer but {heard!r}"
            heard += more
        self.socket.close()
        head, _, body = heard.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])


def test_a_body_that_says_it_is_too_large_is_refused_before_any_of_it_is_sent(service: Service) -> None:
    began = time.monotonic()
    status, told = Stream(service, f"Content-Length: {100 * MB}").answer()
    assert (status, told["code"]) == (413, "HOTA-FACE-001")
    assert time.monotonic() - began < SECONDS_MAX


def test_a_body_that_says_it_is_too_large_is_refused_while_it_is_sent(service: Service) -> None:
    stream = Stream(service, f"Content-Length: {100 * MB}")
    status, told = stream.answer_while_sending(CHUNK)
    assert (status, told["code"]) == (413, "HOTA-FACE-001")
    assert stream.sent < SENT_MAX


def test_a_body_that_does_not_say_its_size_is_refused_before_its_end(service: Service) -> None:
    stream = Stream(service, "Transfer-Encoding: chunked")
    status, told = stream.answer_while_sending(FRAMED)
    assert (status, told["code"]) == (413, "HOTA-FACE-001")
    assert REQUEST_OCTETS_MAX < stream.sent < SENT_MAX


def test_many_bodies_without_end_at_once_take_bounded_memory(service: Service) -> None:
    before = resident_mb(service)
    statuses: list[int] = []

    def one() -> None:
        statuses.append(Stream(service, "Transfer-Encoding: chunked").answer_while_sending(FRAMED)[0])

    for _ in range(3):
        clients = [threading.Thread(target=one) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    assert statuses == [413] * 3 * CLIENTS
    assert resident_mb(service, "VmHWM") - before < GROWTH_MB_MAX


def test_each_hostile_document_is_answered_and_the_service_lives_on(service: Service) -> None:
    client = service.client()
    for hostile in DOCUMENTS:
        octets = hostile.build()
        began = time.monotonic()
        if len(octets) > REQUEST_OCTETS_MAX:
            assert client.raw_post(octets).status_code == 413, hostile
        else:
            assert client.post(octets).code[0] == "E", hostile
        assert time.monotonic() - began < SECONDS_MAX, hostile
    assert client.get("reasons")


def test_an_image_that_cannot_be_read_is_answered_like_one_over_the_limit(service: Service) -> None:
    (hostile,) = (one for one in DOCUMENTS if one.form == "an image as large as a body may be")
    answer = service.client().post(hostile.build())
    assert answer.code == "E110405"
    assert str(answer.response.request_id).endswith(":1000"), "the request is named, though its image could not be read"


def resident_mb(service: Service, name: str = "VmRSS") -> float:
    assert service.process is not None
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines[name].split()[0]) / 1024
