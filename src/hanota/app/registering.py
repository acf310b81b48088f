"""From an estate's description to the DCC's registry: what is known before the first message."""

from collections.abc import Iterable

from hanota.base.instant import FOREVER
from hanota.base.vocabulary.devices import DeviceStatus, DeviceType
from hanota.edge.estate import EstateDescription
from hanota.edge.estate.description import (
    DeviceDescription,
    HubDescription,
    MeterPointDescription,
    PremisesDescription,
)
from hanota.records.registry.certificates import register_certificates
from hanota.records.registry.register import (
    DeviceRow,
    HomeRow,
    PartyRow,
    ProductRow,
    SupplyRow,
    register_homes,
    register_parties,
    register_products,
)
from hanota.records.store import Store
from hanota.wire.smki import Certificate, KeyDirectory


def register_estate(
    store: Store, description: EstateDescription, keys: KeyDirectory, known: Iterable[Certificate] = ()
) -> None:
    """Enter everything that a description says, and every public certificate; `known` ones too. May be repeated."""
    with store.writing() as connection:
        register_parties(
            connection,
            [
                PartyRow(eui=party.eui, name=party.name, roles=party.roles, endpoint=party.callback)
                for party in description.parties
            ],
        )
        register_homes(connection, [_home(premises) for premises in description.premises])
        register_products(
            connection,
            [
                ProductRow(
                    manufacturer=product.manufacturer,
                    image_type=product.image_type,
                    hardware=product.hardware_version,
                    version=product.firmware_version,
                    manufacturer_hash=product.manufacturer_hash,
                    status=product.status,
                    predecessors=product.predecessors,
                )
                for product in description.products
            ],
        )
        register_certificates(connection, dict.fromkeys((*keys.certificates(), *known)))


def _home(premises: PremisesDescription) -> HomeRow:
    return HomeRow(
        name=premises.name,
        address=f"{premises.address}, {premises.postcode}",
        postcode=premises.postcode,
        uprn=str(premises.uprn),
        region=premises.region,
        hub=premises.hub.chf,
        devices=(*hub_rows(premises.hub), *map(device_row, premises.devices)),
        supplies=tuple(supply for point in premises.meter_points for supply in _supplies(point)),
    )


def device_row(device: DeviceDescription) -> DeviceRow:
    """Give a device as the inventory enters it."""
    return DeviceRow(
        eui=device.eui,
        device_type=device.device_type,
        status=device.status,
        manufacturer=device.manufacturer,
        image_type=device.image_type,
        hardware=device.hardware_version,
        gbcs_version=device.gbcs_version,
        capacity_octets=device.capacity_octets,
        version=device.firmware_version,
        joined=device.status is not DeviceStatus.PENDING,
        smets_version=device.smets_version,
        esme_variant=device.esme_variant,
        commissioned_at=device.commissioned,
        han_variant=device.han_variant,
    )


def hub_rows(hub: HubDescription) -> tuple[DeviceRow, DeviceRow]:
    """Give the two functions of a hub as the inventory enters them: Communications Hub and Gas Proxy."""
    return _hub(hub, DeviceType.CHF), _hub(hub, DeviceType.GPF)


def _hub(hub: HubDescription, device_type: DeviceType) -> DeviceRow:
    return DeviceRow(
        eui=hub.chf if device_type is DeviceType.CHF else hub.gpf,
        device_type=device_type,
        status=DeviceStatus.COMMISSIONED,
        manufacturer=hub.manufacturer,
        image_type=hub.image_type,
        hardware=hub.hardware_version,
        gbcs_version=hub.gbcs_version,
        capacity_octets=0,
        version=hub.firmware_version,
    )


def _supplies(point: MeterPointDescription) -> list[SupplyRow]:
    """Each supplier's time ends when the next one's begins."""
    ordered = sorted(point.suppliers, key=lambda supplier: supplier.since)
    ends = [*(supplier.since for supplier in ordered[1:]), FOREVER]
    return [
        SupplyRow(mpxn=point.mpxn, meter=point.device, party=supplier.party, since=supplier.since, until=end)
        for supplier, end in zip(ordered, ends, strict=True)
    ]
