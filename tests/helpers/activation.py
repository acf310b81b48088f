"""An 11.3 request and a gateway that answers it: with a pre-command, then with I99."""

from dataclasses import replace

import httpx

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant, parse_iso
from hanota.base.vocabulary.duis import ResponseCode
from hanota.wire import duis, gbcs

SUPPLIER = Eui64.parse("90-B3-D5-1F-30-01-00-00")
ESME = Eui64.parse("00-DB-12-34-56-78-90-A0")
REQUEST_ID = RequestId(SUPPLIER, ESME, 1001)
IMAGE_HASH = bytes(range(32))
AT = parse_iso("2026-01-15T09:00:00Z")


def activation(execution: Instant | None = None, **header: object) -> duis.ActivateFirmware:
    """The request."""
    facts = {
        "request_id": REQUEST_ID,
        "command_variant": 4,
        "service_reference": "11.3",
        "service_reference_variant": "11.3",
    }
    return duis.ActivateFirmware(
        header=duis.RequestHeader(**(facts | header)), execution=execution, firmware_hash=IMAGE_HASH
    )


def pre_command(**changes: object) -> bytes:
    """What the DCC makes of it; `changes` to what it says."""
    facts = {
        "supplier": SUPPLIER,
        "device": ESME,
        "counter": REQUEST_ID.counter,
        "manufacturer_hash": IMAGE_HASH,
        "execution": None,
    }
    return gbcs.activate_pre_command(**(facts | changes))


def answered(code: str, content: duis.Content | None = None) -> duis.Response:
    """The DCC's answer."""
    body = duis.ResponseMessage(service_reference="11.3", service_reference_variant="11.3", content=content)
    return duis.Response(request_id=REQUEST_ID, code=ResponseCode(code), at=AT, body=body)


def transformed(octets: bytes) -> duis.Response:
    """The answer that holds a pre-command."""
    return answered("I0", duis.PreCommand(gbcs_version="4.3", octets=octets))


class Gateway:
    """Answers serviceT with a pre-command and serviceS with I99; keeps what it was sent."""

    def __init__(self, octets: bytes, acknowledgement: str = "I99") -> None:
        self.pre_command, self.acknowledgement = octets, acknowledgement
        self.seen: list[tuple[str, duis.Request]] = []

    def __call__(self, asked: httpx.Request) -> httpx.Response:
        if asked.method == "GET":
            return httpx.Response(404)
        service = asked.url.path[-1]
        self.seen.append((service, duis.read_request(duis.parse_safely(asked.content))))
        answer = transformed(self.pre_command) if service == "T" else answered(self.acknowledgement)
        octets = duis.write_response(replace(answer))
        return httpx.Response(200, content=octets, headers={"content-type": "application/xml"})
