"""Suppliers' signed statements about local upgrades, as they come in: one POST of XML (R26)."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from hanota.app.desk.views import Attested
from hanota.faces.body import XML, read_body
from hanota.faces.ports import DeskPort

_OCTETS_MAX: Final = 64 * 1024
_BODY: Final = {"requestBody": {"required": True, "content": {XML: {"schema": {"type": "string"}}}}}


def statements(desk: DeskPort) -> APIRouter:
    """Give the route of statements, over `desk`. Who posts one does not matter: its signature says who states it."""
    router = APIRouter()

    @router.post(
        "/statements",
        tags=["statements"],
        summary="State that a device was upgraded locally",
        description="A LocalUpgradeStatement, signed like a Service Request; refused where local upgrades are banned",
        openapi_extra=_BODY,
    )
    async def state(request: Request) -> Attested:
        octets = await read_body(request, _OCTETS_MAX)
        return await run_in_threadpool(desk.attest, octets)

    return router
