"""A town entered at once: homes, devices and who may act on them, as whole frames.

For a registry that has none of them yet: nothing is looked up and nothing is worked out, so a million devices take
seconds. `register` is for one home after the other, and may be repeated.
"""

import polars as pl
from sqlalchemy import Connection

from hanota.records.store import schema as t
from hanota.records.store.bulk import insert_frame


def enter_town(
    connection: Connection,
    *,
    premises: pl.DataFrame,
    devices: pl.DataFrame,
    eligibility: pl.DataFrame,
    certificates: pl.DataFrame | None = None,
) -> None:
    """Enter new rows of the registry; each frame's columns are named like those of its table.

    `eligibility` is the caller's own: it is a projection of supply (`responsibility`), which is not entered here.
    """
    insert_frame(connection, t.premises, premises)
    insert_frame(connection, t.device, devices)
    insert_frame(connection, t.eligibility, eligibility)
    if certificates is not None:
        insert_frame(connection, t.certificate, certificates)
