"""Segments, consumers' refusals, tenancies, and statements about local upgrades."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the schema one step up."""
    op.add_column("image", sa.Column("force_replace", sa.Integer(), nullable=True))
    _create_segment()
    _create_consent()
    _create_statement()


def _create_segment() -> None:
    op.create_table(
        "segment",
        sa.Column("whole", sa.LargeBinary(), nullable=False),
        sa.Column("party", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("whole_octets", sa.Integer(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("request", _ID, nullable=False),
        sa.ForeignKeyConstraint(["request"], ["request.id"]),
        sa.PrimaryKeyConstraint("whole", "party", "place"),
    )


def _create_consent() -> None:
    op.add_column("report", sa.Column("until", sa.BigInteger(), nullable=True))
    op.create_table(
        "refusal",
        sa.Column("device", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("manufacturer_hash", sa.LargeBinary(), nullable=False),
        sa.Column("delivery", _ID, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["delivery"], ["delivery.id"]),
        sa.PrimaryKeyConstraint("device", "manufacturer_hash"),
    )
    op.create_table(
        "tenancy",
        sa.Column("premises", _ID, autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["premises"], ["premises.id"]),
        sa.PrimaryKeyConstraint("premises", "since"),
    )


def _create_statement() -> None:
    op.create_table(
        "statement",
        sa.Column("id", _ID, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("party", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("manufacturer_hash", sa.LargeBinary(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("explained_at", sa.BigInteger(), nullable=True),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index("ix_statement_device", "statement", ["device"])
