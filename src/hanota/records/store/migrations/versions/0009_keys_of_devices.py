"""On SQLite, devices and open work are kept by their EUI itself, not by a number that an index leads to."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema one step up. On PostgreSQL there is nothing to do: a key there is always an index beside."""
    if op.get_bind().dialect.name != "sqlite":
        return
    for table, key in (("device", "eui"), ("work", "device")):
        with op.batch_alter_table(table) as batch_op:
            batch_op.alter_column(key, existing_type=sa.BigInteger(), type_=sa.Integer(), existing_nullable=False)
