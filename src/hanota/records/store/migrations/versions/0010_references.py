"""Rows of which a device makes several are not held against its delivery one by one; indexes follow what is looked up.

See docs/adr/0020. On SQLite the three tables are copied: the disk must have room for the largest once more.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NAMES = {"fk": "%(table_name)s_%(column_0_name)s_fkey", "uq": "%(table_name)s_%(column_0_name)s_key"}  # PostgreSQL's


def upgrade() -> None:
    """Bring the schema one step up."""
    op.drop_index("outbox_of_delivery", table_name="outbox")
    op.drop_index("ix_message_request", table_name="message")
    for table, columns in (("work", ["delivery"]), ("outbox", ["delivery"]), ("message", ["delivery", "request"])):
        with op.batch_alter_table(table, naming_convention=_NAMES) as batch_op:
            for column in columns:
                batch_op.drop_constraint(f"{table}_{column}_fkey", type_="foreignkey")
            if table == "message":
                batch_op.drop_constraint("message_response_id_key", type_="unique")
    op.create_index("ix_outbox_delivery", "outbox", ["delivery"])
    _partial("message_response", "message", ["response_id"], "response_id IS NOT NULL", unique=True)
    _partial("report_open_of_delivery", "report", ["delivery"], "taken = 0", plain="NOT taken")


def _partial(
    name: str, table: str, columns: list[str], where: str, *, plain: str | None = None, unique: bool = False
) -> None:
    op.create_index(
        name, table, columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(plain or where)
    )
