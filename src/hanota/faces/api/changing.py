"""Changes of homes, each one POST: Supplier, occupiers, a device, the hub."""

from typing import Annotated, Final

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from hanota.app.desk.views import HomeChange
from hanota.faces.api.caller import Acting
from hanota.faces.ports import ChangingPort

_EUI: Final = "00-DB-12-34-56-78-90-B4"
_Home = Annotated[str, Path(description="The home's name", examples=["Home 1"])]


class NewSupplier(BaseModel):
    """Who supplies from now on, or from an instant on."""

    model_config = ConfigDict(extra="forbid")

    party: str = Field(description="EUI-64 of the party", examples=["90-B3-D5-1F-30-03-00-00"])
    since: str | None = Field(None, description="xs:dateTime in UTC; left out: now", examples=["2026-02-01T00:00:00Z"])


class NewDevice(BaseModel):
    """What hangs in an old device's place; of the same model."""

    model_config = ConfigDict(extra="forbid")

    device: str = Field(description="EUI-64 of the new device", examples=[_EUI])
    version: str | None = Field(
        None, pattern="^[0-9A-Fa-f]{8}$", description="Its factory firmware, 8 hex digits; left out: as the old one's"
    )


class NewHub(BaseModel):
    """The two functions of a new Communications Hub."""

    model_config = ConfigDict(extra="forbid")

    chf: str = Field(description="EUI-64 of the Communications Hub Function", examples=[_EUI])
    gpf: str = Field(description="EUI-64 of the Gas Proxy Function", examples=[_EUI])


def changing(desk: ChangingPort) -> APIRouter:
    """Give the routes by which homes change, over `desk`."""
    router = APIRouter(tags=["changes"])

    @router.post("/meter-points/{mpxn}/supplier", summary="Another party supplies it")
    def supplier(caller: Acting, mpxn: Annotated[str, Path(description="MPxN")], asked: NewSupplier) -> HomeChange:
        return desk.change_supplier(caller, mpxn, asked.party, asked.since)

    @router.post("/homes/{home}/tenancy", summary="New occupiers move in: what was refused before ends")
    def tenancy(caller: Acting, home: _Home) -> HomeChange:
        return desk.change_tenancy(caller, home)

    @router.post("/devices/{device}/swap", summary="A new device takes its place")
    def device(caller: Acting, device: Annotated[str, Path(description="EUI-64")], asked: NewDevice) -> HomeChange:
        return desk.swap_device(caller, device, asked.device, asked.version)

    @router.post("/homes/{home}/hub", summary="A new hub takes the old one's place")
    def hub(caller: Acting, home: _Home, asked: NewHub) -> HomeChange:
        return desk.swap_hub(caller, home, asked.chf, asked.gpf)

    return router
