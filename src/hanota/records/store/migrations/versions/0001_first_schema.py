"""First schema: registry, library, requests, deliveries, reports, outbox, alerts, events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema one step up."""

    op.create_table(
        "certificate",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("eui", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Integer(), nullable=True),
        sa.Column("usage", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "serial"),
    )
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certificate_eui"), ["eui"], unique=False)

    op.create_table(
        "clock",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "eligibility",
        sa.Column("device", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("party", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device", "party", "since"),
    )
    with op.batch_alter_table("eligibility", schema=None) as batch_op:
        batch_op.create_index("eligibility_of_party", ["party"], unique=False)

    op.create_table(
        "event",
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("request", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("first_delivery", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("last_delivery", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("lane", "seq"),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_first_delivery"), ["first_delivery"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_request"), ["request"], unique=False)

    op.create_table(
        "image",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("manufacturer_hash", sa.LargeBinary(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("manufacturer", sa.Integer(), nullable=False),
        sa.Column("image_type", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("hardware_min", sa.Integer(), nullable=True),
        sa.Column("hardware_max", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "inbox",
        sa.Column("response_id", sa.Text(), nullable=False),
        sa.Column("party", sa.BigInteger(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("response_id"),
    )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_inbox_party"), ["party"], unique=False)

    op.create_table(
        "party",
        sa.Column("eui", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("eui"),
    )
    op.create_table(
        "premises",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("hub", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hub"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "product",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("manufacturer", sa.Integer(), nullable=False),
        sa.Column("image_type", sa.Integer(), nullable=False),
        sa.Column("hardware", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("manufacturer_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("manufacturer", "image_type", "hardware", "version"),
    )
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_product_manufacturer_hash"), ["manufacturer_hash"], unique=False)

    op.create_table(
        "report",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("device", sa.BigInteger(), nullable=False),
        sa.Column("delivery", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Integer(), nullable=True),
        sa.Column("offset", sa.Integer(), nullable=True),
        sa.Column("blocks", sa.Integer(), nullable=True),
        sa.Column("repeats", sa.Integer(), nullable=True),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source"),
    )
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_report_delivery"), ["delivery"], unique=False)
        batch_op.create_index("report_open", ["taken", "event"], unique=False)

    op.create_table(
        "request",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("variant", sa.Integer(), nullable=False),
        sa.Column("service_reference", sa.Text(), nullable=False),
        sa.Column("originator", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("image", sa.LargeBinary(), nullable=True),
        sa.Column("version_text", sa.Text(), nullable=True),
        sa.Column("named", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("decision", sa.LargeBinary(), nullable=True),
        sa.Column("materialised", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
    )
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_request_request_id"), ["request_id"], unique=False)
        batch_op.create_index("request_open", ["materialised"], unique=False)

    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("request", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("device", sa.BigInteger(), nullable=False),
        sa.Column("hub", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=True),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("version_before", sa.BigInteger(), nullable=True),
        sa.Column("version_reported", sa.BigInteger(), nullable=True),
        sa.Column("offset", sa.Integer(), nullable=False),
        sa.Column("blocks", sa.Integer(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["request"],
            ["request.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index("delivery_due", ["state", "due"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_device"), ["device"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_request"), ["request"], unique=False)

    op.create_table(
        "device",
        sa.Column("eui", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("premises", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hub", sa.BigInteger(), nullable=True),
        sa.Column("device_type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("manufacturer", sa.Integer(), nullable=False),
        sa.Column("image_type", sa.Integer(), nullable=False),
        sa.Column("hardware", sa.Integer(), nullable=False),
        sa.Column("gbcs_version", sa.Text(), nullable=False),
        sa.Column("capacity_octets", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("version_origin", sa.Text(), nullable=False),
        sa.Column("version_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["premises"],
            ["premises.id"],
        ),
        sa.PrimaryKeyConstraint("eui"),
    )
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_premises"), ["premises"], unique=False)

    op.create_table(
        "predecessor",
        sa.Column("product", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product"],
            ["product.id"],
        ),
        sa.PrimaryKeyConstraint("product", "version"),
    )
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("party", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("delivery", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("version_smi", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery"],
            ["delivery.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("delivery", "party", "kind"),
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.create_index("alert_due", ["due"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("delivery", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("queued_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery"],
            ["delivery.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_due"), ["due"], unique=False)

    op.create_table(
        "supply",
        sa.Column("mpxn", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("meter", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["meter"],
            ["device.eui"],
        ),
        sa.ForeignKeyConstraint(
            ["party"],
            ["party.eui"],
        ),
        sa.PrimaryKeyConstraint("mpxn", "since"),
    )
    op.create_table(
        "work",
        sa.Column("device", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("delivery", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery"],
            ["delivery.id"],
        ),
        sa.PrimaryKeyConstraint("device"),
    )


def downgrade() -> None:
    """Take the step back."""

    op.drop_table("work")
    op.drop_table("supply")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_due"))

    op.drop_table("outbox")
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.drop_index("alert_due")

    op.drop_table("alert")
    op.drop_table("predecessor")
    with op.batch_alter_table("device", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_premises"))

    op.drop_table("device")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delivery_request"))
        batch_op.drop_index(batch_op.f("ix_delivery_device"))
        batch_op.drop_index("delivery_due")

    op.drop_table("delivery")
    with op.batch_alter_table("request", schema=None) as batch_op:
        batch_op.drop_index("request_open")
        batch_op.drop_index(batch_op.f("ix_request_request_id"))

    op.drop_table("request")
    with op.batch_alter_table("report", schema=None) as batch_op:
        batch_op.drop_index("report_open")
        batch_op.drop_index(batch_op.f("ix_report_delivery"))

    op.drop_table("report")
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_product_manufacturer_hash"))

    op.drop_table("product")
    op.drop_table("premises")
    op.drop_table("party")
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inbox_party"))

    op.drop_table("inbox")
    op.drop_table("image")
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_event_request"))
        batch_op.drop_index(batch_op.f("ix_event_first_delivery"))

    op.drop_table("event")
    with op.batch_alter_table("eligibility", schema=None) as batch_op:
        batch_op.drop_index("eligibility_of_party")

    op.drop_table("eligibility")
    op.drop_table("clock")
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_certificate_eui"))

    op.drop_table("certificate")
