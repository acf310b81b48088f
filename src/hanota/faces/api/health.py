"""Whether the process lives, and whether it can serve."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from hanota.base.errors import HanotaError
from hanota.faces.ports import DeskPort
from hanota.faces.problems import NotReady, Problem
from hanota.model.access import Caller


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """The records can be read; `now` is the service's clock."""

    status: Literal["ready"] = "ready"
    now: str


def health(desk: DeskPort) -> APIRouter:
    """Give `/healthz` (alive) and `/readyz` (able to read its records)."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="Alive?")
    async def healthz() -> Alive:
        return Alive()

    @router.get("/readyz", summary="Ready to serve?", responses={503: {"model": Problem}})
    def readyz() -> Ready:
        try:
            return Ready(now=desk.overview(Caller()).now)
        except HanotaError as cause:
            raise NotReady(reason=cause.explain()) from cause

    return router
