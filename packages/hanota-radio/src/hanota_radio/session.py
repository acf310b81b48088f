"""What the command does with a started radio: serve one image, or stand there as a device."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import zigpy.types as t

from hanota.app.clock import wall_clock
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.limits import IMAGE_OCTETS_MAX_BUSINESS
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.devices import DeviceIdentity, HanDevice
from hanota.edge.effects import Note
from hanota.edge.estate import EstateFile
from hanota.model.policies import Policies
from hanota.model.profiles import PROFILES
from hanota.wire.otaimage import read_header
from hanota_radio.application import HanApplication
from hanota_radio.carrier import Air, RadioHan
from hanota_radio.frames import hanota_eui, zigpy_eui
from hanota_radio.standalone import (
    OneImage,
    Progress,
    Task,
    forget_order,
    make_hub,
    open_pki,
    order_numbers,
    order_of,
)

_MEMORY: Final = "nodes.sqlite"
JOIN_S_MAX: Final = 254  # Mgmt_Permit_Joining_req (ZigBee 2.4.3.3.7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """For how long devices may join, and the link key of the one that is waited for, if it has one of its own."""

    seconds: int = 0
    device: Eui64 | None = None
    link_key: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What every run has: folder for what outlives it (None: nothing does), policies, clock, and who is told."""

    folder: Path | None = None
    policies: Policies = field(default_factory=Policies)
    air: Air = field(default_factory=Air)
    join: Join = field(default_factory=Join)
    clock: Callable[[], Instant] = wall_clock
    observe: Callable[[Note], None] | None = None
    wait_s: float | None = None

    def memory(self) -> EstateFile:
        """Open what nodes remember."""
        if self.folder is None:
            return EstateFile()
        self.folder.mkdir(parents=True, exist_ok=True)
        return EstateFile(self.folder / _MEMORY)


async def let_join(app: HanApplication, join: Join) -> None:
    """Let devices join for a while."""
    if join.seconds <= 0:
        return
    seconds = min(join.seconds, JOIN_S_MAX)
    if join.device is not None and join.link_key is not None:
        key = t.KeyData(join.link_key)
        await app.permit_with_link_key(zigpy_eui(join.device), key, seconds)
    await app.permit(seconds)


async def serve(
    app: HanApplication,
    run: Run,
    *,
    device: Eui64,
    device_type: DeviceType,
    image: bytes,
    linger_s: float = 30.0,
    tell: Callable[[Progress], None] | None = None,
) -> Progress | None:
    """Serve one image to one device; give how it ended, None if it did not within the run's time.

    After a good end the hub stays for `linger_s`: the device may have missed the answer. What was stored lets a later
    run go on. Raises ImageMalformed, and what broke the run.
    """
    task = Task(hub=hanota_eui(app.state.node_info.ieee), device=device, device_type=device_type, image=image)
    read_header(image)
    with run.memory() as memory:
        now = run.clock()
        keys = open_pki(run.folder, task, secrets.SystemRandom(), now)
        numbers = order_numbers(run.folder, task, now)
        ended = asyncio.Event()

        def hear(progress: Progress) -> None:
            if progress.ended:
                ended.set()
            if tell is not None:
                tell(progress)

        head_end = OneImage(task, order_of(task, numbers.order, now), keys, hear)
        hub = make_hub(task, keys, run.policies, dict(memory.memory_of(task.hub)))
        async with RadioHan(
            app, hub, memory, air=run.air, clock=run.clock, send_wan=head_end.on_wan, observe=run.observe
        ) as han:

            def to_hub(octets: bytes) -> None:
                asyncio.get_running_loop().call_soon(han.from_wan, octets)

            head_end.to_hub = to_hub
            head_end.begin(numbers.superseded)
            await let_join(app, run.join)
            await _first(han, ended, run.wait_s)
            if head_end.ended is not None:
                forget_order(run.folder)
                await _first(han, asyncio.Event(), linger_s if head_end.ended.well else 0.1)
        return head_end.ended


async def stand(app: HanApplication, run: Run, *, hub: Eui64, firmware: bytes) -> int | None:
    """Stand as an IHD that runs `firmware` and takes what `hub` offers; give the version once a new one is activated.

    None: nothing was, within the run's time. Raises ImageMalformed, and what broke the run.
    """
    header = read_header(firmware)
    identity = DeviceIdentity(
        address=hanota_eui(app.state.node_info.ieee),
        hub=hub,
        profile=PROFILES[DeviceType.IHD],
        manufacturer=header.manufacturer,
        image_type=header.image_type,
        hardware_version=header.hardware_min or 0,
        factory_image=firmware,
        capacity_octets=IMAGE_OCTETS_MAX_BUSINESS,
    )
    activated: list[int] = []
    done = asyncio.Event()

    def hear(note: Note) -> None:
        if note.kind == "activated":
            activated.append(int(str(note.facts["version"])))
            done.set()
        if run.observe is not None:
            run.observe(note)

    with run.memory() as memory:
        device = HanDevice(identity, run.policies, dict(memory.memory_of(identity.address)))
        async with RadioHan(app, device, memory, air=run.air, clock=run.clock, observe=hear) as han:
            await let_join(app, run.join)
            await _first(han, done, run.wait_s)
    return activated[-1] if activated else None


async def _first(han: RadioHan, event: asyncio.Event, seconds: float | None) -> None:
    """Wait for the event, so long at most. Raises what broke the run."""
    waiting: asyncio.Future[object] = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({waiting, han.failed}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    if han.failed.done():
        han.failed.result()
