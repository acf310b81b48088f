"""The server runs inside the process, says when it is ready, says when its port is taken, and stops when told."""

import os
import socket
import ssl
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from hanota.app.settings import TlsFiles
from hanota.faces.listening import Claim, PortTaken, Tls, TlsUnusable, free_port, tls_of
from helpers.serving import served
from helpers.tls import TlsFolder, make_tls


def telling(path: str) -> FastAPI:
    app = FastAPI()
    app.get(path)(os.getpid)
    return app


def test_it_serves_in_this_process_and_stops_when_told() -> None:
    with served(telling("/pid")) as url:
        assert httpx.get(f"{url}/pid").json() == os.getpid()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_an_open_connection_does_not_keep_it() -> None:
    with served(FastAPI()) as url:
        client = httpx.Client()
        client.get(url)
    client.close()


def test_two_applications_are_served_at_two_ports_by_one_process() -> None:
    with served(telling("/one"), telling("/two")) as (first, second):
        assert httpx.get(f"{first}/one").json() == httpx.get(f"{second}/two").json() == os.getpid()
        assert httpx.get(f"{second}/one").status_code == 404
    for url in (first, second):
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)


# --- ports -------------------------------------------------------------------------------------------------------


def test_a_taken_port_is_said_with_a_remedy() -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTaken, match="--port"):
        Claim(port)


def test_a_claimed_port_is_ours_before_anything_is_served_there() -> None:
    claim = Claim(free_port())
    with pytest.raises(PortTaken):
        Claim(claim.port)
    with pytest.raises(OSError, match="in use"):
        socket.create_server(("127.0.0.1", claim.port))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", claim.port))
    claim.release()
    Claim(claim.port).release()


def test_a_port_whose_last_connections_just_ended_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        server.accept()[0].close()  # who closes first keeps the port in TIME_WAIT
        client.close()
    Claim(port).release()


# --- TLS ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFolder:
    return make_tls(tmp_path_factory.mktemp("tls"))


def trusting(files: TlsFolder, client: str | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=files.ca)
    if client is not None:
        context.load_cert_chain(files.folder / f"{client}.pem", files.folder / f"{client}_key.pem")
    return context


def test_with_a_certificate_it_speaks_tls_and_nothing_else(files: TlsFolder) -> None:
    tls = Tls(certificate=files.server, key=files.server_key)
    with served(telling("/pid"), tls=tls) as url:
        assert url.startswith("https://")
        assert httpx.get(f"{url}/pid", verify=trusting(files)).json() == os.getpid()
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE"):
            httpx.get(f"{url}/pid")  # a client that does not know the authority
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{url}/pid".replace("https", "http"))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken(files: TlsFolder, version: ssl.TLSVersion) -> None:
    context = trusting(files)
    context.minimum_version = context.maximum_version = version
    with served(telling("/pid"), tls=Tls(certificate=files.server, key=files.server_key)) as url:
        assert httpx.get(f"{url}/pid", verify=context).is_success


@pytest.mark.parametrize("who", [None, "stranger"])
def test_with_a_client_authority_only_its_clients_are_let_in(files: TlsFolder, who: str | None) -> None:
    tls = Tls(certificate=files.server, key=files.server_key, client_ca=files.ca)
    with served(telling("/pid"), tls=tls) as url:
        assert httpx.get(f"{url}/pid", verify=trusting(files, "client")).json() == os.getpid()
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{url}/pid", verify=trusting(files, who))


def test_no_files_is_no_tls() -> None:
    assert tls_of(TlsFiles()) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cert": "server"}, "go together"),
        ({"key": "server_key"}, "go together"),
        ({"client_ca": "ca"}, "go together"),
        ({"cert": "server", "key": "client_key"}, "MISMATCH"),
        ({"cert": "server_key", "key": "server_key"}, ""),
        ({"cert": "nothing", "key": "server_key"}, "no such file"),
        ({"cert": "server", "key": "server_key", "client_ca": "server_key"}, ""),
    ],
)
def test_files_that_can_not_serve_are_named_before_anything_runs(
    files: TlsFolder, given: dict[str, str], said: str
) -> None:
    with pytest.raises(TlsUnusable, match="--tls-cert") as caught:
        tls_of(TlsFiles(**{name: files.folder / f"{file}.pem" for name, file in given.items()}))
    assert Path(str(caught.value.facts["file"])).parent == files.folder
    assert said in str(caught.value)


def test_files_that_belong_together_are_taken(files: TlsFolder) -> None:
    found = tls_of(TlsFiles(cert=files.server, key=files.server_key, client_ca=files.ca))
    assert found == Tls(certificate=files.server, key=files.server_key, client_ca=files.ca)
