"""`hanota-radio`: a hub or a device of hanota on a ZigBee network behind a USB stick.

Exit codes: 0 done, 1 an error or a transfer that ended badly, 2 wrong usage.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Final

import typer
from zigpy.device import ZigbeeDevice
from zigpy.util import convert_install_code

from hanota.app.settings import read_policies
from hanota.base.errors import BadValue, HanotaError
from hanota.base.eui import Eui64
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.effects import Note
from hanota.faces.cli.logs import set_up_logs
from hanota.wire.zcl import Side
from hanota_radio.application import SMART_ENERGY
from hanota_radio.carrier import Air
from hanota_radio.frames import hanota_eui
from hanota_radio.radios import RADIOS, Stick, started
from hanota_radio.session import JOIN_S_MAX, Join, Run, let_join, serve, stand
from hanota_radio.standalone import Progress

_FOLDER: Final = Path("var/radio")
_QUIET_NOTES: Final = frozenset({"block"})

app = typer.Typer(help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False)

_Radio = Annotated[str, typer.Option("--radio", metavar="NAME", help=f"{', '.join(RADIOS)}, or package.module:Class.")]
_Device = Annotated[str, typer.Option("--device", metavar="FILE", help="The stick, e.g. /dev/ttyUSB0.")]
_Baudrate = Annotated[int, typer.Option(help="Of the stick's serial line.")]
_Channel = Annotated[int | None, typer.Option(min=11, max=26, help="For a network that has yet to be formed.")]
_Folder = Annotated[Path, typer.Option("--home", help="Keeps the network's devices, keys and what nodes remember.")]
_Join = Annotated[int, typer.Option("--join", min=0, max=JOIN_S_MAX, metavar="SECONDS", help="Let devices join.")]
_Code = Annotated[str | None, typer.Option("--install-code", metavar="HEX", help="Of the device that joins, with CRC.")]
_Profile = Annotated[str, typer.Option(metavar="HEX", help="0109 is Smart Energy, 0104 Home Automation.")]
_Endpoint = Annotated[int, typer.Option(min=1, max=240, help="Our own endpoint.")]
_Encrypt = Annotated[bool, typer.Option("--aps-encryption", help="Encrypt with the device's link key, too.")]
_Policy = Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A policy other than by default.")]
_Wait = Annotated[float | None, typer.Option("--wait", metavar="SECONDS", help="Give up after this long.")]


@app.command("serve")
def serve_image(
    *,
    image: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="GB firmware image, header first.")],
    to: Annotated[str, typer.Option("--to", metavar="EUI-64", help="The device.")],
    radio: _Radio,
    device: _Device,
    device_type: Annotated[DeviceType, typer.Option("--type", metavar="TYPE", help="What it is.")] = DeviceType.PPMID,
    home: _Folder = _FOLDER,
    baudrate: _Baudrate = 115_200,
    channel: _Channel = None,
    join: _Join = 0,
    install_code: _Code = None,
    profile: _Profile = f"{SMART_ENERGY:04x}",
    endpoint: _Endpoint = Air().endpoint,
    aps_encryption: _Encrypt = False,
    policy: _Policy = None,
    wait: _Wait = None,
    linger: Annotated[float, typer.Option(metavar="SECONDS", help="Stay after a good end.")] = 30.0,
) -> None:
    """Be the Communications Hub, and bring one image to one device.

    The order is signed by a test PKI that is made for it. Stopped in the middle, the same command goes on.
    """
    target, octets = _eui(to), image.read_bytes()
    air = _air(profile, endpoint, aps_encryption)
    run = Run(
        folder=home,
        policies=read_policies(policy or ()),
        air=air,
        join=_joining(join, target, install_code),
        observe=_note,
        wait_s=wait,
    )
    stick = _stick(radio, device, side=Side.SERVER, home=home, baudrate=baudrate, channel=channel)

    def tell(progress: Progress) -> None:
        typer.echo(f"{progress}: {progress.octets} of {len(octets)} octets")

    async def main() -> Progress | None:
        async with started(stick, air) as han:
            typer.echo(f"hub {hanota_eui(han.state.node_info.ieee)} serves {image.name} to {target}", err=True)
            return await serve(
                han, run, device=target, device_type=device_type, image=octets, linger_s=linger, tell=tell
            )

    ended = asyncio.run(main())
    if ended is None or not ended.well:
        raise typer.Exit(1)


@app.command("stand")
def stand_as_device(
    *,
    firmware: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The image that it runs at first.")],
    hub: Annotated[str, typer.Option("--hub", metavar="EUI-64", help="The OTA server that it believes.")],
    radio: _Radio,
    device: _Device,
    home: _Folder = _FOLDER,
    baudrate: _Baudrate = 115_200,
    channel: _Channel = None,
    join: _Join = JOIN_S_MAX,
    install_code: _Code = None,
    profile: _Profile = f"{SMART_ENERGY:04x}",
    endpoint: _Endpoint = Air().endpoint,
    aps_encryption: _Encrypt = False,
    policy: _Policy = None,
    wait: _Wait = None,
) -> None:
    """Be an in-home display, and take what a hub under test offers.

    The stick forms the network, as zigpy only knows that part; the hub joins it.
    """
    server, octets = _eui(hub), firmware.read_bytes()
    air = _air(profile, endpoint, aps_encryption)
    run = Run(
        folder=home,
        policies=read_policies(policy or ()),
        air=air,
        join=_joining(join, server, install_code),
        observe=_note,
        wait_s=wait,
    )
    stick = _stick(radio, device, side=Side.CLIENT, home=home, baudrate=baudrate, channel=channel)

    async def main() -> int | None:
        async with started(stick, air) as han:
            typer.echo(f"device {hanota_eui(han.state.node_info.ieee)} waits for {server}", err=True)
            return await stand(han, run, hub=server, firmware=octets)

    version = asyncio.run(main())
    if version is None:
        raise typer.Exit(1)
    typer.echo(f"runs {version:08X}")


@app.command()
def scan(
    *,
    radio: _Radio,
    device: _Device,
    home: _Folder = _FOLDER,
    baudrate: _Baudrate = 115_200,
    channel: _Channel = None,
    join: _Join = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """List the radio's own EUI-64 and the devices on its network; with --join, those that join meanwhile, too."""
    stick = _stick(radio, device, side=Side.SERVER, home=home, baudrate=baudrate, channel=channel)

    async def main() -> list[dict[str, object]]:
        async with started(stick) as han:
            await let_join(han, Join(seconds=join))
            await asyncio.sleep(join)
            own = han.state.node_info.ieee
            found = [each for each in han.devices.values() if isinstance(each, ZigbeeDevice)]
            return [_described(each, radio=each.ieee == own) for each in found]

    devices = asyncio.run(main())
    if as_json:
        typer.echo(json.dumps({"devices": devices}, indent=2))
        return
    for each in devices:
        words = (
            each["eui"],
            "radio" if each["radio"] else each["nwk"],
            each["manufacturer"] or "",
            each["model"] or "",
        )
        typer.echo("  ".join(str(word) for word in words).rstrip())


def _described(device: ZigbeeDevice, *, radio: bool) -> dict[str, object]:
    endpoints = [
        {
            "endpoint": endpoint.endpoint_id,
            "profile": None if endpoint.profile_id is None else f"{endpoint.profile_id:04X}",
            "servers": [f"{cluster:04X}" for cluster in endpoint.in_clusters],
            "clients": [f"{cluster:04X}" for cluster in endpoint.out_clusters],
        }
        for endpoint in device.non_zdo_endpoints
    ]
    return {
        "eui": str(hanota_eui(device.ieee)),
        "nwk": f"{device.nwk:04X}",
        "radio": radio,
        "manufacturer": device.manufacturer,
        "model": device.model,
        "endpoints": endpoints,
    }


def _stick(radio: str, device: str, *, side: Side, home: Path, baudrate: int, channel: int | None) -> Stick:
    home.mkdir(parents=True, exist_ok=True)
    database = home / "zigbee.sqlite"
    return Stick(radio=radio, device=device, side=side, baudrate=baudrate, database=database, channel=channel)


def _air(profile: str, endpoint: int, aps_encryption: bool) -> Air:
    try:
        number = int(profile, 16)
    except ValueError:
        raise BadValue(kind="profile", value=profile, expected="hex digits, e.g. 0109") from None
    return Air(profile=number, endpoint=endpoint, aps_encryption=aps_encryption)


def _joining(seconds: int, device: Eui64, install_code: str | None) -> Join:
    """Work out the link key of an install code (ZigBee 3.0 BDB 10.1)."""
    if install_code is None:
        return Join(seconds=seconds, device=device)
    try:
        key = convert_install_code(bytes.fromhex(install_code)).serialize()
    except ValueError as error:
        raise BadValue(kind="install code", value=install_code, expected=str(error)) from None
    return Join(seconds=seconds, device=device, link_key=key)


def _eui(text: str) -> Eui64:
    return Eui64.parse(text.replace(":", "-"))


def _note(note: Note) -> None:
    if note.kind not in _QUIET_NOTES:
        typer.echo(f"  {note.kind}: " + ", ".join(f"{key} {value}" for key, value in note.facts.items()), err=True)


def main() -> None:
    """Run the command line with the process's arguments."""
    set_up_logs(verbose=False)
    try:
        app()
    except HanotaError as error:
        typer.secho(str(error), fg=typer.colors.RED, err=True)
        sys.exit(1)
