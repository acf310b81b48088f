"""Frames of the home area network: three octets of ZCL header, then a command of the table."""

import struct
from typing import Final

from hanota.wire.layout import ValueUnwritable
from hanota.wire.zcl.commands import Command
from hanota.wire.zcl.errors import ZclShort, ZclUnknown, ZclWrong
from hanota.wire.zcl.status import Side
from hanota.wire.zcl.tables import FRAME_CONTROL, ROWS, Row

_HEADER: Final = struct.Struct("<BBB")  # frame control, sequence, command number
_FOUND: Final = {(row.cluster, row.sender, row.number): row.layout.read_whole for row in ROWS}


def _rows_by_command() -> dict[tuple[type[Command], Side | None], Row]:
    """Each command under its sender, and under None as well if only one side sends it."""
    rows: dict[tuple[type[Command], Side | None], Row] = {(row.command, row.sender): row for row in ROWS}
    for row in ROWS:
        if sum(other.command is row.command for other in ROWS) == 1:
            rows[row.command, None] = row
    return rows


_BY_COMMAND: Final = _rows_by_command()


def read_command(cluster: int, octets: bytes, sender: Side) -> tuple[int, Command]:
    """Read one frame that `sender` sent on `cluster`; give its sequence number and the command.

    The frame must be the one that `write_command` would write. Raises ZclMalformed: ZclShort, ZclWrong (also a
    direction that isn't the sender's, and octets left over) or ZclUnknown.
    """
    try:
        control, sequence, number = _HEADER.unpack_from(octets)
    except struct.error:
        raise ZclShort(layout="ZCL header", field="header", offset=0, got=len(octets), expected=_HEADER.size) from None
    if control != FRAME_CONTROL[sender]:
        expected = f"{FRAME_CONTROL[sender]:#04x}"
        raise ZclWrong(layout="ZCL header", field="frame_control", offset=0, got=f"{control:#04x}", expected=expected)
    read = _FOUND.get((cluster, sender, number))
    if read is None:
        raise ZclUnknown(cluster=f"{cluster:#06x}", sender=sender.name.lower(), offset=2, got=f"{number:#04x}")
    return sequence, read(octets, _HEADER.size)


def write_command(sequence: int, command: Command, sender: Side | None = None) -> bytes:
    """Write one frame. `sender` is needed only for TransferData, which both sides send; the rest stands in the table.

    Raises ValueUnwritable: a field doesn't fit, the sequence isn't one octet, or the sender is missing or the wrong
    one.
    """
    row = _BY_COMMAND.get((type(command), sender))
    if row is None:
        raise ValueUnwritable(
            layout=type(command).__name__, field="sender", got=repr(sender), expected="a side that sends it"
        )
    try:
        header = _HEADER.pack(FRAME_CONTROL[row.sender], sequence, row.number)
    except struct.error:
        raise ValueUnwritable(layout="ZCL header", field="sequence", got=repr(sequence), expected="0…0xff") from None
    return header + row.layout.write(command)
