"""Frames of the home area network: three octets of ZCL header, then a command of the table."""

import struct
from typing import Final

from hanota.wire.layout import ValueUnwritable
from hanota.wire.zcl.commands import Command
from hanota.wire.zcl.errors import ZclMalformed, ZclShort, ZclUnknown, ZclWrong
from hanota.wire.zcl.status import Side
from hanota.wire.zcl.tables import FRAME_CONTROL, GENERAL_CONTROL, ROWS, Row

_HEADER: Final = struct.Struct("<BBB")  # frame control, sequence, command number
_FOUND: Final = {(row.sender, row.cluster, row.control, row.number): row.layout for row in ROWS}


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
    layout = _FOUND.get((sender, cluster, control, number))
    if layout is None:
        raise _unknown(cluster, control, number, sender)
    command, end = layout.read_at(octets, _HEADER.size)
    if end != len(octets):
        layout.read_whole(octets, _HEADER.size)  # says that octets are left
    return sequence, command


def _unknown(cluster: int, control: int, number: int, sender: Side) -> ZclMalformed:
    """Say why no row fits: this sender's frames don't begin like that, or there is no such command."""
    if control not in (FRAME_CONTROL[sender], GENERAL_CONTROL[sender]):
        expected = f"{FRAME_CONTROL[sender]:#04x}"
        return ZclWrong(layout="ZCL header", field="frame_control", offset=0, got=f"{control:#04x}", expected=expected)
    return ZclUnknown(cluster=f"{cluster:#06x}", sender=sender.name.lower(), offset=2, got=f"{number:#04x}")


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
        header = _HEADER.pack(row.control, sequence, row.number)
    except struct.error:
        raise ValueUnwritable(layout="ZCL header", field="sequence", got=repr(sequence), expected="0…0xff") from None
    return header + row.layout.write(command)
