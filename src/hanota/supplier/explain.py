"""What a gateway's answer means, and what happens next.

DUIS tells a code and up to five lists. A hanota gateway tells the reason for each as well, over REST, to whoever asks
as the sender; where that can't be had (another gateway), the possible reasons stand for the real one.
"""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, Final

import httpx

from hanota.base.errors import HanotaError
from hanota.base.vocabulary.duis import DeviceList, ResponseCode
from hanota.supplier.errors import AnswerUnreadable
from hanota.supplier.meanings import list_meanings, meanings, remedy
from hanota.supplier.send import TIMEOUT_S, Prepared, service_url
from hanota.wire.duis import (
    Content,
    FirmwareWarning,
    GbcsPayload,
    Inventory,
    InventoryDevice,
    LocalCommand,
    PreCommand,
    PropertyFilter,
    Response,
    ResponseMessage,
    parse_safely,
    read_response,
    split_devices,
)

_NON_DEVICE: Final = 8
_HOLDS_GBCS: Final = (PreCommand, LocalCommand, GbcsPayload)

_NEXT_REFUSED: Final = "nothing was sent to any device; correct the request and send it under a new counter"
_NEXT_NOTHING: Final = "nothing more follows"
_NEXT_FOLLOWS: Final = "the outcome follows in a message of its own to your callback address, under this RequestID"
_NEXT_BY_SERVICE: Final = {
    "11.1": "each meter gets the image in its own time; alerts (N60 or N61, the meter's 8F72) come to your callback "
    "address, and 11.3 activates it",
    "11.4": "each device is updated in its own time; alerts (N60 or N61, N62, N39) come to your callback address, "
    "and the last of them says what the device runs",
}
_NEXT_BY_CONTENT: Final[Mapping[type[Content], str]] = {
    PreCommand: "check the pre-command against your request, sign it, and send it under the same RequestID as command "
    "variant 5",
    LocalCommand: "bring the GBCS command to the device, and hand in what it answers by 8.13",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Devices that the request won't reach, for one reason."""

    device_list: str
    why: str
    remedy: str | None
    devices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """An answer in plain words. `inventory`: each device's facts, by name; `gbcs`: the GBCS message in it, in hex."""

    request_id: str
    response_code: str
    accepted: bool
    meaning: str
    remedy: str | None
    left_out: tuple[LeftOut, ...]
    next: str
    console_url: str | None
    inventory: tuple[Mapping[str, str], ...] = ()
    gbcs: str | None = None


def read_answer(octets: bytes, prepared: Prepared, to: str) -> Response:
    """Read the gateway's answer. Raises AnswerUnreadable, whatever is wrong with it."""
    try:
        return read_response(parse_safely(octets))
    except HanotaError as cause:
        raise AnswerUnreadable(url=service_url(to, prepared.service), reason=cause.explain()) from cause


def ask_desk(
    prepared: Prepared, to: str, tls: ssl.SSLContext | None = None, transport: httpx.BaseTransport | None = None
) -> Mapping[str, Any] | None:
    """Ask a hanota gateway's REST for the reasons, as the sender. None where there is nobody to ask."""
    url = f"{to.rstrip('/')}/api/rest/v1/requests/{prepared.request_id}"
    asked = {"as": str(prepared.request_id.originator), "command_variant": str(prepared.header.command_variant)}
    try:
        with httpx.Client(timeout=TIMEOUT_S, transport=transport, verify=tls or True) as client:
            answer = client.get(url, params=asked)
            detail = answer.json() if answer.is_success else None
    except (httpx.HTTPError, ValueError):
        return None
    return detail if isinstance(detail, dict) else None


def explain(
    prepared: Prepared, answer: Response, *, detail: Mapping[str, Any] | None = None, to: str | None = None
) -> Explanation:
    """Say what `answer` means; `detail` is what the desk knows about it beyond DUIS."""
    known = detail if detail and detail.get("response_code") == answer.code.value else {}
    accepted = answer.code.accepted
    possible = meanings(answer.code, prepared.header.service_reference)
    content = answer.body.content if isinstance(answer.body, ResponseMessage) else None
    return Explanation(
        request_id=str(prepared.request_id),
        response_code=answer.code.value,
        accepted=accepted,
        meaning=str(known.get("text") or " or ".join(possible)),
        remedy=known.get("remedy") or remedy(answer.code, prepared.header.service_reference),
        left_out=_by_reason(known.get("refused", ())) or _by_list(answer),
        next=_next(prepared, answer, content),
        console_url=_console_url(prepared, to) if to and known else None,
        inventory=tuple(_facts(device) for device in content.devices) if isinstance(content, Inventory) else (),
        gbcs=content.octets.hex() if isinstance(content, _HOLDS_GBCS) else None,
    )


def _next(prepared: Prepared, answer: Response, content: Content | None) -> str:
    if not answer.code.accepted:
        return _NEXT_REFUSED
    if answer.code is ResponseCode.I99:
        return _NEXT_FOLLOWS
    by_service = _NEXT_BY_SERVICE.get(prepared.header.service_reference, _NEXT_NOTHING)
    return by_service if content is None else _NEXT_BY_CONTENT.get(type(content), by_service)


def _console_url(prepared: Prepared, to: str) -> str:
    variant = prepared.header.command_variant
    return f"{to.rstrip('/')}/requests/{prepared.request_id}" + (f"?cv={variant}" if variant != _NON_DEVICE else "")


def _facts(device: InventoryDevice) -> Mapping[str, str]:
    values = ((field.name, getattr(device, field.name)) for field in fields(device))
    return {name: _text(value) for name, value in values if value is not None}


def _text(value: object) -> str:
    if isinstance(value, PropertyFilter):
        return f"{value.post_code} {value.address_identifier}"
    return str(value.value) if isinstance(value, Enum) else str(value)


def _by_reason(refused: Sequence[Mapping[str, Any]]) -> tuple[LeftOut, ...]:
    return tuple(
        LeftOut(device_list=row["device_list"], why=row["text"], remedy=row["remedy"], devices=tuple(row["devices"]))
        for row in refused
    )


def _by_list(answer: Response) -> tuple[LeftOut, ...]:
    """Without the desk only the lists are known: each is told with every reason that it can stand for."""
    body = answer.body
    if not isinstance(body, ResponseMessage) or not isinstance(body.content, FirmwareWarning):
        return ()
    return tuple(
        LeftOut(
            device_list=name.value,
            why=" or ".join(list_meanings(DeviceList(name))),
            remedy=None,
            devices=tuple(str(device) for device in split_devices(devices)),
        )
        for name, devices in body.content.lists.items()
    )
