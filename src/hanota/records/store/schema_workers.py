"""The tables that workers share: who holds which lane and which party."""

from sqlalchemy import Column, Integer, Table, Text

from hanota.records.store.schema_types import INSTANT, metadata

lease = Table(  # of a lane of the event log, kept alive by its holder; of a party's messages, alive while its holder is
    "lease",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False, index=True),  # host, process and a draw: never the same twice
    Column("epoch", Integer, nullable=False),  # rises with each new holder
    Column("since", INSTANT, nullable=False),
    Column("until", INSTANT, nullable=False),  # of a lane
)
