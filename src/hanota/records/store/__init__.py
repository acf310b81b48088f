"""The store: engine, schema, migrations, and the unit of work in which every change is made."""

from sqlalchemy import Connection

from hanota.records.store import schema_wan as schema_wan  # so that the metadata is whole
from hanota.records.store import schema_workers as schema_workers
from hanota.records.store.engine import Store, open_store
from hanota.records.store.turns import serialise

__all__ = ["Connection", "Store", "open_store", "serialise"]
