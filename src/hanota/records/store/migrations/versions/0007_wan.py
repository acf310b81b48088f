"""Queues of the wide-area networks: places in them, their capacity, their broadcasts and their use."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_REGIONS = ("North", "Central", "South", "4G North", "4G Central", "4G South", "Unknown", "SMETS1")


def upgrade() -> None:
    """Bring the schema one step up."""
    _add_places()
    op.add_column("outbox", sa.Column("party", sa.BigInteger(), server_default="0", nullable=False))
    op.execute(
        "UPDATE outbox SET party = (SELECT r.originator FROM delivery d JOIN request r ON r.id = d.request"
        " WHERE d.id = outbox.delivery) WHERE due IS NOT NULL AND delivery IS NOT NULL"
    )
    unsent = sa.text("due IS NOT NULL")
    op.create_index("outbox_of_party", "outbox", ["party", "due"], sqlite_where=unsent, postgresql_where=unsent)
    _create_networks()
    _create_use()


def _add_places() -> None:
    op.add_column("delivery", sa.Column("region", sa.Text(), server_default="Unknown", nullable=False))
    op.add_column("delivery", sa.Column("turn", sa.BigInteger(), server_default="0", nullable=False))
    op.execute(
        "UPDATE delivery SET region = COALESCE((SELECT p.region FROM device v JOIN premises p ON p.id = v.premises"
        " WHERE v.eui = delivery.device), 'Unknown') WHERE deadline IS NOT NULL"
    )
    for name, state in (("delivery_requested", "REQUESTED"), ("delivery_queued", "QUEUED")):
        rows = sa.text(f"state = '{state}'")
        op.create_index(name, "delivery", ["region", "turn"], sqlite_where=rows, postgresql_where=rows)


def _create_networks() -> None:
    region = op.create_table(
        "wan_region",
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.Column("booked_until", sa.BigInteger(), nullable=False),
        sa.Column("open_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("region"),
    )
    op.bulk_insert(region, [{"region": name, "turn": 0, "booked_until": 0, "open_at": 0} for name in _REGIONS])
    op.create_table(
        "wan_turn",
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("party", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("region", "party"),
    )
    op.create_table(
        "wan_carriage",
        sa.Column("id", _ID, nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("octets", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("wan_carriage_of_region", "wan_carriage", ["region", "image", "until"])


def _create_use() -> None:
    op.create_table(
        "wan_use",
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("frames", sa.BigInteger(), nullable=False),
        sa.Column("octets", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("region", "direction", "kind"),
    )
