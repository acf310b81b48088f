"""A town for tests of real processes: homes in a store, and beside it the keys with which its agents say what they say.

`make_town` writes a file that holds homes, certificates and keys; an agent (`helpers.flow_agent`) reads of it what it
needs when it needs it, so that it is back at once after it was killed.
"""

import multiprocessing
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Final

import polars as pl
from cryptography.hazmat.primitives.asymmetric import ec

from hanota.app.bench import town as bench
from hanota.app.clock import wall_clock
from hanota.app.pki import ISSUER_NAME, add_devices, draw_key
from hanota.base.eui import Eui64
from hanota.base.instant import DAY, SECOND, Instant
from hanota.base.vocabulary.devices import CspRegion, DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.estate import EstateDescription
from hanota.edge.estate.writing import write_description
from hanota.records.registry.certificates import register_certificates
from hanota.records.registry.many import enter_town
from hanota.records.registry.register import PartyRow, register_parties
from hanota.records.store import Store
from hanota.wire.smki import Authority, Certificate, Credential, KeyDirectory, read_certificate, write_directory
from hanota.wire.smki.certificate import read_authority_certificate
from hanota.wire.smki.issue import Validity, issue_certificate

REGIONS: Final = (CspRegion.NORTH, CspRegion.CENTRAL, CspRegion.SOUTH)
IMAGE_OCTETS: Final = 400
_SIGNS, _AGREES = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
_ROW = tuple[int, str, str, bytes, bytes]  # EUI, usage, serial number, certificate, private key
_TABLES: Final = (
    "CREATE TABLE home (number INTEGER PRIMARY KEY, hub, device, device_type, version)",
    "CREATE TABLE held (eui, usage, serial, der, secret, PRIMARY KEY (eui, usage)) WITHOUT ROWID",
)


@dataclass(frozen=True)
class TownOnDisk:
    """The first `flow` homes are run at flow level from the file, the others frame by frame from the estate."""

    town: bench.Town
    flow: int
    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "town.sqlite"

    @property
    def pki(self) -> Path:
        return self.folder / "pki"

    @property
    def estate(self) -> Path:
        return self.folder / "estate.toml"

    def enter(self, store: Store, endpoint: str) -> None:
        """Enter all of it into an empty store; alerts go to `endpoint`."""
        bench.enter(store, self.town.homes, self.town.description)
        bench.introduce(store, self.town)
        with sqlite3.connect(self.file) as kept:
            rows = kept.execute("SELECT eui, usage, serial, der FROM held WHERE secret != x''").fetchall()
        held = pl.DataFrame(rows, schema=["eui", "usage", "serial", "der"], orient="row")
        authority = self.town.keys.authority(ISSUER_NAME).certificate
        none = pl.DataFrame()
        frame = held.with_columns(issuer=pl.lit(authority.subject))
        with store.writing() as connection:
            enter_town(connection, premises=none, devices=none, eligibility=none, certificates=frame)
            register_certificates(connection, self.town.keys.certificates())
            parties = self.town.description.parties
            rows_of = [PartyRow(eui=p.eui, name=p.name, roles=p.roles, endpoint=endpoint) for p in parties]
            register_parties(connection, rows_of)

    def devices(self) -> int:
        return self.town.homes


def make_town(folder: Path, *, flow: int, framed: int) -> TownOnDisk:
    """Make a town with so many homes at flow level, and so many frame by frame."""
    now = wall_clock()
    town = bench.plan_town(flow + framed, image_octets=IMAGE_OCTETS, now=now)
    base = town.description
    described = replace(base, premises=tuple(_home(base, number) for number in range(flow, flow + framed)), products=())
    keys = add_devices(town.keys, described.nodes(), rng=Random(flow), now=now)
    made = TownOnDisk(replace(town, keys=keys), flow, folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_directory(made.pki, keys)
    made.estate.write_text(write_description(described), encoding="utf-8")
    _write(made, now)
    return made


def _home(base: EstateDescription, number: int):
    """A home of which the town knows hub and display alone."""
    like = base.premises[0]
    display = next(device for device in like.devices if device.device_type is DeviceType.PPMID)
    hub = replace(like.hub, chf=Eui64(bench.FIRST_HUB + number), gpf=Eui64(bench.FIRST_HUB + (1 << 32) + number))
    return replace(
        like,
        name=f"Home {number}",
        uprn=like.uprn + number,
        region=REGIONS[number % len(REGIONS)],
        hub=hub,
        meter_points=(),
        devices=(replace(display, eui=Eui64(bench.FIRST_DEVICE + number)),),
    )


def _write(made: TownOnDisk, now: Instant) -> None:
    homes = made.town.columns().head(made.flow).with_row_index("number")
    acb = CertificateRole.ACCESS_CONTROL_BROKER
    dcc = made.town.description.dcc
    with sqlite3.connect(made.file) as kept:
        for table in _TABLES:
            kept.execute(table)
        kept.executemany("INSERT INTO home VALUES (?, ?, ?, ?, ?)", homes.iter_rows())
        kept.executemany("INSERT INTO held VALUES (?, ?, ?, ?, ?)", _issued(made.town.keys, made.flow, now))
        for usage in (_SIGNS, _AGREES):
            der = made.town.keys.certificate(dcc, usage, acb).der
            kept.execute("INSERT INTO held VALUES (?, ?, '', ?, x'')", (dcc.signed, usage.value, der))
    kept.close()


def _issued(keys: KeyDirectory, homes: int, now: Instant) -> list[_ROW]:
    """Certificates of all hubs and displays, made on two cores: half a millisecond each."""
    authority = keys.authority(ISSUER_NAME)
    secret = authority.key.private_numbers().private_value
    halves = [(0, homes // 2), (homes // 2, homes)]
    asked = [(authority.certificate.der, secret, first, last, now) for first, last in halves]
    with ProcessPoolExecutor(len(halves), mp_context=multiprocessing.get_context("spawn")) as makers:
        return [row for rows in makers.map(_issue, *zip(*asked, strict=True)) for row in rows]


def _issue(der: bytes, secret: int, first: int, last: int, now: Instant) -> list[_ROW]:
    issuer = Authority(read_authority_certificate(der), ec.derive_private_key(secret, ec.SECP256R1()))
    begin = Instant(now - now % SECOND - DAY)
    validity, rng = Validity(begin, Instant(begin + 3650 * DAY)), Random(first)
    uses = ((bench.FIRST_HUB, _SIGNS), (bench.FIRST_DEVICE, _SIGNS), (bench.FIRST_DEVICE, _AGREES))
    rows = []
    for home in range(first, last):
        for place, (base, usage) in enumerate(uses):
            key, eui = draw_key(rng), Eui64(base + home)
            serial = (1 << 64) + home * len(uses) + place  # beyond all that are drawn for a directory: they differ
            made = issue_certificate(
                issuer,
                eui=eui,
                role=None,
                usage=usage,
                public_key=key.public_key(),
                serial=serial,
                validity=validity,
            )
            number = key.private_numbers().private_value.to_bytes(32, "big")
            rows.append((eui.signed, usage.value, str(serial), made.der, number))
    return rows


class Keeper:
    """What an agent reads of the file: homes of its share, and credentials as they are asked for."""

    def __init__(self, file: Path, dcc: Eui64) -> None:
        self._kept = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        self._dcc = dcc
        self.credential = lru_cache(maxsize=50_000)(self._credential)

    def homes(self, number: int, of: int) -> pl.DataFrame:
        query = "SELECT number, hub, device, device_type, version FROM home WHERE number % ? = ? ORDER BY number"
        rows = self._kept.execute(query, (of, number - 1)).fetchall()
        return pl.DataFrame(rows, schema=["number", "hub", "device", "device_type", "version"], orient="row")

    def acb(self, usage: KeyUsage) -> Certificate:
        return read_certificate(self._row(self._dcc, usage)[0])

    def _credential(self, eui: Eui64, usage: KeyUsage) -> Credential:
        der, secret = self._row(eui, usage)
        key = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())
        return Credential(read_certificate(der), key)

    def _row(self, eui: Eui64, usage: KeyUsage) -> tuple[bytes, bytes]:
        query = "SELECT der, secret FROM held WHERE eui = ? AND usage = ?"
        row: tuple[bytes, bytes] = self._kept.execute(query, (eui.signed, usage.value)).fetchone()
        return row
