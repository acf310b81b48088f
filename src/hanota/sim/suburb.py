"""A few homes out of a seed, with their suppliers, their devices and the firmware that makers have for these."""

from dataclasses import dataclass
from random import Random
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.vocabulary.devices import CplStatus, CspRegion, DeviceStatus, DeviceType
from hanota.base.vocabulary.parties import UserRole
from hanota.edge.estate import EstateDescription
from hanota.edge.estate.description import (
    COMMISSIONED_SINCE,
    ESME_VARIANT,
    DeviceDescription,
    HubDescription,
    MeterPointDescription,
    PartyDescription,
    PremisesDescription,
    ProductDescription,
    SupplyDescription,
)
from hanota.model.policies import Policies
from hanota.model.profiles import PROFILES
from hanota.sim.images import manufacturer_hash
from hanota.sim.plan import START, Firmware

DCC: Final = Eui64.parse("90-B3-D5-1F-30-00-00-02")
_MAKER: Final = 0x121D
_HARDWARE: Final = 0x1111
_SINCE: Final = COMMISSIONED_SINCE

# What may stand in a home, how likely, and its image type.
_DEVICES: Final = (
    (DeviceType.ESME, 1.0, 0x0000),
    (DeviceType.GSME, 0.5, 0x0001),
    (DeviceType.PPMID, 0.9, 0x0084),
    (DeviceType.IHD, 0.5, 0x0085),
    (DeviceType.HCALCS, 0.35, 0x0090),
    (DeviceType.CAD, 0.1, 0x0086),
)
_NEWCOMERS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Suburb:
    """The homes, who is who, and what there is to be sent. `newcomers` take the place of swapped devices and hubs."""

    estate: EstateDescription
    firmware: tuple[Firmware, ...]
    parties: tuple[Eui64, ...]
    newcomers: tuple[Eui64, ...]

    def type_of(self, node: Eui64) -> DeviceType:
        """Give the type of a device."""
        return next(d.device_type for home in self.estate.premises for d in home.devices if d.eui == node)

    def suppliers_of(self, node: Eui64) -> tuple[Eui64, ...]:
        """Give who may send to a device at the start: a meter's own Supplier, else any of the home."""
        home = next(home for home in self.estate.premises if any(d.eui == node for d in home.devices))
        own = [point for point in home.meter_points if point.device == node] or home.meter_points
        return tuple(dict.fromkeys(point.suppliers[-1].party for point in own))


def draw_suburb(rng: Random, policies: Policies) -> Suburb:
    """Draw one to three homes."""
    town = rng.getrandbits(24)
    parties = tuple(Eui64(0x90B3_D51F_0000_0000 | town << 8 | number) for number in range(1, 4))
    homes = tuple(_home(rng, town, number, parties) for number in range(1, rng.choice((1, 1, 2, 2, 3)) + 1))
    kinds = {device.device_type for home in homes for device in home.devices if PROFILES[device.device_type].ota}
    firmware = tuple(made for row in _DEVICES if row[0] in kinds for made in _firmware(rng, row[0], row[2], policies))
    estate = EstateDescription(
        dcc=DCC,
        parties=tuple(
            PartyDescription(
                name=f"Supplier {'ABC'[place]}",
                eui=party,
                roles=(UserRole.IMPORT_SUPPLIER, UserRole.GAS_SUPPLIER),
                callback=f"sim://{party}",
            )
            for place, party in enumerate(parties)
        ),
        premises=homes,
        products=tuple(_product(made) for made in firmware if made.certified),
    )
    newcomers = tuple(Eui64(0x00DB_0000_0000_0000 | town << 16 | 0xF000 | number) for number in range(_NEWCOMERS * 3))
    return Suburb(estate=estate, firmware=firmware, parties=parties, newcomers=newcomers)


def _home(rng: Random, town: int, number: int, parties: tuple[Eui64, ...]) -> PremisesDescription:
    first = 0x00DB_0000_0000_0000 | town << 16 | number << 8
    devices = tuple(
        _device(Eui64(first | place), row[0], row[2]) for place, row in enumerate(_DEVICES, 1) if rng.random() < row[1]
    )
    electricity, gas = rng.choice(parties), rng.choice(parties)
    points = tuple(
        MeterPointDescription(
            mpxn=f"{number}{town:08d}{place:04d}"[:13],
            device=device.eui,
            suppliers=(
                SupplyDescription(since=_SINCE, party=electricity if device.device_type is DeviceType.ESME else gas),
            ),
        )
        for place, device in enumerate(devices)
        if device.device_type in (DeviceType.ESME, DeviceType.GSME)
    )
    return PremisesDescription(
        name=f"Home {number}",
        address=f"{number} Simulation Street",
        postcode="SI1 1AA",
        uprn=town * 10 + number,
        region=rng.choice((CspRegion.NORTH, CspRegion.CENTRAL, CspRegion.SOUTH)),
        hub=hub_of(Eui64(first | 0xA2), Eui64(first | 0xA3)),
        meter_points=points,
        devices=devices,
    )


def hub_of(chf: Eui64, gpf: Eui64) -> HubDescription:
    """Describe a hub of the one model there is."""
    return HubDescription(
        chf=chf,
        gpf=gpf,
        manufacturer=_MAKER,
        image_type=0x00A2,
        hardware_version=_HARDWARE,
        firmware_version=0x9001,
        gbcs_version="4.3",
    )


def _device(eui: Eui64, device_type: DeviceType, image_type: int) -> DeviceDescription:
    return DeviceDescription(
        eui=eui,
        device_type=device_type,
        manufacturer=_MAKER,
        image_type=image_type,
        hardware_version=_HARDWARE,
        firmware_version=0x0001_0000,
        status=DeviceStatus.COMMISSIONED,
        gbcs_version="4.3",
        capacity_octets=768_000,
        maker=None,
        smets_version="SMETS V2.0",
        esme_variant=ESME_VARIANT if device_type is DeviceType.ESME else None,
        commissioned=_SINCE,
        han_variant=None,
    )


def _firmware(rng: Random, device_type: DeviceType, image_type: int, policies: Policies) -> list[Firmware]:
    """Two or three versions for one model: mostly good ones, some that fail their self-test, some never certified."""
    made = []
    for place in range(rng.randint(2, 3)):
        octets = rng.choice((rng.randint(300, 2_000), rng.randint(2_000, 5_000), rng.randint(5_000, 12_000)))
        whole_max = policies.image.max_octets - 200
        if PROFILES[device_type].segments and rng.random() < 0.25:
            octets = min(rng.randint(whole_max + 200, 2 * whole_max + 500), 24_000)
        elif octets > whole_max:
            octets = whole_max
        fate = rng.random()
        version = 0x0001_0000 + (place + 1) * 0x100
        made.append(
            Firmware(
                name=f"{device_type.value}-{place + 1}",
                device_type=device_type,
                manufacturer=_MAKER,
                image_type=image_type,
                hardware_min=_HARDWARE if fate < 0.95 else _HARDWARE + 1,
                hardware_max=_HARDWARE + 1,
                version=version,
                octets=octets,
                content_seed=rng.getrandbits(32),
                certified=fate >= 0.06,
                healthy=not 0.06 <= fate < 0.16,
                predecessors=(0x0001_0000,) if rng.random() < 0.2 else (),
            )
        )
    return made


def _product(firmware: Firmware) -> ProductDescription:
    return ProductDescription(
        manufacturer=firmware.manufacturer,
        image_type=firmware.image_type,
        hardware_version=_HARDWARE,
        firmware_version=firmware.version,
        manufacturer_hash=manufacturer_hash(firmware),
        status=CplStatus.ACTIVE,
        predecessors=firmware.predecessors,
    )


assert START > _SINCE
