"""The public key of each certificate stands beside it: what comes from a device needs no more of it.

See docs/adr/0023. On SQLite the table is written and then copied: the disk must have room for it twice more.
"""

import sqlalchemy as sa
from alembic import op
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_AT_ONCE = 10_000
_NONE = b""  # of what was entered and can be read no more: it proves nothing

_certificate = sa.table(
    "certificate",
    sa.column("issuer", sa.Text()),
    sa.column("serial", sa.Text()),
    sa.column("der", sa.LargeBinary()),
    sa.column("public_key", sa.LargeBinary()),
)


def upgrade() -> None:
    """Bring the schema one step up."""
    op.add_column("certificate", sa.Column("public_key", sa.LargeBinary(), nullable=True))
    _fill(op.get_bind())
    with op.batch_alter_table("certificate") as batch_op:
        batch_op.alter_column("public_key", existing_type=sa.LargeBinary(), nullable=False)
        batch_op.drop_index("ix_certificate_eui")
        batch_op.create_index("certificate_key", ["eui", "usage", "revoked_at", "public_key"])


def _fill(connection: sa.Connection) -> None:
    c = _certificate.c
    query = sa.select(c.issuer, c.serial, c.der).order_by(c.issuer, c.serial).limit(_AT_ONCE)
    it = (c.issuer == sa.bindparam("of")) & (c.serial == sa.bindparam("numbered"))
    change = sa.update(_certificate).where(it).values(public_key=sa.bindparam("point"))
    rows = connection.execute(query).all()
    while rows:
        found = [{"of": row.issuer, "numbered": row.serial, "point": _point(row.der)} for row in rows]
        connection.execute(change, found)
        after = sa.tuple_(c.issuer, c.serial) > (rows[-1].issuer, rows[-1].serial)
        rows = connection.execute(query.where(after)).all()


def _point(der: bytes) -> bytes:
    try:
        key = x509.load_der_x509_certificate(der).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return _NONE
    if not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)):
        return _NONE
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
