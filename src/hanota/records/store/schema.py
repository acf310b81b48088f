"""The tables. One schema for SQLite and PostgreSQL.

EUI-64s are kept as signed 64-bit numbers and instants as milliseconds (docs/adr/0005). `delivery`, `device.version`,
`work` and `message` are projections: each change of theirs is written in the same transaction as its event. What is
written for each device names its delivery and request without a constraint (docs/adr/0020).
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

from hanota.records.store import schema_commands, schema_types
from hanota.records.store.schema_types import EUI, EUI_KEY, ID, INSTANT

metadata = schema_types.metadata
command, quarantine = schema_commands.command, schema_commands.quarantine  # one module to whoever speaks SQL


def _partial(name: str, *columns: Column[Any], where: ColumnElement[bool], unique: bool = False) -> None:
    """An index of some rows: what is done costs it nothing more, however much of that there is."""
    Index(name, *columns, sqlite_where=where, postgresql_where=where, unique=unique)


# --- registry ----------------------------------------------------------------------------------------------------

party = Table(
    "party",
    metadata,
    Column("eui", EUI, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("roles", Text, nullable=False),  # user roles joined by commas
    Column("endpoint", Text),  # where its messages are posted; none: they are kept for it to read
    Column("duis_version", Text),  # of its latest authentic request: its messages are written in it
)

certificate = Table(
    "certificate",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("serial", Text, primary_key=True),  # decimal: 128 bits do not fit a number column
    Column("eui", EUI, nullable=False),
    Column("role", Integer),  # none for devices
    Column("usage", Text, nullable=False),
    Column("revoked_at", INSTANT),
    Column("der", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),  # of `der`, as the point that it is: messages need no more
    Index("certificate_key", "eui", "usage", "revoked_at", "public_key"),  # a key is found without its certificate
)

premises = Table(
    "premises",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("address", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("hub", EUI, unique=True),
    Column("postcode", Text),
    Column("uprn", Text, index=True),
)

device = Table(
    "device",
    metadata,
    Column("eui", EUI_KEY, primary_key=True, autoincrement=False),
    Column("premises", ID, ForeignKey("premises.id"), index=True),  # none: pre-notified, not installed yet
    Column("hub", EUI),  # none while not joined
    Column("device_type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("manufacturer", Integer, nullable=False),
    Column("image_type", Integer, nullable=False),
    Column("hardware", Integer, nullable=False),
    Column("gbcs_version", Text, nullable=False),
    Column("capacity_octets", Integer, nullable=False),
    Column("version", BigInteger),
    Column("version_origin", Text, nullable=False),  # declared, or reported by the device
    Column("version_at", INSTANT),
    Column("manufacturer_text", Text),  # as pre-notified, where it is no number: devices outside GBCS
    Column("model_text", Text),
    Column("smets_version", Text),
    Column("esme_variant", Text),
    Column("prenotified_by", EUI),  # who may change it until it is in some premises
    Column("gpf", EUI),  # the Gas Proxy Function pre-notified with a hub
    Column("commissioned_at", INSTANT),
    Column("han_variant", Text),
    Column("edited_at", INSTANT),  # when a User last changed it (8.4): a description of the estate does not undo that
    Column("mpxn_import", Text),  # as told by 8.4; who supplies a meter point stands in `supply`
    Column("mpxn_secondary", Text),
    Column("mpxn_export", Text),
)

deleted = Table(  # devices that a User took out (8.4): a description of the estate does not bring them back
    "deleted",
    metadata,
    Column("device", EUI, primary_key=True, autoincrement=False),
    Column("at", INSTANT, nullable=False),
)

supply = Table(
    "supply",
    metadata,
    Column("mpxn", Text, primary_key=True),
    Column("since", INSTANT, primary_key=True),
    Column("meter", EUI, ForeignKey("device.eui"), nullable=False),
    Column("party", EUI, ForeignKey("party.eui"), nullable=False),
    Column("until", INSTANT, nullable=False),
)

eligibility = Table(  # projection of premises, devices and supply: who may act on a device, and when
    "eligibility",
    metadata,
    Column("device", EUI, primary_key=True, autoincrement=False),
    Column("party", EUI, primary_key=True, autoincrement=False),
    Column("since", INSTANT, primary_key=True, autoincrement=False),
    Column("until", INSTANT, nullable=False),
    Index("eligibility_of_party", "party"),
)

product = Table(  # Certified Product List
    "product",
    metadata,
    Column("id", ID, primary_key=True),
    Column("manufacturer", Integer, nullable=False),
    Column("image_type", Integer, nullable=False),
    Column("hardware", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("manufacturer_hash", LargeBinary, nullable=False, index=True),
    Column("status", Text, nullable=False),
    UniqueConstraint("manufacturer", "image_type", "hardware", "version"),
)

predecessor = Table(
    "predecessor",
    metadata,
    Column("product", ID, ForeignKey("product.id"), primary_key=True),
    Column("version", BigInteger, primary_key=True),
)

# --- library -----------------------------------------------------------------------------------------------------

image = Table(
    "image",
    metadata,
    Column("hash", LargeBinary, primary_key=True),  # SHA-256 of the whole OTA file
    Column("manufacturer_hash", LargeBinary, nullable=False),
    Column("octets", LargeBinary, nullable=False),
    Column("size", Integer, nullable=False),
    Column("manufacturer", Integer, nullable=False),
    Column("image_type", Integer, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("hardware_min", Integer),
    Column("hardware_max", Integer),
    Column("force_replace", Integer),  # octet of a signed image's tail (GBCS 11.2.2); none: it has no tail
)

# --- requests and deliveries -------------------------------------------------------------------------------------

request = Table(
    "request",
    metadata,
    Column("id", ID, primary_key=True),
    Column("key", Text, unique=True),  # RequestID/CommandVariant; none for what nobody proved to have sent
    Column("request_id", Text, nullable=False, index=True),
    Column("variant", Integer, nullable=False),
    Column("service_reference", Text, nullable=False),
    Column("originator", EUI, nullable=False),
    Column("received_at", INSTANT, nullable=False),
    Column("digest", LargeBinary, nullable=False),  # SHA-256 of the octets as received
    Column("octets", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("code", Text, nullable=False),
    Column("reason", Text),
    Column("detail", Text),
    Column("image", LargeBinary),
    Column("version_text", Text),
    Column("named", Integer, nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("decision", LargeBinary),  # columns device, reason, version_before as one Arrow stream
    Column("materialised", Boolean, nullable=False),
    Index("request_open", "materialised"),
    Index("request_of_party", "originator", "service_reference", "received_at"),
    Index("request_code", "code"),
)

_partial("request_anonymous", request.c.id, where=request.c.key.is_(None))

delivery = Table(
    "delivery",
    metadata,
    Column("id", ID, primary_key=True),
    Column("request", ID, ForeignKey("request.id"), nullable=False, index=True),
    Column("device", EUI, nullable=False, index=True),
    Column("hub", EUI, nullable=False),
    Column("state", Text, nullable=False),
    Column("since", INSTANT, nullable=False),  # when it came to this state
    Column("deadline", INSTANT),  # none once ended
    Column("due", INSTANT),  # when to look at it again; none: only a report wakes it
    Column("tries", Integer, nullable=False),
    Column("decided_at", INSTANT, nullable=False, server_default="0"),  # no later step is dated before it
    Column("version_before", BigInteger),
    Column("version_reported", BigInteger),
    Column("offset", Integer, nullable=False),
    Column("blocks", Integer, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("region", Text, nullable=False, server_default="Unknown"),  # whose wide-area network carries it
    Column("turn", BigInteger, nullable=False, server_default="0"),  # its place in that region's queue
    postgresql_partition_by="RANGE (id)",  # docs/adr/0013
)
_partial("delivery_due", delivery.c.state, delivery.c.due, where=delivery.c.due.is_not(None))

# Written out: an engine uses them only where it sees that a query asks for these rows and no others.
is_requested = delivery.c.state == literal_column("'REQUESTED'")
is_queued = delivery.c.state == literal_column("'QUEUED'")
_partial("delivery_requested", delivery.c.region, delivery.c.turn, where=is_requested)
_partial("delivery_queued", delivery.c.region, delivery.c.turn, where=is_queued)

segment = Table(  # images in segments: what each Supplier has sent of a whole (R7)
    "segment",
    metadata,
    Column("whole", LargeBinary, primary_key=True),  # SHA-256 of the whole Manufacturer Image
    Column("party", EUI, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),  # 0, 1, …
    Column("count", Integer, nullable=False),
    Column("whole_octets", Integer, nullable=False),
    Column("image", LargeBinary, nullable=False),  # the segment's file
    Column("request", ID, ForeignKey("request.id"), nullable=False),
)

work = Table(  # open work: one row a device, whatever partition its delivery lies in
    "work",
    metadata,
    Column("device", EUI_KEY, primary_key=True, autoincrement=False),
    Column("delivery", ID, nullable=False),
)

report = Table(  # what came back and has not been taken yet, and, taken, what must not count twice
    "report",
    metadata,
    Column("id", ID, primary_key=True),
    Column("source", Text, nullable=False, unique=True),  # who numbered it how: makes a replay visible
    Column("received_at", INSTANT, nullable=False),
    Column("at", INSTANT, nullable=False),  # by the clock of the one who reports
    Column("event", Text, nullable=False),
    Column("device", EUI, nullable=False),
    Column("delivery", ID, index=True),
    Column("version", BigInteger),
    Column("result", Integer),
    Column("offset", Integer),
    Column("blocks", Integer),
    Column("repeats", Integer),
    Column("until", INSTANT),  # of what a consumer said (R27)
    Column("octets", LargeBinary, nullable=False),  # the evidence as received
    Column("taken", Boolean, nullable=False),
)
_partial("report_open", report.c.event, report.c.id, where=~report.c.taken)
_partial("report_open_of_delivery", report.c.delivery, where=~report.c.taken)

outbox = Table(  # what is to go to hubs; built and signed as it is drained
    "outbox",
    metadata,
    Column("id", ID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("delivery", ID, index=True),
    Column("command", ID, ForeignKey("command.id")),  # either a delivery's or a command's
    Column("queued_at", INSTANT, nullable=False),
    Column("sent_at", INSTANT),
    Column("due", INSTANT),  # none once it need not be sent (again)
    Column("party", EUI, nullable=False, server_default="0"),  # for whom it goes: none waits behind all of another's
)

is_unsent = outbox.c.due.is_not(None)
_partial("outbox_of_party", outbox.c.party, outbox.c.due, where=is_unsent)
_partial("outbox_due", outbox.c.due, where=is_unsent)

message = Table(  # what is to go to parties: alerts of deliveries, responses, device alerts
    "message",
    metadata,
    Column("id", ID, primary_key=True),  # also the counter of the ResponseID of what the DCC itself says
    Column("party", EUI, nullable=False),
    Column("device", EUI),  # messages to one party about one device go in order
    Column("kind", Text, nullable=False),
    Column("delivery", ID),
    Column("request", ID),
    Column("lead", ID),  # of a group: the message that carries the list, this one's own number if it leads
    Column("response_id", Text),  # none: the DCC as originator, the party as target, this row's number
    Column("document", LargeBinary),  # DUIS, unsigned; none: rendered from the facts beside
    Column("at", INSTANT, nullable=False),
    Column("version", BigInteger),
    Column("version_smi", BigInteger),
    Column("result", Integer),
    Column("created_at", INSTANT, nullable=False),
    Column("deadline", INSTANT, nullable=False),
    Column("due", INSTANT),  # none once delivered or dead
    Column("tries", Integer, nullable=False),
    Column("first_tried_at", INSTANT),  # of those that failed since it was made or replayed
    Column("delivered_at", INSTANT),
    Column("dead_at", INSTANT),  # given up until an operator replays it
    Column("last_error", Text),
    UniqueConstraint("delivery", "party", "kind"),
)
_partial("message_due", message.c.due, where=message.c.due.is_not(None))
_partial("message_of_party", message.c.party, message.c.due, where=message.c.due.is_not(None))
_partial("message_response", message.c.response_id, where=message.c.response_id.is_not(None), unique=True)
_partial("message_led", message.c.lead, where=message.c.lead.is_not(None))

_open = message.c.delivered_at.is_(None) & message.c.dead_at.is_(None)  # what was taken long ago is not looked at again
_partial("message_queue", message.c.party, message.c.device, message.c.id, where=_open)
_partial("message_dead", message.c.dead_at, where=message.c.dead_at.is_not(None))

inbox = Table(  # messages of parties that have no endpoint: kept here for them to read
    "inbox",
    metadata,
    Column("response_id", Text, primary_key=True),
    Column("party", EUI, nullable=False, index=True),
    Column("octets", LargeBinary, nullable=False),
    Column("delivered_at", INSTANT, nullable=False),
)

# --- consumers and local upgrades --------------------------------------------------------------------------------

refusal = Table(  # a consumer's no to an image, until it ends (R27)
    "refusal",
    metadata,
    Column("device", EUI, primary_key=True, autoincrement=False),
    Column("manufacturer_hash", LargeBinary, primary_key=True),
    Column("delivery", ID, ForeignKey("delivery.id"), nullable=False),
    Column("at", INSTANT, nullable=False),
    Column("until", INSTANT, nullable=False),
)

tenancy = Table(  # when new occupiers moved in: what the former ones refused ends there
    "tenancy",
    metadata,
    Column("premises", ID, ForeignKey("premises.id"), primary_key=True, autoincrement=False),
    Column("since", INSTANT, primary_key=True, autoincrement=False),
)

statement = Table(  # signed statements that explain local upgrades (R26)
    "statement",
    metadata,
    Column("id", ID, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),  # SHA-256 of the octets: one said twice counts once
    Column("party", EUI, nullable=False),
    Column("device", EUI, nullable=False, index=True),
    Column("version", BigInteger, nullable=False),
    Column("manufacturer_hash", LargeBinary, nullable=False),
    Column("done_at", INSTANT, nullable=False),  # as stated
    Column("received_at", INSTANT, nullable=False),
    Column("explained_at", INSTANT),  # when a report of the device agreed
    Column("octets", LargeBinary, nullable=False),
)

# --- evidence ----------------------------------------------------------------------------------------------------

event = Table(  # append-only; a chain per lane
    "event",
    metadata,
    Column("lane", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", INSTANT, nullable=False),
    Column("kind", Text, nullable=False),
    Column("request", ID, index=True),
    Column("first_delivery", ID, index=True),
    Column("last_delivery", ID),
    Column("octets", LargeBinary, nullable=False),  # canonical JSON, see records.ledger.chain
    Column("digest", LargeBinary, nullable=False),
    postgresql_partition_by="HASH (lane)",
)

clock = Table(  # position of a scaled clock, so that time never goes back over a restart
    "clock",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", INSTANT, nullable=False),
)
