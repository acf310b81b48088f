"""Sending: the originator signs, the right web service gets it, and every way to fail says whether to try again."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Response

from hanota.base.errors import HanotaError
from hanota.base.ids import RequestId
from hanota.faces.listening import Tls
from hanota.supplier.errors import (
    AnswerLate,
    AnswerUnreadable,
    GatewayRefused,
    GatewayUnreachable,
    NoPki,
    NoService,
    TlsFileUnusable,
)
from hanota.supplier.explain import read_answer
from hanota.supplier.keys import open_keys, xml_signer
from hanota.supplier.send import Prepared, client_tls, post, prepare
from hanota.wire import duis
from hanota.wire.duis import DuisMalformed
from hanota.wire.smki.errors import CertificateMissing
from helpers.keystore import keystore_folder
from helpers.pki import small_pki
from helpers.requests import DCC, REQUEST_ID, SUPPLIER, answer, request
from helpers.serving import served
from helpers.tls import make_tls

TO = "http://gateway.example:8079/"


def prepared() -> Prepared:
    return prepare(request(), small_pki())


def network(handle: Callable[[httpx.Request], httpx.Response]) -> httpx.MockTransport:
    return httpx.MockTransport(handle)


def xml(content: bytes, status: int = 200) -> httpx.Response:
    return httpx.Response(status, content=content, headers={"content-type": "application/xml;charset=UTF-8"})


def test_a_request_is_signed_by_its_originator() -> None:
    keys = small_pki()
    report = duis.verify(duis.parse_safely(prepared().octets), keys.find)
    assert report
    assert report.signer == xml_signer(keys, SUPPLIER).certificate


def test_an_old_signature_is_replaced() -> None:
    keys = small_pki()
    again = prepare(prepared().octets, keys)
    assert again.octets == prepared().octets
    assert again.octets.count(b"<ds:Signature>") + again.octets.count(b"<ds:Signature ") == 1


def test_the_counter_stays_unless_a_new_one_is_given() -> None:
    assert prepared().request_id == REQUEST_ID
    fresh = prepare(request(), small_pki(), counter=77)
    assert fresh.request_id == RequestId(SUPPLIER, DCC, 77)
    report = duis.verify(duis.parse_safely(fresh.octets), small_pki().find)
    assert duis.read_request(duis.parse_safely(report.signed_octets or b"")).header.request_id.counter == 77


@pytest.mark.parametrize(("variant", "service"), [(8, "D"), (2, "D"), (1, "S"), (5, "S"), (4, "T")])
def test_the_command_variant_chooses_the_web_service(variant: int, service: str) -> None:
    made = prepare(request(command_variant=variant), small_pki())
    seen = []
    post(made, to=TO, transport=network(lambda asked: seen.append(asked.url) or xml(answer("I0"))))
    assert str(seen[0]) == f"http://gateway.example:8079/api/v1/service{service}"


def test_the_signed_octets_go_out_as_they_are_and_the_answer_comes_back_as_it_is() -> None:
    seen = []
    octets = post(prepared(), to=TO, transport=network(lambda asked: seen.append(asked) or xml(answer("I0"))))
    assert octets == answer("I0")
    assert seen[0].content == prepared().octets
    assert seen[0].headers["content-type"] == "application/xml"


def refuse(error: type[httpx.TransportError]) -> Callable[[httpx.Request], httpx.Response]:
    def handle(asked: httpx.Request) -> httpx.Response:
        raise error("no", request=asked)

    return handle


@pytest.mark.parametrize(
    ("handle", "expected", "retryable"),
    [
        (refuse(httpx.ConnectError), GatewayUnreachable, True),
        (refuse(httpx.ConnectTimeout), GatewayUnreachable, True),
        (refuse(httpx.ReadTimeout), AnswerLate, True),
        (lambda _: xml(b"<html/>", 502), GatewayRefused, False),
        (lambda _: httpx.Response(200, text="hello"), GatewayRefused, False),
    ],
    ids=["nobody", "nobody in time", "late", "http error", "not xml"],
)
def test_every_way_to_fail_says_whether_to_try_again(
    handle: Callable[[httpx.Request], httpx.Response], expected: type[HanotaError], retryable: bool
) -> None:
    with pytest.raises(expected) as caught:
        post(prepared(), to=TO, transport=network(handle))
    assert caught.value.retryable is retryable


def test_a_late_answer_tells_that_sending_again_is_safe() -> None:
    with pytest.raises(AnswerLate, match="send the same file again"):
        post(prepared(), to=TO, transport=network(refuse(httpx.ReadTimeout)))


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(GatewayUnreachable):
        post(prepared(), to="gateway")


@pytest.mark.parametrize("octets", [b"", b"<a/>", b"<!DOCTYPE a><a/>"])
def test_an_answer_that_is_no_duis_response_is_told_with_its_reason(octets: bytes) -> None:
    with pytest.raises(AnswerUnreadable):
        read_answer(octets, prepared(), TO)


def test_what_can_not_be_signed_is_told() -> None:
    with pytest.raises(DuisMalformed):
        prepare(b"not xml", small_pki())
    with pytest.raises(NoService):
        prepare(request(command_variant=9), small_pki())
    with pytest.raises(CertificateMissing):
        prepare(request().replace(str(SUPPLIER).encode(), b"90-B3-D5-1F-30-99-00-00"), small_pki())


def test_files_for_tls_that_can_not_be_used_are_named(tmp_path) -> None:
    assert client_tls(None, None, None) is None
    (tmp_path / "ca.pem").write_text("no certificate")
    for ca in (tmp_path / "ca.pem", tmp_path / "none.pem"):
        with pytest.raises(TlsFileUnusable, match=ca.name):
            client_tls(ca, None, None)


def test_a_gateway_with_its_own_authority_is_trusted_and_shown_a_certificate(tmp_path) -> None:
    files = make_tls(tmp_path)
    tls = Tls(certificate=files.server, key=files.server_key, client_ca=files.ca)
    app = FastAPI()
    app.post("/api/v1/serviceD")(lambda: Response(answer("I0"), media_type="application/xml"))
    with served(app, tls=tls) as url:
        shown = client_tls(files.ca, files.client, files.client_key)
        assert post(prepared(), to=url, tls=shown) == answer("I0")
        for context in (None, client_tls(files.ca, None, None)):
            with pytest.raises(GatewayUnreachable):
                post(prepared(), to=url, tls=context)


def test_the_public_key_store_goes_before_the_folder() -> None:
    keys = open_keys(Path("nowhere"), keystore_folder())
    assert xml_signer(keys, SUPPLIER).certificate.serial == 27572613927499351639968579586655397031


def test_a_missing_key_folder_is_told_with_the_way_to_one(tmp_path) -> None:
    with pytest.raises(NoPki, match="hanota pki init"):
        open_keys(tmp_path / "none")
    assert open_keys(tmp_path).certificates() == ()
