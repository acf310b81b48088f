"""Stores of earlier schemas are brought up to date and lose nothing: one of the first, with alerts, reports and a home
in it; one of the last that kept certificates without their keys.
"""

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, select, text

from hanota.app.registering import register_estate
from hanota.base.ids import RequestId
from hanota.model.alerts import AlertKind
from hanota.records.store import open_store
from hanota.records.store import schema as t
from hanota.records.store.outgoing import due_messages
from hanota.wire.smki import Certificate
from helpers.postgres import Cluster
from helpers.premises import DCC, NEW, NOW, OLD
from helpers.stores import bring_to
from helpers.world import ESME, HUB, PPMID, SUPPLIER_1, SUPPLIER_2, description, keys

_P, _D = SUPPLIER_1.signed, PPMID.signed
ROWS: dict[str, list[dict[str, Any]]] = {
    "party": [
        {"eui": _P, "name": "Supplier 1", "roles": "IS", "endpoint": "http://127.0.0.1:1/"},
        {"eui": SUPPLIER_2.signed, "name": "Supplier 2", "roles": "IS,GS", "endpoint": None},
    ],
    "premises": [{"id": 1, "name": "Home 1", "address": "1 Meter Lane", "region": "North", "hub": HUB.signed}],
    "device": [
        {
            "eui": eui.signed,
            "premises": 1,
            "hub": HUB.signed,
            "device_type": kind,
            "status": "Commissioned",
            "manufacturer": 0x121D,
            "image_type": 0x84,
            "hardware": 0x1111,
            "gbcs_version": "4.3",
            "capacity_octets": 768_000,
            "version": version,
            "version_origin": "reported",
            "version_at": NOW,
        }
        for eui, kind, version in ((PPMID, "PPMID", NEW), (ESME, "ESME", OLD))
    ],
    "supply": [{"mpxn": "1234567890121", "since": 0, "meter": ESME.signed, "party": _P, "until": 2**53 - 1}],
    "eligibility": [{"device": _D, "party": _P, "since": 0, "until": 2**53 - 1}],
    "image": [
        {
            "hash": bytes(32),
            "manufacturer_hash": bytes(32),
            "octets": b"image",
            "size": 5,
            "manufacturer": 0x121D,
            "image_type": 0x84,
            "version": NEW,
        }
    ],
    "request": [
        {
            "id": 1,
            "key": f"{RequestId(SUPPLIER_1, DCC, 1)}/8",
            "request_id": str(RequestId(SUPPLIER_1, DCC, 1)),
            "variant": 8,
            "service_reference": "11.4",
            "originator": _P,
            "received_at": NOW,
            "digest": bytes(32),
            "octets": b"request",
            "answer": b"answer",
            "code": "I0",
            "image": bytes(32),
            "version_text": f"{NEW:08X}",
            "named": 1,
            "accepted": 1,
            "materialised": 1,
        }
    ],
    "delivery": [
        {
            "id": 1,
            "request": 1,
            "device": _D,
            "hub": HUB.signed,
            "state": "HELD",
            "since": NOW,
            "deadline": NOW + 1000,
            "due": None,
            "tries": 0,
            "version_before": OLD,
            "offset": 0,
            "blocks": 0,
            "repeats": 0,
            "epoch": 1,
            "leased_until": 0,
        }
    ],
    "work": [{"device": _D, "delivery": 1}],
    "outbox": [
        {"id": 7, "kind": "distribute", "delivery": 1, "queued_at": NOW, "sent_at": NOW, "due": None},
        {"id": 8, "kind": "cancel", "delivery": 1, "queued_at": NOW, "sent_at": None, "due": NOW},
    ],
    "alert": [
        {
            "id": number,
            "delivery": 1,
            "party": party.signed,
            "kind": kind,
            "at": NOW,
            "version": NEW,
            "version_smi": OLD,
            "result": None,
            "created_at": NOW,
            "deadline": NOW + 1000,
            "due": due,
            "tries": tries,
            "delivered_at": delivered,
        }
        for number, party, kind, due, tries, delivered in (
            (3, SUPPLIER_2, AlertKind.UPGRADE_REQUESTED.value, None, 1, NOW + 5),
            (5, SUPPLIER_1, AlertKind.DELIVERED_TO_HUB.value, NOW, 0, None),
            (9, SUPPLIER_1, AlertKind.GIVEN_UP.value, NOW + 60, 2, None),
        )
    ],
    "report": [
        {
            "id": 1,
            "source": "uplink 1",
            "received_at": NOW,
            "at": NOW,
            "event": "image_held",
            "device": HUB.signed,
            "delivery": 1,
            "octets": b"",
            "taken": 1,
        }
    ],
    "inbox": [{"response_id": "x", "party": SUPPLIER_2.signed, "octets": b"", "delivered_at": NOW}],
}


def of_the_first_schema(path: Path) -> None:
    """Make a store as the first release would, and fill it."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        bring_to(connection, "0001")
    engine.dispose()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        for table, rows in ROWS.items():
            for row in rows:
                marks = ",".join("?" * len(row))
                connection.execute(f"INSERT INTO {table} ({','.join(row)}) VALUES ({marks})", list(row.values()))


_AT_ONCE = 10_000  # so many certificates are given their keys at a time
_OF_CERTIFICATE = ("issuer", "serial", "eui", "role", "usage", "revoked_at", "der")
_CERTIFICATE = f"INSERT INTO certificate ({', '.join(_OF_CERTIFICATE)}) VALUES (:{', :'.join(_OF_CERTIFICATE)})"


def certificates_of_before(url: str, count: int) -> list[Certificate]:
    """Make a store of the last schema that kept certificates without their keys, and enter some. Returns: them."""
    held = [replace(one, serial=one.serial + (turn << 128)) for turn in range(count) for one in keys().certificates()]
    rows = [
        {
            "issuer": one.issuer,
            "serial": str(one.serial),
            "eui": one.eui.signed,
            "role": one.role,
            "usage": one.usage,
            "revoked_at": NOW if one.serial % 2 else None,
            "der": one.der,
        }
        for one in held
    ]
    rows.append(rows[0] | {"issuer": "CN=Damaged", "der": b"noise"})
    engine = create_engine(url)
    with engine.begin() as connection:
        bring_to(connection, "0010")
        connection.execute(text(_CERTIFICATE), rows)
    engine.dispose()
    return held


GIVEN_UP = frozenset({"epoch", "leased_until"})
"""Columns that a later schema does without."""


def test_nothing_is_lost_and_every_alert_keeps_its_number(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    of_the_first_schema(path)
    store = open_store(path)
    with store.reading() as connection:
        for name, rows in ROWS.items():
            table = t.metadata.tables["message" if name == "alert" else name]
            key = list(table.primary_key.columns)
            kept = [dict(row._mapping) for row in connection.execute(select(table).order_by(*key))]
            were = [{name: value for name, value in row.items() if name not in GIVEN_UP} for row in rows]
            were.sort(key=lambda row: [row[column.name] for column in key])
            assert [{key: row[key] for key in before} for row, before in zip(kept, were, strict=True)] == were, name
        messages = {row.id: row for row in connection.execute(select(t.message))}
        assert {(row.device, row.request, row.document, row.response_id) for row in messages.values()} == {
            (_D, 1, None, None)
        }
        assert not connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    store.close()


def test_what_was_due_is_due_and_what_was_delivered_is_not(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    of_the_first_schema(path)
    store = open_store(path)
    with store.reading() as connection:
        assert [message.id for message in due_messages(connection, NOW)[0]] == [5]
        assert {message.id for message in due_messages(connection, NOW + 60)[0]} == {5, 9}
    store.close()


def test_the_estate_is_registered_again_over_it(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    of_the_first_schema(path)
    store = open_store(path)
    register_estate(store, description(), keys())
    with store.reading() as connection:
        row = connection.execute(select(t.device).where(t.device.c.eui == _D)).one()
        assert (row.version, row.version_origin, row.premises) == (NEW, "reported", 1)
        assert connection.execute(select(t.premises.c.uprn).where(t.premises.c.id == 1)).scalar_one() == "100000000001"
    store.close()


def test_every_certificate_has_its_key_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    keys_are_beside(f"sqlite:///{path}", f"{path}")


def test_every_certificate_has_its_key_beside_it_on_postgres(on_postgres: Cluster) -> None:
    url = on_postgres.url(on_postgres.create())
    keys_are_beside(url.replace("postgresql:", "postgresql+psycopg:"), url)


def keys_are_beside(url: str, given: str) -> None:
    held = certificates_of_before(url, 1 + _AT_ONCE // len(keys().certificates()))
    store = open_store(given)
    with store.reading() as connection:
        kept = {(row.issuer, row.serial): row for row in connection.execute(select(t.certificate))}
    store.close()
    (damaged,) = (row for row in kept.values() if row.issuer == "CN=Damaged")
    assert (damaged.der, damaged.public_key) == (b"noise", b"")  # and so it proves nothing
    assert len(kept) == 1 + len(held) > _AT_ONCE
    points = {one.der: one.certified_key.point for one in keys().certificates()}
    for one in held:
        row = kept[one.issuer, str(one.serial)]
        assert (row.der, row.public_key) == (one.der, points[one.der])
        assert (row.eui, row.role, row.usage) == (one.eui.signed, one.role, one.usage)
        assert row.revoked_at == (NOW if one.serial % 2 else None)


def test_the_first_schema_has_the_tables_that_are_filled_here(tmp_path: Path) -> None:
    """So that none is forgotten when this file is read beside it."""
    path = tmp_path / "store.sqlite"
    of_the_first_schema(path)
    with sqlite3.connect(path) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert set(ROWS) <= names
    assert names - set(ROWS) == {"alembic_version", "certificate", "product", "predecessor", "event", "clock"}
