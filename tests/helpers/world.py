"""The head end on the bench: a store with a registry and the pipeline over it; requests come signed, reports by hand.

Nothing is emulated behind it: what a home would say is said by the test. `batch` makes the rows that a stage is given.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
from lxml import etree
from sqlalchemy import select

from hanota.app.frames import FrameBuilder
from hanota.app.pki import Party, make_pki
from hanota.app.registering import register_estate
from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import CplStatus, DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage, UserRole
from hanota.edge.estate import EstateDescription, builtin_description
from hanota.edge.estate.description import PartyDescription, ProductDescription
from hanota.model.policies import Policies
from hanota.model.returns import Return
from hanota.process.acceptance import Answer
from hanota.process.pipeline import Pipeline
from hanota.process.stage import Ctx
from hanota.records.ledger import story
from hanota.records.registry.register import ProductRow, register_products
from hanota.records.store import Store
from hanota.records.store import schema as t
from hanota.records.store.reports import save_reports
from hanota.records.store.work import next_due
from hanota.wire import duis
from hanota.wire.otaimage import GbImage, Tail, read_image
from hanota.wire.smki import KeyDirectory
from helpers.premises import DCC, NEW, NOW, OLD, ppmid_file
from helpers.shared import shared
from helpers.stores import store_at, template

LANE = "0"
SUPPLIER_1 = Eui64.parse("90-B3-D5-1F-30-01-00-00")  # electricity of homes 1 and 3
SUPPLIER_2 = Eui64.parse("90-B3-D5-1F-30-03-00-00")  # gas of home 1, both of home 2
STRANGER = Eui64.parse("90-B3-D5-1F-30-09-00-00")  # a Supplier who supplies nobody here
READER = Eui64.parse("90-B3-D5-1F-30-0A-00-00")  # a User whose role may only read
HUB, ESME, GSME = (Eui64.parse(f"00-DB-12-34-56-78-90-A{digit}") for digit in "201")
PPMID, HCALCS, IHD, CAD = (Eui64.parse(f"00-DB-12-34-56-78-90-A{digit}") for digit in "4567")
HUB_2, PPMID_2 = Eui64.parse("00-DB-12-34-56-78-91-A2"), Eui64.parse("00-DB-12-34-56-78-91-A4")
HUB_3, PPMID_3 = Eui64.parse("00-DB-12-34-56-78-92-A2"), Eui64.parse("00-DB-12-34-56-78-92-A4")


@cache
def description() -> EstateDescription:
    """The built-in estate with two Users more, and with the test image on the Certified Product List."""
    base = builtin_description()
    more = (
        PartyDescription(name="Stranger", eui=STRANGER, roles=(UserRole.IMPORT_SUPPLIER,), callback=None),
        PartyDescription(name="Reader", eui=READER, roles=(UserRole.OTHER_USER,), callback=None),
    )
    return replace(base, parties=(*base.parties, *more), products=(*base.products, product_of(image())))


@cache
def keys() -> KeyDirectory:
    """Everybody's credentials, the same ones each time."""
    parties = [Party(party.eui, party.name) for party in description().parties]
    return make_pki(dcc=DCC, suppliers=parties, devices=description().nodes(), rng=Random(2), now=NOW)


@cache
def image(octets: int = 600, version: int = NEW) -> bytes:
    """A PPMID image file; the one by default is certified."""
    return ppmid_file(octets, version=version)


def read(file: bytes) -> GbImage:
    return read_image(file, Tail.NONE)


def product_of(file: bytes, *, status: CplStatus = CplStatus.ACTIVE, hardware: int = 0x1111) -> ProductDescription:
    """The list's entry for a PPMID image."""
    found = read(file)
    return ProductDescription(
        manufacturer=found.header.manufacturer,
        image_type=found.header.image_type,
        hardware_version=hardware,
        firmware_version=found.header.file_version,
        manufacturer_hash=found.manufacturer_hash,
        status=status,
        predecessors=(),
    )


def request(*devices: Eui64, counter: int = 1, sender: Eui64 = SUPPLIER_1, **changes: Any) -> duis.FirmwareRequest:
    """An 11.4 for `devices`, else the PPMID of home 1. `changes` go to the header or to the request, by name."""
    header = {
        "request_id": RequestId(sender, DCC, counter),
        "command_variant": 8,
        "service_reference": "11.4",
        "service_reference_variant": "11.4",
    }
    body = {
        "image": image(),
        "firmware_version": f"{NEW:08X}",
        "device_list": duis.join_devices(devices or (PPMID,)),
    }
    header |= {name: changes.pop(name) for name in list(changes) if name in duis.RequestHeader.__dataclass_fields__}
    return duis.FirmwareRequest(header=duis.RequestHeader(**header), **(body | changes))


def signed(asked: duis.Request, signer: Eui64 | None = None) -> bytes:
    """The request as its originator, or another, signs it."""
    who = signer or asked.header.request_id.originator
    signing = keys().credential(who, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN)
    return duis.sign(duis.write_request(asked), signing)


def seal(octets: bytes) -> bytes:
    """Sign as the DCC does."""
    role = CertificateRole.DSP_XML_SIGN
    return duis.sign(octets, keys().credential(DCC, KeyUsage.DIGITAL_SIGNATURE, role))


@cache
def broker() -> FrameBuilder:
    """The DCC as Access Control Broker."""
    return FrameBuilder(keys(), DCC)


@template
def registered(store: Store) -> None:
    """A store that knows the estate of `description`."""
    register_estate(store, description(), keys())


@dataclass
class Bench:
    """A store with the registry of `description`, and the pipeline; time stands until it is moved."""

    policies: Policies = field(default_factory=Policies)
    path: Path | None = None
    estate: EstateDescription = field(default_factory=description)

    def __post_init__(self) -> None:
        self.now = NOW
        self.said = 0
        self.store: Store = registered() if self.path is None and self.estate is description() else self._made()
        self.restart()

    def restart(self) -> "Bench":
        """A new process over what the store kept."""
        self.pipeline = Pipeline(self.store, dcc=DCC, policies=self.policies, seal=seal, broker=broker(), lane=LANE)
        return self

    def _made(self) -> Store:
        store = store_at(self.path)
        register_estate(store, self.estate, keys())
        return store

    def submit(self, asked: duis.Request | bytes, service: str = "D") -> Answer:
        octets = asked if isinstance(asked, bytes) else signed(asked)
        return self.pipeline.accept(octets, service, self.now)

    def run(self, after_ms: int = 0) -> "Bench":
        """Let time pass, then do everything that is due."""
        self.now = Instant(self.now + after_ms)
        self.pipeline.run(self.now)
        return self

    def deliver(self, *devices: Eui64, counter: int = 1, **changes: Any) -> int:
        """Send a request that is accepted, and release its deliveries. Returns: the number of the last."""
        answer = self.submit(request(*devices, counter=counter, **changes))
        assert answer.code.accepted, answer
        self.run()
        return max(row.id for row in self.rows(t.delivery))

    def tell(self, event: str, delivery: int | None = 1, *, device: Eui64 = PPMID, **facts: Any) -> "Bench":
        """Let a home report something; the pipeline takes it at once."""
        self.keep(event, delivery, device=device, **facts)
        return self.run()

    def keep(self, event: str, delivery: int | None = 1, *, device: Eui64 = PPMID, **facts: Any) -> int:
        """Let a home report something that nobody takes yet. Returns: how many reports were new."""
        self.said += 1
        reporter = device if delivery is None else HUB
        told = {"source": f"test {self.said}", "at": self.now, "octets": event.encode(), "reporter": reporter} | facts
        with self.store.writing() as connection:
            report = Return(event=event, device=device, delivery=delivery, **told)
            attested = self.policies.local_upgrade.attested
            return len(save_reports(connection, LANE, [report], self.now, attested=attested).sources)

    def certify(self, file: bytes, **changes: Any) -> None:
        """Put a PPMID image on the list; `changes` to its row."""
        found = product_of(file)
        row = ProductRow(
            manufacturer=found.manufacturer,
            image_type=found.image_type,
            hardware=found.hardware_version,
            version=found.firmware_version,
            manufacturer_hash=found.manufacturer_hash,
        )
        with self.store.writing() as connection:
            register_products(connection, [replace(row, **changes)])

    def change(self, table: Any, values: dict[str, Any], **where: Any) -> int:
        """Change rows behind everybody's back."""
        with self.store.writing() as connection:
            same = [table.c[name] == value for name, value in where.items()]
            return connection.execute(table.update().where(*same).values(values)).rowcount

    def next_due(self) -> Instant | None:
        with self.store.reading() as connection:
            return next_due(connection)

    def rows(self, table: Any, **where: Any) -> list[Any]:
        with self.store.reading() as connection:
            same = [table.c[name] == value for name, value in where.items()]
            return list(connection.execute(select(table).where(*same).order_by(*table.primary_key.columns)))

    def row(self, table: Any, **where: Any) -> Any:
        (found,) = self.rows(table, **where)
        return found

    def state(self, delivery: int = 1) -> str:
        return str(self.row(t.delivery, id=delivery).state)

    def device(self, eui: Eui64 = PPMID) -> Any:
        return self.row(t.device, eui=eui.signed)

    def alerts(self, delivery: int = 1) -> set[tuple[Eui64, str]]:
        return {(Eui64.from_signed(row.party), row.kind) for row in self.rows(t.message, delivery=delivery)}

    def sends(self, delivery: int = 1) -> list[str]:
        """What has left for the hub, or is to leave by now, of a delivery."""
        rows = self.rows(t.outbox, delivery=delivery)
        return [row.kind for row in rows if row.due is None or row.due <= self.now]

    def story(self, delivery: int = 1) -> list[str]:
        with self.store.reading() as connection:
            return [str(line["kind"]) for line in story(connection, delivery)]


BATCH = pl.Schema(
    {
        "delivery": pl.Int64,
        "request": pl.Int64,
        "originator": pl.Int64,
        "device": pl.Int64,
        "hub": pl.Int64,
        "device_type": pl.String,
        "state": pl.String,
        "since": pl.Int64,
        "decided_at": pl.Int64,
        "deadline": pl.Int64,
        "due": pl.Int64,
        "tries": pl.Int64,
        "version_smi": pl.Int64,
        "version_at": pl.Int64,
        "version_origin": pl.String,
        "version_target": pl.Int64,
        "eligible": pl.Boolean,
        "eligible_until": pl.Int64,
        "newcomer": pl.Boolean,
        "supplier_from": pl.Int64,
        "segments_missing": pl.Int64,
        "claimed": pl.Boolean,
        "report": pl.Int64,
        "event": pl.String,
        "at": pl.Int64,
        "version": pl.Int64,
        "result": pl.Int64,
        "offset": pl.Int64,
        "blocks": pl.Int64,
        "repeats": pl.Int64,
        "until": pl.Int64,
        "more_said": pl.Boolean,
        "transferred_at": pl.Int64,
    }
)
"""What a stage is given for each row: facts, and the report that woke it if one did."""


def batch(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """Rows for a stage: a PPMID that time woke ten minutes after it came to its state; `rows` say what differs."""
    plain = {
        "request": 1,
        "originator": SUPPLIER_1.signed,
        "since": NOW - 600_000,
        "decided_at": NOW - 600_000,
        "deadline": NOW + 600_000,
        "due": NOW,
        "tries": 0,
        "device": PPMID.signed,
        "hub": HUB.signed,
        "device_type": DeviceType.PPMID.value,
        "version_smi": OLD,
        "version_target": NEW,
        "eligible": True,
    }
    filled = []
    for number, row in enumerate(rows, 1):
        report = {"report": 100 + number, "at": NOW - 1000} if "event" in row else {}
        filled.append({"delivery": number, **plain, **report, **row})
    return pl.DataFrame(filled, schema=BATCH, orient="row")


def ctx(policies: Policies | None = None, now: Instant = NOW) -> Ctx:
    return Ctx(now=now, policies=policies or Policies())


@cache
def _official_schema() -> etree.XMLSchema:
    parser = etree.XMLParser(load_dtd=True, no_network=True)
    return etree.XMLSchema(etree.parse(shared() / "schema" / "duis-5.4.xsd", parser))


def opened(octets: bytes) -> duis.Response:
    """A document of the DCC: valid by the official schema, signed by the DCC, read."""
    schema = _official_schema()
    root = duis.parse_safely(octets)
    assert schema.validate(root), schema.error_log
    signer = keys().certificate(DCC, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.DSP_XML_SIGN)
    known = {(signer.issuer, signer.serial): signer}
    report = duis.verify(root, lambda issuer, serial: known.get((issuer, serial)))
    return duis.read_response(duis.parse_safely(duis.require_signature(report)))
