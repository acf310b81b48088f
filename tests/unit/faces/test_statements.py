"""A local upgrade from the engineer's visit to the statement that explains it, over REST and as a Supplier posts it."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from hanota.app.desk import Acts, Desk
from hanota.base.instant import HOUR, MINUTE
from hanota.base.vocabulary.devices import DeviceType
from hanota.faces.http import create_app
from hanota.model.policies import LocalUpgradePolicy
from hanota.supplier.attest import hash_of, post_statement, signed_statement
from hanota.supplier.errors import GatewayRefused, GatewayUnreachable, StatementNotTaken
from hanota.wire.otaimage import write_image
from hanota.wire.statements import LocalUpgradeStatement
from helpers.homes import DEVICE, FAST, Homes, plain_image
from helpers.world import PPMID, STRANGER, SUPPLIER_1

LOCAL = 0x0003_0000
KIND = DeviceType.PPMID


class _Within(httpx.BaseTransport):
    """The application in this process, for a client that is not asynchronous."""

    def __init__(self, homes: Homes) -> None:
        desk = Desk(homes.world.store, homes.world.submit, lambda: homes.now, Acts(attest=homes.world.attest))
        self._app = httpx.ASGITransport(app=create_app(desk, now=lambda: homes.now, console=False))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def go() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._app) as client:
                options = {"content": request.content, "headers": dict(request.headers)}
                return await client.request(request.method, str(request.url), **options)

        with ThreadPoolExecutor(1) as thread:
            answer = thread.submit(asyncio.run, go()).result()
        return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)


@pytest.fixture
def homes() -> Iterator[Homes]:
    found = Homes(FAST.model_copy(update={"local_upgrade": LocalUpgradePolicy(mode="attested")}), versions=(LOCAL,))
    yield found.run(MINUTE)
    found.close()


def statement(homes: Homes, **changes: object) -> LocalUpgradeStatement:
    facts: dict[str, object] = {
        "party": SUPPLIER_1,
        "device": PPMID,
        "version": LOCAL,
        "manufacturer_hash": plain_image(KIND, LOCAL).manufacturer_hash,
        "done_at": homes.now,
        "done_by": "an engineer",
        "reason": "no radio",
    }
    return LocalUpgradeStatement(**(facts | changes))


def post(homes: Homes, **changes: object) -> dict[str, object]:
    octets = signed_statement(statement(homes, **changes), homes.world.keys)
    return dict(post_statement(octets, to="http://127.0.0.1:8079", transport=_Within(homes)))


def visit(homes: Homes) -> None:
    homes.world.estate.visit("Home 1", homes.now, image=write_image(plain_image(KIND, LOCAL)), device=DEVICE[KIND])
    homes.run(2 * HOUR)


def test_a_statement_before_the_report_waits_for_it(homes: Homes) -> None:  # R26
    assert post(homes)["explained"] is False
    visit(homes)
    assert (homes.device(KIND).version, homes.device(KIND).version_origin) == (LOCAL, "reported, attested")
    assert homes.mismatches(SUPPLIER_1) == []
    assert homes.sound()


def test_a_statement_after_the_report_explains_it_at_once(homes: Homes) -> None:
    done_at = homes.now
    visit(homes)
    assert homes.device(KIND).version_origin == "reported, unexplained"
    assert len(homes.mismatches(SUPPLIER_1)) == 1
    assert post(homes)["explained"] is False  # done just now, it says, which is not what the device reported
    assert post(homes, done_at=done_at)["explained"] is True
    assert homes.device(KIND).version_origin == "reported, attested"


def test_a_refusal_says_why_and_what_to_do(homes: Homes) -> None:
    with pytest.raises(StatementNotTaken) as caught:
        post(homes, device=STRANGER)
    assert "not in the inventory" in str(caught.value)
    assert "check the EUI" in str(caught.value)


def test_the_hash_is_that_of_the_manufacturer_image(homes: Homes) -> None:
    plain = plain_image(DeviceType.ESME, LOCAL)
    signed = homes.image(DeviceType.ESME, LOCAL)
    assert hash_of(write_image(plain)) == hash_of(write_image(signed), signed=True) == plain.manufacturer_hash


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(200, json={"hello": 1}), GatewayRefused),
        (httpx.Response(200, json=[]), GatewayRefused),
        (httpx.Response(502, text="<html>"), GatewayRefused),
    ],
)
def test_what_is_not_hanota_is_told_apart(homes: Homes, answer: httpx.Response, error: type[Exception]) -> None:
    octets = signed_statement(statement(homes), homes.world.keys)
    with pytest.raises(error):
        post_statement(octets, to="http://x", transport=httpx.MockTransport(lambda _: answer))
    with pytest.raises(GatewayUnreachable):
        post_statement(octets, to="http://127.0.0.1:1")
