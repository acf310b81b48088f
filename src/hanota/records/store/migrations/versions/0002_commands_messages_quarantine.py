"""Commands, quarantine, and one table for all that goes to parties."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Bring the schema one step up. Alerts become messages and keep their numbers, so their ResponseIDs too."""
    _create_command()
    _create_quarantine()
    _create_message()
    _copy_alerts()
    op.drop_table("alert")
    _widen_registry()
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.add_column(sa.Column("command", _ID, nullable=True))
        batch_op.alter_column("delivery", existing_type=sa.INTEGER(), nullable=True)
        batch_op.create_foreign_key("outbox_command", "command", ["command"], ["id"])
    with op.batch_alter_table("request") as batch_op:
        batch_op.create_index("request_of_party", ["originator", "service_reference", "received_at"])
    anonymous = sa.text("key IS NULL")
    op.create_index("request_anonymous", "request", ["id"], sqlite_where=anonymous, postgresql_where=anonymous)


def _create_command() -> None:
    op.create_table(
        "command",
        sa.Column("id", _ID, nullable=False),
        sa.Column("request", _ID, nullable=False),
        sa.Column("user", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.BigInteger(), nullable=False),
        sa.Column("hub", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("counter", sa.Text(), nullable=True),
        sa.Column("signed", sa.LargeBinary(), nullable=True),
        sa.Column("execute_at", sa.BigInteger(), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("deadline", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["request"], ["request.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("request"),
    )
    op.create_index("command_due", "command", ["due"])
    op.create_index("ix_command_device", "command", ["device"])


def _create_quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("request", _ID, autoincrement=False, nullable=False),
        sa.Column("party", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["request"], ["request.id"]),
        sa.PrimaryKeyConstraint("request"),
    )
    op.create_index("ix_quarantine_state", "quarantine", ["state"])


def _create_message() -> None:
    op.create_table(
        "message",
        sa.Column("id", _ID, nullable=False),
        sa.Column("party", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("delivery", _ID, nullable=True),
        sa.Column("request", _ID, nullable=True),
        sa.Column("lead", _ID, nullable=True),
        sa.Column("response_id", sa.Text(), nullable=True),
        sa.Column("document", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("version_smi", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("first_tried_at", sa.BigInteger(), nullable=True),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("dead_at", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["delivery"], ["delivery.id"]),
        sa.ForeignKeyConstraint(["request"], ["request.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("delivery", "party", "kind"),
        sa.UniqueConstraint("response_id"),
    )
    op.create_index("ix_message_lead", "message", ["lead"])
    op.create_index("ix_message_request", "message", ["request"])
    op.create_index("message_due", "message", ["due"])
    op.create_index("message_of_party", "message", ["party", "due"])
    waiting = sa.text("delivered_at IS NULL AND dead_at IS NULL")
    op.create_index(
        "message_queue", "message", ["party", "device", "id"], sqlite_where=waiting, postgresql_where=waiting
    )
    dead = sa.text("dead_at IS NOT NULL")
    op.create_index("message_dead", "message", ["dead_at"], sqlite_where=dead, postgresql_where=dead)


def _copy_alerts() -> None:
    op.execute(
        "INSERT INTO message (id, party, device, kind, delivery, request, at, version, version_smi, result,"
        " created_at, deadline, due, tries, delivered_at)"
        " SELECT a.id, a.party, d.device, a.kind, a.delivery, d.request, a.at, a.version,"
        " a.version_smi, a.result, a.created_at, a.deadline, a.due, a.tries, a.delivered_at"
        " FROM alert a JOIN delivery d ON d.id = a.delivery"
    )


def _widen_registry() -> None:
    op.create_table(
        "deleted",
        sa.Column("device", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device"),
    )
    with op.batch_alter_table("device") as batch_op:
        for name in ("manufacturer_text", "model_text", "smets_version", "esme_variant", "han_variant"):
            batch_op.add_column(sa.Column(name, sa.Text(), nullable=True))
        for name in ("mpxn_import", "mpxn_secondary", "mpxn_export"):
            batch_op.add_column(sa.Column(name, sa.Text(), nullable=True))
        for name in ("prenotified_by", "gpf", "commissioned_at", "edited_at"):
            batch_op.add_column(sa.Column(name, sa.BigInteger(), nullable=True))
        batch_op.alter_column("premises", existing_type=sa.INTEGER(), nullable=True)
    with op.batch_alter_table("party") as batch_op:
        batch_op.add_column(sa.Column("duis_version", sa.Text(), nullable=True))
    with op.batch_alter_table("premises") as batch_op:
        batch_op.add_column(sa.Column("postcode", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("uprn", sa.Text(), nullable=True))
        batch_op.create_index("ix_premises_uprn", ["uprn"])


def downgrade() -> None:
    """There is no way back: a message has no place among the alerts of before."""
    raise RuntimeError("restore the backup that was made before the upgrade")
