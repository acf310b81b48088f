"""An estate that is written reads to the same estate, whatever its texts hold."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.base.instant import Instant, parse_iso
from hanota.base.vocabulary.devices import DeviceStatus
from hanota.edge.estate import builtin_description
from hanota.edge.estate.description import PartyDescription, SupplyDescription, parse_description
from hanota.edge.estate.writing import write_description

BASE = builtin_description()
HOME = BASE.premises[0]
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


def test_the_builtin_estate_is_the_same_afterwards() -> None:
    assert parse_description(write_description(BASE)) == BASE


@given(texts, texts)
@pytest.mark.filterwarnings("error", "ignore::ResourceWarning")  # sockets of other tests may be collected meanwhile
def test_any_text_survives(name: str, address: str) -> None:
    home = replace(HOME, name=name, address=address)
    changed = replace(BASE, premises=(home,))
    assert parse_description(write_description(changed)) == changed


def test_so_does_every_field_that_may_be_left_out() -> None:
    party = PartyDescription(name='Ü \x7f\t"\\', eui=Eui64(7), roles=(), callback="http://127.0.0.1:1/duis")
    device = replace(
        HOME.devices[0],
        maker=Eui64(9),
        smets_version="SMETS V2.0",
        esme_variant="B",
        status=DeviceStatus.PENDING,
        commissioned=None,
        han_variant="Dual Band",
        capacity_octets=1,
    )
    point = HOME.meter_points[0]
    later = SupplyDescription(since=parse_iso("2026-02-01T00:00:00.123Z"), party=Eui64(7))
    home = replace(
        HOME,
        devices=(device, *HOME.devices[1:]),
        meter_points=(replace(point, suppliers=(*point.suppliers, later)), *HOME.meter_points[1:]),
    )
    product = replace(BASE.products[0], predecessors=(1, 0xFFFFFFFF)) if BASE.products else None
    changed = replace(
        BASE,
        parties=(*BASE.parties, party),
        premises=(home, *BASE.premises[1:]),
        products=() if product is None else (product,),
    )
    assert parse_description(write_description(changed)) == changed


@given(st.integers(0, 253_402_300_799_999))
def test_instants_keep_their_milliseconds(at: int) -> None:
    device = replace(HOME.devices[0], commissioned=Instant(at))
    changed = replace(BASE, premises=(replace(HOME, devices=(device, *HOME.devices[1:])),))
    assert parse_description(write_description(changed)) == changed
