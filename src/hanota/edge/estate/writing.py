"""An estate as a TOML file that reads to the same estate again."""

import json
from collections.abc import Iterator

from hanota.base.eui import Eui64
from hanota.base.instant import iso
from hanota.edge.estate.description import (
    DeviceDescription,
    EstateDescription,
    HubDescription,
    MeterPointDescription,
    ModelDescription,
    PartyDescription,
    PremisesDescription,
    ProductDescription,
)

_Value = str | int | Eui64 | tuple[str, ...] | None


def write_description(estate: EstateDescription) -> str:
    """Write an estate as `parse_description` reads it."""
    tables = [_table("[dcc]", eui=estate.dcc)]
    tables += [_party(party) for party in estate.parties]
    tables += [table for home in estate.premises for table in _premises(home)]
    tables += [_product(product) for product in estate.products]
    return "\n".join(tables)


def _party(party: PartyDescription) -> str:
    return _table("[[party]]", name=party.name, eui=party.eui, roles=party.roles, callback=party.callback)


def _premises(home: PremisesDescription) -> Iterator[str]:
    yield _table(
        "[[premises]]",
        name=home.name,
        address=home.address,
        postcode=home.postcode,
        uprn=home.uprn,
        region=home.region.value,
    )
    yield _hub(home.hub)
    for point in home.meter_points:
        yield from _meter_point(point)
    for device in home.devices:
        yield _device(device)


def _hub(hub: HubDescription) -> str:
    return _table("[premises.hub]", chf=hub.chf, gpf=hub.gpf, **_model(hub), gbcs_version=hub.gbcs_version)


def _meter_point(point: MeterPointDescription) -> Iterator[str]:
    yield _table("[[premises.meter_point]]", mpxn=point.mpxn, device=point.device)
    for supply in point.suppliers:
        yield _table("[[premises.meter_point.supplier]]", since=iso(supply.since), party=supply.party)


def _device(device: DeviceDescription) -> str:
    return _table(
        "[[premises.device]]",
        eui=device.eui,
        type=device.device_type.value,
        **_model(device),
        status=device.status.value,
        gbcs_version=device.gbcs_version,
        capacity_octets=device.capacity_octets,
        maker=device.maker,
        smets_version=device.smets_version,
        esme_variant=device.esme_variant,
        commissioned=None if device.commissioned is None else iso(device.commissioned),
        han_variant=device.han_variant,
    )


def _product(product: ProductDescription) -> str:
    return _table(
        "[[product]]",
        **_model(product),
        manufacturer_hash=product.manufacturer_hash.hex(),
        status=product.status.value,
        predecessors=tuple(f"{version:08X}" for version in product.predecessors),
    )


def _model(described: ModelDescription) -> dict[str, str]:
    return {
        "manufacturer": described.manufacturer_text,
        "model": described.model_text,
        "firmware_version": described.version_text,
    }


def _table(title: str, **values: _Value) -> str:
    """Write one table; keys without a value are left out."""
    lines = [f"{key} = {_written(value)}" for key, value in values.items() if value is not None]
    return "\n".join([title, *lines, ""])


def _written(value: _Value) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_quoted(str(text)) for text in value) + "]"
    return str(value) if isinstance(value, int) else _quoted(str(value))


def _quoted(text: str) -> str:
    """Quote as TOML does, which is as JSON does but for one character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
