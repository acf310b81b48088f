"""The tables of the wide-area networks: how each stands, who waits where, what it broadcasts and has carried."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from hanota.records.store.schema_types import EUI, ID, INSTANT, metadata

wan_region = Table(  # one row a CSP region
    "wan_region",
    metadata,
    Column("region", Text, primary_key=True),
    Column("turn", BigInteger, nullable=False),  # virtual time: the turn of the last delivery that left
    Column("booked_until", INSTANT, nullable=False),  # when its network will have carried what was let go
    Column("open_at", INSTANT, nullable=False),  # when it takes more, if anything waits
)

wan_turn = Table(  # where each Supplier's deliveries that joined a region's queue end
    "wan_turn",
    metadata,
    Column("region", Text, primary_key=True),
    Column("party", EUI, primary_key=True, autoincrement=False),
    Column("turn", BigInteger, nullable=False),
)

wan_carriage = Table(  # broadcasts of an image to a region
    "wan_carriage",
    metadata,
    Column("id", ID, primary_key=True),
    Column("region", Text, nullable=False),
    Column("image", LargeBinary, nullable=False),
    Column("since", INSTANT, nullable=False),
    Column("until", INSTANT, nullable=False),  # till then homes that are ordered join it
    Column("octets", BigInteger, nullable=False),  # repeats counted
    Index("wan_carriage_of_region", "region", "image", "until"),
)

wan_use = Table(  # what was handed to the networks and came from them, by region: figures, no evidence
    "wan_use",
    metadata,
    Column("region", Text, primary_key=True),
    Column("direction", Text, primary_key=True),  # down, up
    Column("kind", Text, primary_key=True),
    Column("frames", BigInteger, nullable=False),
    Column("octets", BigInteger, nullable=False),
)
