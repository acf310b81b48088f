"""POST a DUIS document to one of three paths, get a DUIS Response; refusals are answers too, with HTTP 200.

Only HTTP is judged here; what a request means is the desk's business. Source: domain 3.1.
"""

from enum import StrEnum
from typing import Final

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from hanota.base.limits import REQUEST_OCTETS_MAX
from hanota.faces.body import XML, read_body
from hanota.faces.ports import DeskPort
from hanota.faces.problems import Problem


class Service(StrEnum):
    """The web services, by the last letter of their paths."""

    NON_DEVICE = "D"
    SEND_COMMAND = "S"
    TRANSFORM = "T"


_NAMES: Final = {
    Service.NON_DEVICE: "Non-Device Service: command variants 2, 6 and 8",
    Service.SEND_COMMAND: "Send Command Service: command variants 1, 3, 5 and 7",
    Service.TRANSFORM: "Transform Service: command variant 4",
}
_BODY: Final = {"requestBody": {"required": True, "content": {XML: {"schema": {"type": "string"}}}}}
_ANSWERS: Final[dict[int | str, dict[str, object]]] = {
    200: {"description": "A DUIS Response: accepted or refused", "content": {XML: {}}},
    413: {"description": "The body is too large", "model": Problem},
    415: {"description": "The body is not XML", "model": Problem},
}

log = structlog.get_logger("hanota.faces.gateway")


def gateway(desk: DeskPort) -> APIRouter:
    """Give the routes `/api/v1/serviceD`, `serviceS` and `serviceT` over `desk`."""
    router = APIRouter(prefix="/api/v1", tags=["DUIS"])
    for service in Service:
        _add(router, desk, service)
    return router


def _add(router: APIRouter, desk: DeskPort, service: Service) -> None:
    @router.post(
        f"/service{service.value}",
        summary=_NAMES[service],
        response_class=Response,
        responses=_ANSWERS,
        openapi_extra=_BODY,
        operation_id=f"service{service.value}",
    )
    async def post(request: Request) -> Response:
        octets = await read_body(request, REQUEST_OCTETS_MAX)
        answer = await run_in_threadpool(desk.submit, octets, service)
        log.info("answered", service=service.value, octets=len(octets), code=str(answer.code))
        return Response(answer.octets, media_type=XML)
