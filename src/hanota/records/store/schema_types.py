"""What all tables share: one metadata, and how identifiers and instants are kept (docs/adr/0005)."""

from typing import Final

from sqlalchemy import BigInteger, Integer, MetaData

metadata: Final = MetaData()

ID: Final = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only in an INTEGER key
EUI: Final = BigInteger
EUI_KEY: Final = ID
"""An EUI-64 by which rows are looked up in great numbers, and their table's only key. In SQLite it is the row's own
number then: one look-up instead of two.
"""
INSTANT: Final = BigInteger
