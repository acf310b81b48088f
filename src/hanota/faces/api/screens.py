"""What consumers see on the displays of their homes, and the buttons they press (R27, R39)."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, status
from pydantic import BaseModel, ConfigDict

from hanota.app.desk.views import ScreenView
from hanota.faces.api.caller import Acting, Asking
from hanota.faces.ports import DeskPort

_DONE: Final = status.HTTP_204_NO_CONTENT
_Home = Annotated[str, Path(description="Name of the home, or its hub's EUI-64")]


class Press(BaseModel):
    """Which button."""

    model_config = ConfigDict(extra="forbid")

    button: Literal["YES", "LATER", "NO"]


def screens(desk: DeskPort) -> APIRouter:
    """Give the routes of consumers' screens, over `desk`."""
    router = APIRouter()

    @router.get("/homes/{home}/screens", tags=["premises"], summary="What the displays of a home show its consumer")
    def shown(caller: Asking, home: _Home) -> Sequence[ScreenView]:
        return desk.screens(caller, home)

    @router.post("/homes/{home}/devices/{eui}/press", tags=["premises"], summary="Press a button", status_code=_DONE)
    def press(caller: Acting, home: _Home, eui: Annotated[str, Path(description="EUI-64")], pressed: Press) -> None:
        desk.press(caller, home, eui, pressed.button)

    return router
