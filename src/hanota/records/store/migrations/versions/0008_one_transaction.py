"""A step is one transaction: deliveries have no lease of their own any more (docs/adr/0016)."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema one step up."""
    for column in ("epoch", "leased_until"):
        op.drop_column("delivery", column)
