"""What all tables share: one metadata, and how identifiers and instants are kept (docs/adr/0005)."""

from typing import Final

from sqlalchemy import BigInteger, Integer, MetaData

metadata: Final = MetaData()

ID: Final = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in an INTEGER key
EUI: Final = BigInteger
INSTANT: Final = BigInteger
