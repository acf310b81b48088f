"""What a home says, as frames: the same octets that a hub and its device would make, signed with their keys.

Numbers of uplinks and counters of messages come from the order or the question that they are about. So what an estate
says again after a restart is the same uplink again, and counts once.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import AlertCode, TransferResponseCode
from hanota.base.vocabulary.parties import KeyUsage
from hanota.edge.estate.flow.told import Told
from hanota.wire.gbcs import ActivationAlert, ActivationResult, Message, ReadResponseCode, TransferAlert, VersionRead
from hanota.wire.gbcs.build import activation_alert, read_version_response, transfer_alert
from hanota.wire.smki.certificate import Certificate, Credential
from hanota.wire.wan import DeviceSeen, GbcsUp, Receipt, ReceiptStatus, Report, SeenWhy, sign_uplink, write_frame

FindCredential = Callable[[Eui64, KeyUsage], Credential]

_STATUS: Final[Mapping[str, ReceiptStatus]] = {
    Told.ACCEPTED: ReceiptStatus.ACCEPTED,
    Told.HELD: ReceiptStatus.HELD,
    Told.TRANSFERRING: ReceiptStatus.TRANSFERRING,
    Told.TRANSFERRED: ReceiptStatus.TRANSFERRED,
    Told.BUSY: ReceiptStatus.REFUSED_NO_SLOT,
    Told.CANCELLED: ReceiptStatus.CANCELLED,
}
PLACES: Final = 32
"""Numbers of one order: one for each kind, and for each tenth of the image."""
_TENTHS: Final = 10
_OF_KINDS: Final = {kind.value: place for place, kind in enumerate(Told, start=_TENTHS)}
PLACE: Final = (
    pl.when(pl.col("told") == Told.TRANSFERRING.value)
    .then("tenth")
    .otherwise(pl.col("told").replace_strict(_OF_KINDS, return_dtype=pl.Int64))
)
"""The place of a row of SAID among its order's."""
_EVENT: Final = pl.coalesce("order", "message") * PLACES + PLACE


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One uplink: its number, whose it is, and the frame. It is about an order, or answers a question (`message`).

    `last`: nothing more follows about the order, which ran the image if it `ran`.
    """

    event: int
    hub: Eui64
    frame: bytes
    order: int | None
    message: int | None
    last: bool
    ran: bool


class Sayer:
    """Makes frames; `credential` gives the keys of hubs and devices, `acb` is the DCC's for key agreement."""

    def __init__(self, credential: FindCredential, acb: Certificate) -> None:
        self._credential = credential
        self._acb = acb

    def frames(self, said: pl.DataFrame, asked: Mapping[int, Message | None]) -> Iterator[Said]:
        """Give the frame of every row that `FlowHomes.due` gave.

        `asked` are the questions by number, None for one that the hub answers.
        """
        for row in said.with_columns(event=_EVENT).iter_rows(named=True):
            hub, event = Eui64.from_signed(row["hub"]), row["event"]
            report = self._report(row, event, asked)
            signing = self._credential(hub, KeyUsage.DIGITAL_SIGNATURE)
            uplink = sign_uplink(report, signing.key, hub=hub, event=event, sent=Instant(row["at"]))
            ran = row["told"] != Told.CANCELLED
            about = {name: row[name] for name in ("order", "message", "last")}
            yield Said(event=event, hub=hub, frame=write_frame(uplink), ran=ran, **about)

    def _report(self, row: Mapping[str, Any], event: int, asked: Mapping[int, Message | None]) -> Report:
        told, at = row["told"], Instant(row["at"])
        device, version = Eui64.from_signed(row["device"]), row["version"]
        if told in _STATUS:
            counts = {name: row[name] for name in ("offset", "blocks", "repeats")}
            return Receipt(order=row["order"], status=_STATUS[told], **counts)
        if told == Told.CCS08:
            done = TransferAlert(
                alert_code=AlertCode.FIRMWARE_TRANSFER_SUCCEEDED,
                at=at,
                device=device,
                file_version=version,
                result=TransferResponseCode.FILE_TRANSFER_SUCCESS,
            )
            hub = self._credential(Eui64.from_signed(row["hub"]), KeyUsage.DIGITAL_SIGNATURE)
            return GbcsUp(data=transfer_alert(done, hub=hub, recipient=self._acb.eui, counter=event))
        signing = KeyUsage.DIGITAL_SIGNATURE
        if told == Told.CS09:
            ran = ActivationAlert(
                alert_code=AlertCode.PPMID_FIRMWARE_ACTIVATION,
                at=at,
                result=ActivationResult.SUCCESS,
                file_version=version,
            )
            own = self._credential(device, signing)
            return GbcsUp(data=activation_alert(ran, device=own, recipient=self._acb.eui, counter=event))
        command = asked[row["message"]]
        if command is None:
            why = SeenWhy.READ_FOR_DCC
            return DeviceSeen(device=device, file_version=version, why=why, message=row["message"])
        read = VersionRead(response_code=ReadResponseCode.READ_SUCCESS, file_version=version)
        agreement = self._credential(device, KeyUsage.KEY_AGREEMENT)
        return GbcsUp(data=read_version_response(read, command=command, device=agreement, acb=self._acb))
