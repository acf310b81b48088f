"""zigpy reads what we write, and writes what we read: the same fields in the same order with the same values.

One difference is left out: zigpy doesn't bind the fields of Query Next Image Response and Query Specific File Response
to the status, so it may read them after a refusal where the cluster has nothing.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zigpy.zcl.clusters.general import Ota

from hanota.base.eui import Eui64
from hanota.wire import zcl
from hanota.wire.zcl import OTA_CLUSTER, OtaStatus, Side
from hanota.wire.zcl.tables import ROWS, Row
from helpers.layouts import values_of

HEADER_OCTETS = 3
UNBOUND = (zcl.QueryNextImageResponse, zcl.QuerySpecificFileResponse)
KEYS = ("payload_type", "field_control")  # fields to zigpy; with us they follow from what is present


def plain(value: Any) -> Any:
    """Give either side's value as a number or as octets."""
    if value is None or isinstance(value, int):
        return value
    return value.octets[::-1] if isinstance(value, Eui64) else bytes(value)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.cluster == OTA_CLUSTER and not row.general], ids=lambda row: row.command.__name__
)
@given(data=st.data())
def test_zigpy_agrees(row: Row, data: st.DataObject) -> None:
    command = data.draw(values_of(row.layout))
    if isinstance(command, UNBOUND) and command.status != OtaStatus.SUCCESS:
        return
    definitions = Ota.client_commands if row.sender is Side.SERVER else Ota.server_commands
    frame = zcl.write_command(0, command, row.sender)

    theirs, rest = definitions[row.number].schema.deserialize(frame[HEADER_OCTETS:])
    names = [field.name for field in theirs.fields if field.name not in KEYS]
    assert rest == b""
    assert [plain(getattr(theirs, name)) for name in names] == [
        plain(getattr(command, name)) for name in row.command.__slots__
    ]

    written = frame[:HEADER_OCTETS] + theirs.serialize()
    assert zcl.read_command(row.cluster, written, row.sender) == (0, command)
