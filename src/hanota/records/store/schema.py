"""The tables. One schema for SQLite and PostgreSQL.

EUI-64s are kept as signed 64-bit numbers and instants as milliseconds (docs/adr/0005). `delivery`, `device.version`,
`work` and `alert` are projections: each change of theirs is written in the same transaction as its event.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in an INTEGER key
_EUI = BigInteger
_INSTANT = BigInteger

# --- registry ----------------------------------------------------------------------------------------------------

party = Table(
    "party",
    metadata,
    Column("eui", _EUI, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("roles", Text, nullable=False),  # user roles joined by commas
    Column("endpoint", Text),  # where its messages are posted; none: they are kept for it to read
)

certificate = Table(
    "certificate",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("serial", Text, primary_key=True),  # decimal: 128 bits do not fit a number column
    Column("eui", _EUI, nullable=False, index=True),
    Column("role", Integer),  # none for devices
    Column("usage", Text, nullable=False),
    Column("revoked_at", _INSTANT),
    Column("der", LargeBinary, nullable=False),
)

premises = Table(
    "premises",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("address", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("hub", _EUI, unique=True),
)

device = Table(
    "device",
    metadata,
    Column("eui", _EUI, primary_key=True, autoincrement=False),
    Column("premises", _ID, ForeignKey("premises.id"), nullable=False, index=True),
    Column("hub", _EUI),  # none while not joined
    Column("device_type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("manufacturer", Integer, nullable=False),
    Column("image_type", Integer, nullable=False),
    Column("hardware", Integer, nullable=False),
    Column("gbcs_version", Text, nullable=False),
    Column("capacity_octets", Integer, nullable=False),
    Column("version", BigInteger),
    Column("version_origin", Text, nullable=False),  # declared, or reported by the device
    Column("version_at", _INSTANT),
)

supply = Table(
    "supply",
    metadata,
    Column("mpxn", Text, primary_key=True),
    Column("since", _INSTANT, primary_key=True),
    Column("meter", _EUI, ForeignKey("device.eui"), nullable=False),
    Column("party", _EUI, ForeignKey("party.eui"), nullable=False),
    Column("until", _INSTANT, nullable=False),
)

eligibility = Table(  # projection of premises, devices and supply: who may act on a device, and when
    "eligibility",
    metadata,
    Column("device", _EUI, primary_key=True, autoincrement=False),
    Column("party", _EUI, primary_key=True, autoincrement=False),
    Column("since", _INSTANT, primary_key=True, autoincrement=False),
    Column("until", _INSTANT, nullable=False),
    Index("eligibility_of_party", "party"),
)

product = Table(  # Certified Product List
    "product",
    metadata,
    Column("id", _ID, primary_key=True),
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
    Column("product", _ID, ForeignKey("product.id"), primary_key=True),
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
)

# --- requests and deliveries -------------------------------------------------------------------------------------

request = Table(
    "request",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("key", Text, unique=True),  # RequestID/CommandVariant; none for what nobody proved to have sent
    Column("request_id", Text, nullable=False, index=True),
    Column("variant", Integer, nullable=False),
    Column("service_reference", Text, nullable=False),
    Column("originator", _EUI, nullable=False),
    Column("received_at", _INSTANT, nullable=False),
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
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("request", _ID, ForeignKey("request.id"), nullable=False, index=True),
    Column("device", _EUI, nullable=False, index=True),
    Column("hub", _EUI, nullable=False),
    Column("state", Text, nullable=False),
    Column("since", _INSTANT, nullable=False),  # when it came to this state
    Column("deadline", _INSTANT),  # none once ended
    Column("due", _INSTANT),  # when to look at it again; none: only a report wakes it
    Column("tries", Integer, nullable=False),
    Column("version_before", BigInteger),
    Column("version_reported", BigInteger),
    Column("offset", Integer, nullable=False),
    Column("blocks", Integer, nullable=False),
    Column("repeats", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("leased_until", _INSTANT, nullable=False),
    Index("delivery_due", "state", "due"),
)

work = Table(  # open work: one row a device, whatever partition its delivery lies in
    "work",
    metadata,
    Column("device", _EUI, primary_key=True, autoincrement=False),
    Column("delivery", _ID, ForeignKey("delivery.id"), nullable=False),
)

report = Table(  # what came back and has not been taken yet, and, taken, what must not count twice
    "report",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("source", Text, nullable=False, unique=True),  # who numbered it how: makes a replay visible
    Column("received_at", _INSTANT, nullable=False),
    Column("at", _INSTANT, nullable=False),  # by the clock of the one who reports
    Column("event", Text, nullable=False),
    Column("device", _EUI, nullable=False),
    Column("delivery", _ID, index=True),
    Column("version", BigInteger),
    Column("result", Integer),
    Column("offset", Integer),
    Column("blocks", Integer),
    Column("repeats", Integer),
    Column("octets", LargeBinary, nullable=False),  # the evidence as received
    Column("taken", Boolean, nullable=False),
    Index("report_open", "taken", "event"),
)

outbox = Table(  # what is to go to hubs; built and signed as it is drained
    "outbox",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("delivery", _ID, ForeignKey("delivery.id"), nullable=False),
    Column("queued_at", _INSTANT, nullable=False),
    Column("sent_at", _INSTANT),
    Column("due", _INSTANT, index=True),  # none once it need not be sent (again)
)

alert = Table(
    "alert",
    metadata,
    Column("id", _ID, primary_key=True),  # also the counter of its ResponseID, which never changes
    Column("party", _EUI, nullable=False),
    Column("kind", Text, nullable=False),
    Column("delivery", _ID, ForeignKey("delivery.id"), nullable=False),
    Column("at", _INSTANT, nullable=False),
    Column("version", BigInteger),
    Column("version_smi", BigInteger),
    Column("result", Integer),
    Column("created_at", _INSTANT, nullable=False),
    Column("deadline", _INSTANT, nullable=False),
    Column("due", _INSTANT),  # none once delivered
    Column("tries", Integer, nullable=False),
    Column("delivered_at", _INSTANT),
    UniqueConstraint("delivery", "party", "kind"),
    Index("alert_due", "due"),
)

inbox = Table(  # messages of parties that have no endpoint: kept here for them to read
    "inbox",
    metadata,
    Column("response_id", Text, primary_key=True),
    Column("party", _EUI, nullable=False, index=True),
    Column("octets", LargeBinary, nullable=False),
    Column("delivered_at", _INSTANT, nullable=False),
)

# --- evidence ----------------------------------------------------------------------------------------------------

event = Table(  # append-only; a chain per lane
    "event",
    metadata,
    Column("lane", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", _INSTANT, nullable=False),
    Column("kind", Text, nullable=False),
    Column("request", _ID, index=True),
    Column("first_delivery", _ID, index=True),
    Column("last_delivery", _ID),
    Column("octets", LargeBinary, nullable=False),  # canonical JSON, see records.ledger.chain
    Column("digest", LargeBinary, nullable=False),
)

clock = Table(  # position of a scaled clock, so that time never goes back over a restart
    "clock",
    metadata,
    Column("name", Text, primary_key=True),
    Column("position", _INSTANT, nullable=False),
)
