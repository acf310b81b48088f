"""The command table as a table, and as zigpy knows the same cluster."""

import pytest
from zigpy.zcl.clusters.general import Ota

from hanota.wire.zcl import OTA_CLUSTER, TUNNELING_CLUSTER, Command, Side, TransferData
from hanota.wire.zcl.tables import FRAME_CONTROL, ROWS, Row


def test_a_number_means_one_command_to_each_side() -> None:
    assert len({(row.cluster, row.control, row.number) for row in ROWS}) == len(ROWS)


def test_numbers_of_the_ota_cluster_are_unique_and_without_gaps() -> None:
    numbers = sorted(row.number for row in ROWS if row.cluster == OTA_CLUSTER and not row.general)
    assert numbers == list(range(len(numbers)))


def test_every_command_has_a_row_and_every_row_a_clause() -> None:
    assert {row.command for row in ROWS} == set(Command.__args__)
    assert all(row.clause for row in ROWS)


def test_requests_come_from_clients_and_responses_from_servers() -> None:
    for row in (row for row in ROWS if not row.general):
        name = row.command.__name__
        if name.endswith("Request"):
            assert row.sender is Side.CLIENT, name
        if name.endswith("Response"):
            assert row.sender is Side.SERVER, name


def test_direction_bit_is_the_side() -> None:
    assert {side: control >> 3 & 1 for side, control in FRAME_CONTROL.items()} == {Side.CLIENT: 0, Side.SERVER: 1}
    assert all(control & 0b111 == 0b001 for control in FRAME_CONTROL.values()), "cluster-specific, no manufacturer code"


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.cluster == OTA_CLUSTER and not row.general], ids=lambda row: row.command.__name__
)
def test_numbers_are_those_of_zigpy(row: Row) -> None:
    theirs = Ota.client_commands if row.sender is Side.SERVER else Ota.server_commands
    ours = row.command.__name__.lower().removesuffix("request")  # zigpy names a request by what is asked
    assert theirs[row.number].name.replace("_", "") == ours


def test_each_side_has_its_own_number_for_transfer_data() -> None:
    numbers = {row.sender: row.number for row in ROWS if row.command is TransferData}
    assert numbers == {Side.SERVER: 0x01, Side.CLIENT: 0x02}
    assert {row.cluster for row in ROWS if row.command is TransferData} == {TUNNELING_CLUSTER}
