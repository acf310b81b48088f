"""What the operator looks after, as resources: commands, quarantine, dead letters. Each act is one POST."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Path, status
from pydantic import BaseModel, ConfigDict, Field

from hanota.app.desk.views import CommandView, DeadLetterView, QuarantineView, Replayed
from hanota.faces.api.caller import Acting, Asking
from hanota.faces.api.limits import Limit
from hanota.faces.ports import OperatingPort

REPLAYED_MAX: Final = 1000
_Number = Annotated[int, Path(ge=1, description="The request's number in the list")]
_DONE: Final = status.HTTP_204_NO_CONTENT


class Messages(BaseModel):
    """Which messages to try anew."""

    model_config = ConfigDict(extra="forbid")

    messages: list[Annotated[int, Field(ge=1)]] = Field(min_length=1, max_length=REPLAYED_MAX)


def operating(desk: OperatingPort) -> APIRouter:
    """Give the routes of what the operator looks after, over `desk`."""
    router = APIRouter()

    @router.get("/commands", tags=["operating"], summary="GBCS commands to devices, newest first")
    def commands(caller: Asking, limit: Limit = 100) -> Sequence[CommandView]:
        return desk.commands(caller, limit=limit)

    @router.get("/quarantine", tags=["operating"], summary="Requests beyond an anomaly limit, newest first")
    def quarantine(caller: Asking, limit: Limit = 100) -> Sequence[QuarantineView]:
        return desk.quarantined(caller, limit=limit)

    @router.post("/quarantine/{number}/release", tags=["operating"], summary="Let it go on", status_code=_DONE)
    def release(caller: Acting, number: _Number) -> None:
        desk.release(caller, number)

    @router.post("/quarantine/{number}/drop", tags=["operating"], summary="Refuse it", status_code=_DONE)
    def drop(caller: Acting, number: _Number) -> None:
        desk.drop(caller, number)

    @router.get("/dead-letters", tags=["operating"], summary="Messages that nobody took, the latest first")
    def dead_letters(caller: Asking, limit: Limit = 100) -> Sequence[DeadLetterView]:
        return desk.dead_letters(caller, limit=limit)

    @router.post("/dead-letters/replay", tags=["operating"], summary="Try messages anew")
    def replay(caller: Acting, asked: Messages) -> Replayed:
        return desk.replay(caller, asked.messages)

    return router
