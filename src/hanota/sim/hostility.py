"""What a hostile device says to its hub, to others of its home and, through the hub, to the DCC. It holds its own keys
and nobody else's, and stands in the device log.

Each attack is drawn from a number, so that it can be repeated.
"""

from random import Random
from typing import Final

from hanota.base.eui import Eui64
from hanota.edge.estate.description import PremisesDescription
from hanota.sim.town import Town
from hanota.wire.zcl import (
    OTA_CLUSTER,
    TUNNELING_CLUSTER,
    Command,
    ImageBlockRequest,
    ImageBlockResponse,
    ImageNotify,
    ImagePageRequest,
    OtaStatus,
    QueryNextImageRequest,
    QueryNextImageResponse,
    Side,
    TransferData,
    UpgradeEndRequest,
    UpgradeEndResponse,
    write_command,
)

_FRAMES_MAX: Final = 12
_U32: Final = 0xFFFF_FFFF


def attack(town: Town, device: Eui64, home_name: str, number: int) -> bool:
    """Let a device of a home send a burst of frames that it should not."""
    home = next(home for home in town.world.description.premises if home.name == home_name)
    rng = Random(number)  # noqa: S311 - a simulation, not a secret
    described = next(found for found in home.devices if found.eui == device)
    image = (described.manufacturer, described.image_type, 0x0001_0000 + rng.choice((0, 0x100, 0x200, 0x300)))
    for _ in range(rng.randint(1, _FRAMES_MAX)):
        to = rng.choice((home.hub.chf, home.hub.chf, _neighbour(rng, home)))
        cluster, octets = _frame(rng, image, to == home.hub.chf, town, device)
        town.world.estate.inject(device, to, cluster, octets, town.now)
    return True


def _neighbour(rng: Random, home: PremisesDescription) -> Eui64:
    return rng.choice(home.devices).eui


def _frame(rng: Random, image: tuple[int, int, int], to_hub: bool, town: Town, device: Eui64) -> tuple[int, bytes]:
    what = rng.random()
    if what < 0.15:
        return rng.choice((OTA_CLUSTER, TUNNELING_CLUSTER, 0x0703)), rng.randbytes(rng.randint(0, 60))
    if what < 0.3:
        data = rng.choice((rng.randbytes(rng.randint(1, 80)), *town.record.gbcs_seen))
        return TUNNELING_CLUSTER, write_command(rng.randrange(256), TransferData(0, data), Side.CLIENT)
    command = _to_hub(rng, image) if to_hub else _as_hub(rng, image)
    if isinstance(command, QueryNextImageRequest):
        town.record.claimed[device].add(command.file_version)
    return OTA_CLUSTER, write_command(rng.randrange(256), command)


def _to_hub(rng: Random, image: tuple[int, int, int]) -> Command:
    """Lies about downloads that are not, and questions that make no sense."""
    offset = rng.choice((0, 1, rng.randrange(1 << 16), _U32))
    return rng.choice(
        (
            UpgradeEndRequest(OtaStatus.SUCCESS, *image),
            UpgradeEndRequest(OtaStatus.INVALID_IMAGE, *image),
            UpgradeEndRequest(OtaStatus.REQUIRE_MORE_IMAGE, *image),
            UpgradeEndRequest(OtaStatus.ABORT, 0xFFFF, 0xFFFF, _U32),
            QueryNextImageRequest(image[0], image[1], rng.randrange(_U32), rng.randrange(0xFFFF)),
            ImageBlockRequest(*image, offset, rng.randrange(256)),
            ImagePageRequest(*image, offset, rng.randrange(256), rng.randrange(0xFFFF), rng.randrange(500)),
        )
    )


def _as_hub(rng: Random, image: tuple[int, int, int]) -> Command:
    """What only a server says, from a device that is none."""
    return rng.choice(
        (
            ImageNotify(100, *image),
            QueryNextImageResponse(OtaStatus.SUCCESS, *image, 5000),
            ImageBlockResponse(OtaStatus.SUCCESS, *image, rng.randrange(2000), rng.randbytes(50)),
            ImageBlockResponse(OtaStatus.ABORT),
            UpgradeEndResponse(*image, current_time=0, upgrade_time=0),
        )
    )
