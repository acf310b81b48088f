"""The tables of commands, and of requests that wait for an operator."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from hanota.records.store.schema_types import EUI, ID, INSTANT, metadata

command = Table(  # GBCS commands on behalf of a User: 11.2 and 11.3
    "command",
    metadata,
    Column("id", ID, primary_key=True),
    Column("request", ID, ForeignKey("request.id"), nullable=False, unique=True),
    Column("user", EUI, nullable=False),
    Column("device", EUI, nullable=False, index=True),
    Column("hub", EUI, nullable=False),
    Column("state", Text, nullable=False),
    Column("code", Integer, nullable=False),  # GBCS message code
    Column("counter", Text),  # of the User's own command, decimal; none: the broker's, which is the outbox number
    Column("signed", LargeBinary),  # the Signed Pre-Command; none: written by the Access Control Broker when sent
    Column("execute_at", INSTANT),
    Column("since", INSTANT, nullable=False),
    Column("due", INSTANT),
    Column("deadline", INSTANT),
    Column("tries", Integer, nullable=False),
    Column("answer", LargeBinary),
    Index("command_due", "due"),
)

quarantine = Table(  # requests beyond an anomaly limit, until an operator decides
    "quarantine",
    metadata,
    Column("request", ID, ForeignKey("request.id"), primary_key=True, autoincrement=False),
    Column("party", EUI, nullable=False),
    Column("service", Text, nullable=False),  # D, S or T: the web service by which it came
    Column("since", INSTANT, nullable=False),
    Column("state", Text, nullable=False, index=True),
    Column("decided_at", INSTANT),
)
