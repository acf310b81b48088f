"""Indexes of open rows only, so that what is done costs nothing more; one to find orders of a delivery by."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_OPEN = (
    ("delivery_due", "delivery", ("state", "due"), "due IS NOT NULL"),
    ("report_open", "report", ("event", "id"), "taken = 0"),
    ("outbox_due", "outbox", ("due",), "due IS NOT NULL"),
    ("outbox_of_delivery", "outbox", ("delivery",), "due IS NOT NULL"),
    ("message_due", "message", ("due",), "due IS NOT NULL"),
    ("message_of_party", "message", ("party", "due"), "due IS NOT NULL"),
    ("message_led", "message", ("lead",), "lead IS NOT NULL"),
)


def upgrade() -> None:
    """Bring the schema one step up."""
    for name, table in (
        ("delivery_due", "delivery"),
        ("report_open", "report"),
        ("ix_outbox_due", "outbox"),
        ("message_due", "message"),
        ("message_of_party", "message"),
        ("ix_message_lead", "message"),
    ):
        op.drop_index(name, table_name=table)
    for name, table, columns, where in _OPEN:
        plain = sa.text("NOT taken" if where == "taken = 0" else where)
        op.create_index(name, table, list(columns), sqlite_where=sa.text(where), postgresql_where=plain)
