"""An image of 1.8 MB, more than twice what one request may carry, to an IHD while air, network and power fail (R7)."""

from dataclasses import replace
from random import Random

from hanota.base.instant import HOUR, MINUTE
from hanota.base.vocabulary.devices import DeviceType
from hanota.base.vocabulary.duis import ResponseCode
from hanota.edge.devices import HanDevice
from hanota.edge.estate import EstateDescription
from hanota.model.policies import ImagePolicy
from hanota.records.store import schema as t
from hanota.wire import duis
from hanota.wire.otaimage import write_image
from hanota.wire.otaimage.segments import split
from helpers.homes import DEVICE, Homes, certified, plain_image, sender_for
from helpers.premises import CHF, NEW
from helpers.world import IHD, description

WHOLE = plain_image(DeviceType.IHD, octets=1_800_000)


def roomy() -> EstateDescription:
    """The built-in homes with an IHD that has room for the image, which is on the list."""
    base = description()
    homes = tuple(
        replace(
            home,
            devices=tuple(
                replace(device, capacity_octets=2_000_000) if device.eui == IHD else device for device in home.devices
            ),
        )
        for home in base.premises
    )
    return replace(base, premises=homes, products=(*base.products, certified(WHOLE)))


def test_an_ihd_gets_one_version_out_of_three_requests_under_faults() -> None:
    homes = Homes(estate=roomy(), versions=(), loss=0.05)
    segments = [write_image(part) for part in split(WHOLE, ImagePolicy().max_octets)]
    assert len(segments) == 3
    for segment in segments:
        request = duis.FirmwareRequest(
            header=homes.header("11.4", 8, sender_for(DeviceType.IHD)),
            image=segment,
            firmware_version=f"{NEW:08X}",
            device_list=str(DEVICE[DeviceType.IHD]),
        )
        assert homes.ask(request).code is ResponseCode.I0
    rng = Random(18)
    while homes.states() != ["CONFIRMED"]:
        homes.run(10 * MINUTE)
        homes.world.estate.reboot(rng.choice((CHF, IHD)), homes.now, rng.randrange(60_000))
        assert len(homes.noted("power_cut")) < 100, homes.states()
    homes.run(HOUR)  # whoever was without power last is back
    (delivery,) = homes.rows(t.delivery)
    assert delivery.offset == sum(map(len, segments))
    node = homes.world.estate.node(IHD)
    assert isinstance(node, HanDevice)
    assert node.banks.running == write_image(WHOLE)
    assert len(homes.noted("power_cut")) >= 5
    assert homes.device(DeviceType.IHD).version == NEW
    assert homes.sound()
    homes.close()
