"""On PostgreSQL the two tables that grow without end are partitioned: deliveries and events (docs/adr/0013)."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_DELIVERIES = 1 << 23  # of one partition; those of a request are numbered in a row, so it lies in one or in two
_DELIVERY_PARTITIONS = 8  # what comes after them lies in the default one
_EVENT_PARTITIONS = 8
_REFERRING = ("work", "outbox", "message", "refusal")


def upgrade() -> None:
    """Bring the schema one step up. SQLite has no partitions: there it stays as it is."""
    if op.get_bind().dialect.name != "postgresql":
        return
    _partition_delivery()
    _partition_event()
    # Messages that were alerts kept their numbers, of which their sequence knows nothing.
    op.execute("SELECT setval('message_id_seq', (SELECT coalesce(max(id), 0) + 1 FROM message), false)")


def _partition_delivery() -> None:
    for table in _REFERRING:
        op.drop_constraint(f"{table}_delivery_fkey", table, type_="foreignkey")
    op.rename_table("delivery", "delivery_whole")
    op.execute("CREATE TABLE delivery (LIKE delivery_whole INCLUDING DEFAULTS) PARTITION BY RANGE (id)")
    op.execute("ALTER SEQUENCE delivery_id_seq OWNED BY delivery.id")
    for number in range(_DELIVERY_PARTITIONS):
        first = "MINVALUE" if number == 0 else number * _DELIVERIES
        after = (number + 1) * _DELIVERIES
        op.execute(f"CREATE TABLE delivery_{number} PARTITION OF delivery FOR VALUES FROM ({first}) TO ({after})")
    op.execute("CREATE TABLE delivery_later PARTITION OF delivery DEFAULT")
    op.execute("INSERT INTO delivery SELECT * FROM delivery_whole")
    op.drop_table("delivery_whole")
    op.create_primary_key("delivery_pkey", "delivery", ["id"])
    op.create_index("delivery_due", "delivery", ["state", "due"])
    op.create_index("ix_delivery_device", "delivery", ["device"])
    op.create_index("ix_delivery_request", "delivery", ["request"])
    op.create_foreign_key("delivery_request_fkey", "delivery", "request", ["request"], ["id"])
    for table in _REFERRING:
        op.create_foreign_key(f"{table}_delivery_fkey", table, "delivery", ["delivery"], ["id"])


def _partition_event() -> None:
    op.rename_table("event", "event_whole")
    op.execute("CREATE TABLE event (LIKE event_whole INCLUDING DEFAULTS) PARTITION BY HASH (lane)")
    for number in range(_EVENT_PARTITIONS):
        op.execute(
            f"CREATE TABLE event_{number} PARTITION OF event"
            f" FOR VALUES WITH (MODULUS {_EVENT_PARTITIONS}, REMAINDER {number})"
        )
    op.execute("INSERT INTO event SELECT * FROM event_whole")
    op.drop_table("event_whole")
    op.create_primary_key("event_pkey", "event", ["lane", "seq"])
    op.create_index("ix_event_request", "event", ["request"])
    op.create_index("ix_event_first_delivery", "event", ["first_delivery"])


def downgrade() -> None:
    """There is no way back."""
    raise RuntimeError("restore the backup that was made before the upgrade")
