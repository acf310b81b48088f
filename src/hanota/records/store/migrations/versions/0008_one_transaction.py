"""A step is one transaction: deliveries have no lease of their own, but when they were last decided on (ADR 16)."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema one step up."""
    for column in ("epoch", "leased_until"):
        op.drop_column("delivery", column)
    op.add_column("delivery", sa.Column("decided_at", sa.BigInteger(), server_default="0", nullable=False))
