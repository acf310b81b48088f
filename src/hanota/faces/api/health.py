"""Whether the process lives, and whether it can serve."""

from collections.abc import Callable
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from hanota.base.errors import HanotaError, require
from hanota.faces.problems import NotReady, Problem


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """The records can be read; `now` is the service's clock."""

    status: Literal["ready"] = "ready"
    now: str


def health(look: Callable[[], str], at_work: Callable[[], bool]) -> APIRouter:
    """Give `/healthz` (the process answers) and `/readyz` (records can be read, and work goes on behind them).

    `look` reads records and gives the service's clock as text.
    """
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="Alive?")
    async def healthz() -> Alive:
        return Alive()

    @router.get("/readyz", summary="Ready to serve?", responses={503: {"model": Problem}})
    def readyz() -> Ready:
        require(at_work(), NotReady, reason="what moves deliveries has stopped")
        try:
            return Ready(now=look())
        except HanotaError as cause:
            raise NotReady(reason=f"the records can't be read: {cause.explain()}") from cause

    return router
