"""`hanota demo`: one delivery, from a signed request to a confirmed version, drawn as it happens."""

from pathlib import Path
from typing import Annotated

import typer

from hanota.faces.cli.options import AsJson, examples, octets

EXAMPLES = examples(
    "hanota demo",
    "hanota demo --loss 0.2 --reboot hub@40% --reboot ppmid@60%",
    "hanota demo --request 11.4_REQUEST.XML --json",
    "hanota demo --save-request request.xml",
    "hanota demo --image-size 4kB --pcap home.pcapng",
)


def demo(
    *,
    request: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, metavar="FILE.xml", help="A DUIS 11.4 request instead of our own."),
    ] = None,
    image_size: Annotated[str, typer.Option(metavar="SIZE", help="Size of our own image, e.g. 256kB.")] = "64kB",
    loss: Annotated[float, typer.Option(min=0.0, max=0.9, help="Share of frames lost on the home network.")] = 0.02,
    speed: Annotated[
        float | None, typer.Option(min=0.001, help="Virtual seconds in a real one; left out: as fast as it goes.")
    ] = None,
    reboot: Annotated[
        list[str] | None,
        typer.Option(metavar="NODE@PERCENT", help="Cut hub's or ppmid's power there, e.g. hub@40%. Repeatable."),
    ] = None,
    home: Annotated[
        Path | None, typer.Option(file_okay=False, metavar="DIR", help="Keep store and homes there; left out: nowhere.")
    ] = None,
    save_request: Annotated[
        Path | None,
        typer.Option(dir_okay=False, metavar="FILE.xml", help="Also write the request, e.g. for hanota send."),
    ] = None,
    pcap: Annotated[
        typer.FileBinaryWrite | None,
        typer.Option(metavar="FILE", help="Also write the home network's frames, for Wireshark.", lazy=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Follow one signed request until a display in an emulated home runs and reports its new firmware.

    Exit code 0: the new version is confirmed. 1: it is not.
    """
    from hanota.app.demo import DemoOptions, Reboot, request_document, run_demo
    from hanota.faces.cli import demo_view

    options = DemoOptions(
        request=request.read_bytes() if request else None,
        image_octets=octets(image_size),
        loss=loss,
        speed=speed,
        reboots=tuple(Reboot.parse(text) for text in reboot or ()),
        folder=home,
        pcap=pcap,
    )
    if save_request is not None:
        save_request.write_bytes(request_document(options))
    view = demo_view.Silent() if as_json else demo_view.Drawn()
    with view:
        result = run_demo(options, view)
    view.finish(result)
    if result["outcome"] != "CONFIRMED":
        raise typer.Exit(1)
