"""The resources, each one call of the desk."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict

from hanota.app.desk.views import (
    AlertView,
    DeliveryDetail,
    DeliveryView,
    DeviceView,
    HomeView,
    Overview,
    RequestDetail,
    RequestView,
)
from hanota.faces.api.caller import Asking
from hanota.faces.api.changing import changing
from hanota.faces.api.limits import Limit
from hanota.faces.api.operating import operating
from hanota.faces.api.screens import screens
from hanota.faces.api.statements import statements
from hanota.faces.ports import DeskPort
from hanota.faces.problems import NoSuchPath, Problem

PREFIX: Final = "/api/rest/v1"
_ERRORS: Final[dict[int | str, dict[str, object]]] = {
    "4XX": {"model": Problem, "description": "400: can't be understood · 403: not yours · 404: not there"},
    500: {"model": Problem, "description": "A fault of ours"},
}


class ReasonModel(BaseModel):
    """One way to be refused, and what to do about it."""

    model_config = ConfigDict(from_attributes=True)

    reason: str
    told_by: str
    text: str
    remedy: str


def rest(desk: DeskPort) -> APIRouter:
    """Give all routes under /api/rest/v1 over `desk`."""
    router = APIRouter(prefix=PREFIX, responses=_ERRORS)
    _requests(router, desk)
    _deliveries(router, desk)
    _premises(router, desk)
    _alerts(router, desk)
    router.include_router(operating(desk))
    router.include_router(screens(desk))
    router.include_router(changing(desk))
    router.include_router(statements(desk))

    @router.get("/{rest:path}", include_in_schema=False)
    def nothing(request: Request) -> None:
        raise NoSuchPath(path=request.url.path)

    return router


def _requests(router: APIRouter, desk: DeskPort) -> None:
    @router.get("/overview", tags=["overview"], summary="The four numbers that matter, and what needs attention")
    def overview(caller: Asking) -> Overview:
        return desk.overview(caller)

    @router.get("/requests", tags=["requests"], summary="Service Requests, newest first")
    def requests(
        caller: Asking,
        limit: Limit = 50,
        before: Annotated[str | None, Query(description="Go on after this RequestID, towards older ones")] = None,
    ) -> Sequence[RequestView]:
        return desk.requests(caller, limit=limit, before=before)

    @router.get("/requests/{request_id}", tags=["requests"], summary="One request, its refusals and the answer sent")
    def request(
        caller: Asking,
        request_id: Annotated[str, Path(description="originator:target:counter")],
        command_variant: Annotated[int, Query(ge=1, le=9)] = 8,
    ) -> RequestDetail:
        return desk.request(caller, request_id, command_variant)


def _deliveries(router: APIRouter, desk: DeskPort) -> None:
    @router.get("/deliveries", tags=["deliveries"], summary="One image to one device each, by rising number")
    def deliveries(
        caller: Asking,
        *,
        request_id: Annotated[str | None, Query(description="Only those of this request")] = None,
        state: Annotated[str | None, Query(description="Only those in this state, e.g. TRANSFERRING")] = None,
        device: Annotated[str | None, Query(description="Only those to this device (EUI-64)")] = None,
        limit: Limit = 100,
        after: Annotated[int, Query(ge=0, description="Go on after this number")] = 0,
    ) -> Sequence[DeliveryView]:
        return desk.deliveries(caller, request_id=request_id, state=state, device=device, limit=limit, after=after)

    @router.get("/deliveries/{delivery}", tags=["deliveries"], summary="One delivery, its story and its alerts")
    def delivery(caller: Asking, delivery: Annotated[int, Path(ge=1)]) -> DeliveryDetail:
        return desk.delivery(caller, delivery)


def _premises(router: APIRouter, desk: DeskPort) -> None:
    @router.get("/devices", tags=["premises"], summary="Devices of the inventory, by EUI-64")
    def devices(
        caller: Asking,
        limit: Limit = 100,
        after: Annotated[str | None, Query(description="Go on after this device (EUI-64)")] = None,
    ) -> Sequence[DeviceView]:
        return desk.devices(caller, limit=limit, after=after)

    @router.get("/devices/{eui}", tags=["premises"], summary="One device")
    def device(caller: Asking, eui: Annotated[str, Path(description="EUI-64")]) -> DeviceView:
        return desk.device(caller, eui)

    @router.get("/homes", tags=["premises"], summary="Homes with their devices")
    def homes(caller: Asking) -> Sequence[HomeView]:
        return desk.homes(caller)

    @router.get("/homes/{name}", tags=["premises"], summary="One home with its devices")
    def home(caller: Asking, name: str) -> HomeView:
        return desk.home(caller, name)


def _alerts(router: APIRouter, desk: DeskPort) -> None:
    @router.get("/alerts", tags=["alerts"], summary="Alerts to parties, newest first")
    def alerts(
        caller: Asking,
        party: Annotated[str | None, Query(description="Only those to this party (EUI-64)")] = None,
        limit: Limit = 100,
    ) -> Sequence[AlertView]:
        return desk.alerts(caller, party=party, limit=limit)

    @router.get("/reasons", tags=["alerts"], summary="Every way to be refused, and its remedy")
    def reasons() -> list[ReasonModel]:
        return [ReasonModel.model_validate(row) for row in desk.reasons()]
