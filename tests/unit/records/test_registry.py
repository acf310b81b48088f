"""The registry: entering again changes nothing but what changed, and eligibility follows supply (R16)."""

from dataclasses import replace
from typing import Any

import pytest

from hanota.app.registering import register_estate
from hanota.base.eui import Eui64
from hanota.base.instant import DAY, FOREVER
from hanota.base.vocabulary.devices import CplStatus, CspRegion, DeviceStatus, DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage, UserRole
from hanota.edge.estate.description import SupplyDescription
from hanota.records.library.images import put_image, read_slice
from hanota.records.registry.certificates import (
    KeyFinder,
    certificate_of,
    certificates_by_serial,
    certificates_for,
    find_certificate,
    keys_of,
    keys_of_homes,
    register_certificates,
    revoke,
)
from hanota.records.registry.lookups import find_party, product_standing
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
from hanota.records.store import Connection, Store
from hanota.records.store import schema as t
from hanota.wire.smki import CertifiedKey
from helpers.premises import NEW, NOW, OLD
from helpers.stores import new_store
from helpers.world import (
    CAD,
    ESME,
    GSME,
    HCALCS,
    HUB,
    IHD,
    PPMID,
    PPMID_2,
    STRANGER,
    SUPPLIER_1,
    SUPPLIER_2,
    Bench,
    description,
    keys,
)

pytestmark = pytest.mark.usefixtures("each_store")

TABLES = [table for table in t.metadata.sorted_tables if table.name not in {"event", "clock"}]
ONE, TWO, THREE = Eui64(1), Eui64(2), Eui64(3)
ELECTRIC, GAS, SWITCH, SCREEN = (Eui64(number) for number in (101, 102, 103, 104))


# --- again -------------------------------------------------------------------------------------------------------


def test_entering_everything_again_changes_nothing() -> None:
    bench = Bench()
    before = [bench.rows(table) for table in TABLES]
    register_estate(bench.store, description(), keys())
    assert [bench.rows(table) for table in TABLES] == before


def test_a_version_that_the_device_reported_is_not_undone_by_a_declaration() -> None:  # R5
    bench = Bench()
    bench.deliver()
    bench.tell("activation_succeeded", None, version=NEW, result=0)
    register_estate(bench.store, description(), keys())
    assert (bench.device().version, bench.device().version_origin) == (NEW, "reported")
    assert bench.device(PPMID_2).version == OLD


def test_an_unexplained_version_is_not_undone_either() -> None:  # R25
    bench = Bench()
    bench.keep("version_read", None, device=PPMID_2, version=0x42, result=0)
    register_estate(bench.store, description(), keys())
    assert (bench.device(PPMID_2).version, bench.device(PPMID_2).version_origin) == (0x42, "reported, unexplained")


def test_what_is_declared_may_change_until_the_device_speaks() -> None:
    bench = Bench()
    home = description().premises[0]
    devices = tuple(
        replace(device, firmware_version=0x77) if device.eui == PPMID else device for device in home.devices
    )
    changed = replace(description(), premises=(replace(home, devices=devices), *description().premises[1:]))
    register_estate(bench.store, changed, keys())
    assert (bench.device().version, bench.device().version_origin) == (0x77, "declared")


def test_a_device_that_is_not_commissioned_yet_has_no_hub() -> None:
    home = description().premises[0]
    devices = tuple(replace(d, status=DeviceStatus.PENDING) if d.eui == PPMID else d for d in home.devices)
    estate = replace(description(), premises=(replace(home, devices=devices), *description().premises[1:]))
    bench = Bench(estate=estate)
    assert bench.device().hub is None
    assert bench.device(IHD).hub == HUB.signed


def test_an_open_delivery_survives_entering_again() -> None:
    bench = Bench()
    bench.deliver()
    register_estate(bench.store, description(), keys())
    bench.tell("image_held")
    assert bench.state() == "HELD"


# --- eligibility -------------------------------------------------------------------------------------------------


def device(eui: Eui64, kind: DeviceType) -> DeviceRow:
    return DeviceRow(
        eui=eui,
        device_type=kind,
        status=DeviceStatus.COMMISSIONED,
        manufacturer=1,
        image_type=1,
        hardware=1,
        gbcs_version="4.3",
        capacity_octets=1,
        version=1,
    )


KINDS = {ELECTRIC: DeviceType.ESME, GAS: DeviceType.GSME, SWITCH: DeviceType.HCALCS, SCREEN: DeviceType.PPMID}


def house(*supplies: SupplyRow, name: str = "H", devices: dict[Eui64, DeviceType] | None = None) -> HomeRow:
    rows = tuple(device(eui, kind) for eui, kind in (devices or KINDS).items())
    return HomeRow(
        name=name, address="", region=CspRegion.NORTH, hub=Eui64(hash(name) & 0xFFFF), devices=rows, supplies=supplies
    )


def supply(meter: Eui64, party: Eui64, since: int = 0, until: int = FOREVER) -> SupplyRow:
    return SupplyRow(mpxn=f"{meter}", meter=meter, party=party, since=since, until=until)


def registered(*homes: HomeRow) -> Store:
    store = new_store()
    with store.writing() as connection:
        register_parties(connection, [PartyRow(eui=eui, name=str(eui), roles=()) for eui in (ONE, TWO, THREE)])
        register_homes(connection, homes)
    return store


def eligible(store: Store, eui: Eui64, at: int) -> set[Eui64]:
    with store.reading() as connection:
        rows = connection.execute(t.eligibility.select().where(t.eligibility.c.device == eui.signed))
        return {Eui64.from_signed(row.party) for row in rows if row.since <= at < row.until}


def test_each_device_has_the_suppliers_that_its_type_asks_for() -> None:
    store = registered(house(supply(ELECTRIC, ONE), supply(GAS, TWO)))
    assert {eui: eligible(store, eui, 5) for eui in KINDS} == {
        ELECTRIC: {ONE},
        GAS: {TWO},
        SWITCH: {ONE},  # R17: a load switch belongs to electricity
        SCREEN: {ONE, TWO},  # R16: any Responsible Supplier on the HAN
    }


def test_the_built_in_home_keeps_the_same_rules() -> None:
    store = Bench().store
    assert {eui: eligible(store, eui, NOW) for eui in (ESME, GSME, HCALCS, PPMID, IHD, CAD, HUB)} == {
        ESME: {SUPPLIER_1},
        GSME: {SUPPLIER_2},
        HCALCS: {SUPPLIER_1},
        **{eui: {SUPPLIER_1, SUPPLIER_2} for eui in (PPMID, IHD, CAD, HUB)},
    }


def test_a_change_of_supplier_counts_from_its_instant() -> None:
    store = registered(
        house(
            supply(ELECTRIC, ONE, 0, 100),
            SupplyRow(mpxn=f"{ELECTRIC}", meter=ELECTRIC, party=TWO, since=100),
            supply(GAS, THREE),
        )
    )
    for eui in (ELECTRIC, SWITCH):
        assert [eligible(store, eui, at) for at in (0, 99, 100, 10**12)] == [{ONE}, {ONE}, {TWO}, {TWO}]
    assert [eligible(store, SCREEN, at) for at in (99, 100)] == [{ONE, THREE}, {TWO, THREE}]
    assert eligible(store, GAS, 100) == {THREE}


def test_a_supplier_that_comes_back_is_eligible_in_both_its_times() -> None:
    place = f"{ELECTRIC}"
    store = registered(
        house(
            SupplyRow(mpxn=place, meter=ELECTRIC, party=ONE, since=0, until=100),
            SupplyRow(mpxn=place, meter=ELECTRIC, party=TWO, since=100, until=200),
            SupplyRow(mpxn=place, meter=ELECTRIC, party=ONE, since=200),
        )
    )
    assert [eligible(store, SCREEN, at) for at in (50, 150, 250)] == [{ONE}, {TWO}, {ONE}]


def test_one_supplier_of_both_fuels_from_one_day_may_lose_one_of_them() -> None:
    store = registered(
        house(
            supply(ELECTRIC, ONE, 0, 100),
            SupplyRow(mpxn=f"{ELECTRIC}", meter=ELECTRIC, party=TWO, since=100),
            supply(GAS, ONE, 0),
        )
    )
    assert [eligible(store, SCREEN, at) for at in (50, 150)] == [{ONE}, {ONE, TWO}]
    assert [eligible(store, SWITCH, at) for at in (50, 150)] == [{ONE}, {TWO}]


def test_two_meters_of_one_kind_with_one_supplier_are_one_eligibility() -> None:
    second = Eui64(105)
    store = registered(
        house(supply(ELECTRIC, ONE, 0, 100), supply(second, ONE, 0, 200), devices=KINDS | {second: DeviceType.ESME})
    )
    assert [eligible(store, SWITCH, at) for at in (50, 150, 250)] == [{ONE}, {ONE}, set()]
    assert [eligible(store, ELECTRIC, at) for at in (50, 150)] == [{ONE}, set()]


def test_nobody_is_responsible_in_another_home() -> None:
    other = {Eui64(eui.value + 100): kind for eui, kind in KINDS.items()}
    meter = Eui64(ELECTRIC.value + 100)
    store = registered(house(supply(ELECTRIC, ONE)), house(supply(meter, TWO), name="I", devices=other))
    assert eligible(store, SCREEN, 5) == {ONE}
    assert eligible(store, Eui64(SCREEN.value + 100), 5) == {TWO}


def test_a_home_without_supply_has_nobody() -> None:
    assert eligible(registered(house()), SCREEN, 5) == set()


def test_a_supply_that_ends_earlier_than_thought_is_brought_up_to_date() -> None:
    store = registered(house(supply(ELECTRIC, ONE)))
    with store.writing() as connection:
        register_homes(connection, [house(supply(ELECTRIC, ONE, 0, 50))])
    assert eligible(store, SCREEN, 60) == set()


def test_suppliers_of_a_description_follow_each_other() -> None:
    home = description().premises[0]
    point = home.meter_points[0]
    later = SupplyDescription(since=NOW + DAY, party=SUPPLIER_2)
    points = (replace(point, suppliers=(later, *point.suppliers)), *home.meter_points[1:])  # in any order
    estate = replace(description(), premises=(replace(home, meter_points=points), *description().premises[1:]))
    store = Bench(estate=estate).store
    assert [eligible(store, ESME, NOW + days * DAY) for days in (0, 1)] == [{SUPPLIER_1}, {SUPPLIER_2}]
    assert [eligible(store, PPMID, NOW + days * DAY) for days in (0, 1)] == [{SUPPLIER_1, SUPPLIER_2}, {SUPPLIER_2}]


# --- parties and products ----------------------------------------------------------------------------------------


def test_a_party_is_found_with_its_roles_as_they_are_now() -> None:
    store = new_store()
    with store.writing() as connection:
        for roles in ((UserRole.IMPORT_SUPPLIER,), (UserRole.GAS_SUPPLIER, UserRole.OTHER_USER)):
            register_parties(connection, [PartyRow(eui=ONE, name="One", roles=roles, endpoint="http://one")])
            found = find_party(connection, ONE)
            assert found is not None
            assert (found.name, found.roles) == ("One", frozenset(roles))
        assert find_party(connection, TWO) is None


def standing(connection: Connection, **changes: Any) -> CplStatus | None:
    key: dict[str, Any] = {"manufacturer_hash": b"h", "manufacturer": 1, "image_type": 2, "version": 3}
    return product_standing(connection, **(key | changes))


def product(status: CplStatus, hardware: int = 1) -> ProductRow:
    return ProductRow(manufacturer=1, image_type=2, hardware=hardware, version=3, manufacturer_hash=b"h", status=status)


def test_standing_is_that_of_hash_and_header() -> None:
    with new_store().writing() as connection:
        register_products(connection, [product(CplStatus.ACTIVE)])
        assert standing(connection) is CplStatus.ACTIVE
        for name, value in {"manufacturer_hash": b"i", "manufacturer": 9, "image_type": 9, "version": 9}.items():
            assert standing(connection, **{name: value}) is None


@pytest.mark.parametrize("other", [status for status in CplStatus if status is not CplStatus.ACTIVE])
def test_active_for_one_hardware_counts_before_any_other_standing(other: CplStatus) -> None:
    with new_store().writing() as connection:
        register_products(connection, [product(other, 1)])
        assert standing(connection) is other
        register_products(connection, [product(CplStatus.ACTIVE, 2)])
        assert standing(connection) is CplStatus.ACTIVE


def test_a_product_is_brought_up_to_date_with_its_predecessors() -> None:
    store = new_store()
    with store.writing() as connection:
        for predecessors in ((7, 8), (9,), ()):
            row = replace(product(CplStatus.ACTIVE), predecessors=predecessors)
            register_products(connection, [row])
            kept = connection.execute(t.predecessor.select()).all()
            assert {found.version for found in kept} == set(predecessors)
        assert len(connection.execute(t.product.select()).all()) == 1


# --- certificates ------------------------------------------------------------------------------------------------

SIGNER = keys().certificate(SUPPLIER_1, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN)


def test_a_certificate_is_found_by_issuer_and_serial_together() -> None:
    with Bench().store.reading() as connection:
        found = find_certificate(connection, SIGNER.issuer, SIGNER.serial)
        assert found is not None
        assert found.certificate == SIGNER
        assert not found.revoked(NOW)
        assert find_certificate(connection, "CN=Z2,OU=07", SIGNER.serial) is None
        assert find_certificate(connection, SIGNER.issuer, SIGNER.serial + 1) is None


def test_certificates_that_stand_are_left_as_they_are() -> None:
    bench = Bench()
    with bench.store.writing() as connection:
        assert revoke(connection, SIGNER.issuer, SIGNER.serial, NOW)
        register_certificates(connection, keys().certificates())
        found = find_certificate(connection, SIGNER.issuer, SIGNER.serial)
    assert found is not None
    assert [found.revoked(at) for at in (NOW - 1, NOW, NOW + 1)] == [False, True, True]


def test_certificates_are_found_by_subject_and_by_serial_revoked_ones_too() -> None:
    bench = Bench()
    expected = {held for held in keys().certificates() if held.eui == SUPPLIER_1}
    with bench.store.writing() as connection:
        revoke(connection, SIGNER.issuer, SIGNER.serial, NOW)
        found = certificates_for(connection, SUPPLIER_1)
        assert {row.certificate for row in found} == expected
        assert [row.certificate for row in found if row.revoked(NOW)] == [SIGNER]
        assert [row.certificate for row in certificates_by_serial(connection, SIGNER.serial)] == [SIGNER]
        assert certificates_for(connection, Eui64(1)) == certificates_by_serial(connection, 1) == []


def test_what_nobody_knows_cannot_be_revoked() -> None:
    with Bench().store.writing() as connection:
        assert not revoke(connection, SIGNER.issuer, 1, NOW)


def test_a_revoked_certificate_of_a_device_does_not_count() -> None:
    bench = Bench()
    usage = KeyUsage.KEY_AGREEMENT
    with bench.store.writing() as connection:
        held = certificate_of(connection, PPMID, usage)
        assert held == keys().certificate(PPMID, usage)
        assert certificate_of(connection, STRANGER, usage) == keys().certificate(STRANGER, usage)
        revoke(connection, held.issuer, held.serial, NOW)
        assert certificate_of(connection, PPMID, usage) is None
        assert certificate_of(connection, Eui64(1), usage) is None


def test_a_key_is_that_of_its_certificate() -> None:
    bench = Bench()
    with bench.store.reading() as connection:
        certified = {held.certified_key for held in keys().certificates()}  # parties have several for one usage
        found = {keys_of(connection, [key.eui], key.usage)(key.eui) for key in certified}
        assert found <= certified
        assert {(key.eui, key.usage) for key in found if key} == {(key.eui, key.usage) for key in certified}
        home = keys_of_homes(connection, [HUB], KeyUsage.DIGITAL_SIGNATURE)[HUB.signed]
        assert home[PPMID.signed] == keys().certificate(PPMID, KeyUsage.DIGITAL_SIGNATURE).certified_key.point


@pytest.mark.parametrize("usage", KeyUsage)
def test_a_revoked_key_does_not_count_however_it_is_looked_for(usage: KeyUsage) -> None:
    bench = Bench()
    held = keys().certificate(PPMID, usage)
    with bench.store.writing() as connection:

        def found() -> list[CertifiedKey | bytes | None]:
            return [
                keys_of(connection, [PPMID], usage)(PPMID),
                KeyFinder(connection)(PPMID, usage),
                KeyFinder(connection, [HUB])(PPMID, usage),
                keys_of_homes(connection, [HUB], usage)[HUB.signed].get(PPMID.signed),
            ]

        assert found() == [held.certified_key] * 3 + [held.certified_key.point]
        revoke(connection, held.issuer, held.serial, NOW)
        assert found() == [None] * 4


@pytest.mark.parametrize("usage", KeyUsage)
def test_of_two_certificates_of_a_device_the_same_counts_for_everybody(usage: KeyUsage) -> None:
    bench = Bench()
    former, other = keys().certificate(PPMID, usage), keys().certificate(PPMID_2, usage)
    least = min(former, other, key=lambda one: one.certified_key.point).certified_key.point
    bench.change(t.certificate, {"eui": PPMID.signed}, issuer=other.issuer, serial=str(other.serial))
    with bench.store.reading() as connection:
        counts = certificate_of(connection, PPMID, usage)
        assert counts is not None
        assert counts.certified_key.point == least
        assert keys_of(connection, [PPMID], usage)(PPMID) == CertifiedKey(PPMID, usage, least)
        assert KeyFinder(connection, [HUB])(PPMID, usage) == CertifiedKey(PPMID, usage, least)
        assert keys_of_homes(connection, [HUB], usage)[HUB.signed][PPMID.signed] == least


def test_a_finder_asks_once_for_each() -> None:
    bench = Bench()
    with bench.store.reading() as connection:
        find = KeyFinder(connection)
        first = find(PPMID, KeyUsage.KEY_AGREEMENT)
        assert first is not None
        assert find(PPMID, KeyUsage.KEY_AGREEMENT) is first
        assert find(Eui64(1), KeyUsage.KEY_AGREEMENT) is find(Eui64(1), KeyUsage.KEY_AGREEMENT) is None


# --- images ------------------------------------------------------------------------------------------------------


def test_an_image_is_kept_once_and_given_out_by_the_slice() -> None:
    octets = bytes(range(256)) * 4
    facts: dict[str, Any] = {"manufacturer_hash": b"m", "manufacturer": 1, "image_type": 2, "version": 3}
    store = new_store()
    with store.writing() as connection:
        digest = put_image(connection, octets, **facts, hardware_min=None, hardware_max=None)
        assert put_image(connection, octets, **facts, hardware_min=None, hardware_max=None) == digest
        assert len(connection.execute(t.image.select()).all()) == 1
        assert read_slice(connection, digest, 0, 10) == (octets[:10], 1024)
        assert read_slice(connection, digest, 1020, 10) == (octets[1020:], 1024)
        assert read_slice(connection, digest, 1024, 10) == (b"", 1024)
        assert read_slice(connection, digest, 2**32 - 1, 2**32 - 1) == (b"", 1024)
        assert read_slice(connection, bytes(32), 0, 10) is None
