"""The homes that a lean worker serves: what they say next follows from the store alone, so a death costs them nothing.

Each uplink has the number that its delivery and its step give it: said again, it is the same uplink.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

from hanota.app.pki import Party, make_pki
from hanota.app.registering import register_estate
from hanota.base.eui import Eui64
from hanota.base.instant import SECOND, Instant, parse_iso
from hanota.base.vocabulary.devices import AlertCode, TransferResponseCode
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.estate import EstateDescription
from hanota.edge.estate.description import parse_description
from hanota.model.policies import AlertPolicy, AnomalyPolicy, Policies
from hanota.records.store import Store, open_store
from hanota.wire import gbcs
from hanota.wire.smki import KeyDirectory
from hanota.wire.wan import (
    Acknowledge,
    Cancel,
    Distribute,
    GbcsDown,
    GbcsUp,
    Receipt,
    ReceiptStatus,
    Report,
    SignedOrder,
    open_order,
    read_frame,
    sign_uplink,
    write_frame,
)
from helpers.ends import PlainEnd
from helpers.system import DCC, Firmware, Home, firmware, make_estate

NOW: Final = parse_iso("2026-01-15T09:00:00Z")
HOMES: Final = tuple(Home(number) for number in range(1, 13))
VERSIONS: Final = tuple(range(0x0002_0001, 0x0002_0001 + 80))
POLICIES: Final = Policies(
    alert=AlertPolicy(confirm_after_ms=0, read_retry_ms=5 * SECOND), anomaly=AnomalyPolicy(limits=())
)
_IMAGE_OCTETS: Final = 600
_STEPS: Final = {"ON_WAN": (1, 2), "HELD": (3,), "TRANSFERRING": (4,), "ACTIVATING": (5,)}
_STATUS: Final = {1: ReceiptStatus.ACCEPTED, 2: ReceiptStatus.HELD, 3: ReceiptStatus.TRANSFERRING}
_OPEN: Final = f"""
    SELECT delivery.id, delivery.state, delivery.device, image.version FROM delivery
    JOIN request ON request.id = delivery.request JOIN image ON image.hash = request.image
    WHERE delivery.state IN ({", ".join(f"'{state}'" for state in _STEPS)}) ORDER BY delivery.id
"""
_READ: Final = 1 << 40
_DS, _KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT


@cache
def image(version: int) -> Firmware:
    """A certified image for the PPMIDs of the street."""
    return firmware(version, _IMAGE_OCTETS)


def make_street(folder: Path) -> None:
    """Write the estate, and a store in which it is registered."""
    make_estate(folder / "estate.toml", HOMES, [image(version) for version in VERSIONS])
    store = open_store(folder / "new.sqlite")
    register_estate(store, description(folder), keys(folder))
    store.close()  # everything is in one file now


@cache
def description(folder: Path) -> EstateDescription:
    """The estate; its parties take messages."""
    found = parse_description((folder / "estate.toml").read_text("utf-8"))
    return replace(found, parties=tuple(replace(party, callback="http://party.invalid") for party in found.parties))


@cache
def keys(folder: Path) -> KeyDirectory:
    """Everybody's keys, in every process the same."""
    estate = description(folder)
    parties = [Party(party.eui, party.name) for party in estate.parties]
    return make_pki(dcc=DCC, suppliers=parties, devices=estate.nodes(), rng=Random(3), now=NOW)


class Street(PlainEnd):
    """The homes as a carrier shows them. `tell` is called for every frame that the head end hands over."""

    def __init__(self, folder: Path, store: Store, rng: Random, tell: Callable[..., None]) -> None:
        self._keys = keys(folder)
        self._store = store
        self._rng = rng
        self._tell = tell
        self._answers: list[bytes] = []
        self._sources: dict[tuple[Eui64, int], str] = {}
        self._looked = False

    def look(self) -> None:
        """Let the homes go on by one step, once."""
        self._looked = False

    def send(self, hub: Eui64, frame: bytes, now: Instant) -> None:
        """Take a frame to a hub, and tell of it; a command to read a version is answered soon."""
        found: Any = read_frame(frame)
        if isinstance(found, Acknowledge):
            self._tell("heard", self._sources[hub, found.event])
        elif isinstance(found, GbcsDown):
            self._tell("read_version", found.message)
            self._answers.append(self._read_answer(hub, found, now))
        elif isinstance(found, SignedOrder):
            acb = self._keys.certificate(DCC, _DS, CertificateRole.ACCESS_CONTROL_BROKER)
            order: Any = open_order(found, acb.public_key)
            assert isinstance(order, Distribute | Cancel)
            self._tell("distribute" if isinstance(order, Distribute) else "cancel", order.order)

    def receive(self, now: Instant, limit: int) -> list[bytes]:
        """Give what the homes say at this step; now and then what they have said before."""
        if self._looked:
            return []
        self._looked = True
        frames, self._answers = self._answers, []
        with self._store.reading() as connection:
            for row in connection.exec_driver_sql(_OPEN):
                step = self._rng.choice(_STEPS[row.state])
                frames.append(self._uplink(row, step, now))
                if self._rng.random() < 0.3:
                    frames.append(self._uplink(row, self._rng.randint(1, step), now))
        self._rng.shuffle(frames)
        return frames

    def _uplink(self, row: Any, step: int, now: Instant) -> bytes:
        device = Eui64.from_signed(row.device)
        hub = next(home.hub for home in HOMES if home.ppmid == device)
        said = self._said(row, step, device, hub, now)
        return self._signed(said, hub, row.id * 16 + step, now)

    def _signed(self, said: Report, hub: Eui64, event: int, now: Instant) -> bytes:
        self._sources[hub, event] = f"uplink {hub}/{event}"
        if isinstance(said, GbcsUp):
            header = gbcs.read_message(said.data).header
            self._sources[hub, event] = f"gbcs {header.originator}/{int(header.message_code):04X}/{header.counter}"
        key = self._keys.credential(hub, _DS).key
        return write_frame(sign_uplink(said, key, hub=hub, event=event, sent=now))

    def _said(self, row: Any, step: int, device: Eui64, hub: Eui64, now: Instant) -> Report:
        at = Instant(now - now % SECOND)
        if step in _STATUS:
            octets = 300 if step == 3 else 0
            return Receipt(order=row.id, status=_STATUS[step], offset=octets, blocks=octets // 50, repeats=0)
        if step == 4:
            transferred = gbcs.TransferAlert(
                alert_code=AlertCode.FIRMWARE_TRANSFER_SUCCEEDED,
                at=at,
                device=device,
                file_version=row.version,
                result=TransferResponseCode.FILE_TRANSFER_SUCCESS,
            )
            signer = self._keys.credential(hub, _DS)
            return GbcsUp(data=gbcs.transfer_alert(transferred, hub=signer, recipient=DCC, counter=row.id * 16 + step))
        activated = gbcs.ActivationAlert(
            alert_code=AlertCode.PPMID_FIRMWARE_ACTIVATION,
            at=at,
            file_version=row.version,
            result=gbcs.ActivationResult.SUCCESS,
        )
        signer = self._keys.credential(device, _DS)
        return GbcsUp(data=gbcs.activation_alert(activated, device=signer, recipient=DCC, counter=row.id * 16 + step))

    def _read_answer(self, hub: Eui64, command: GbcsDown, now: Instant) -> bytes:
        with self._store.reading() as connection:
            (version,) = connection.exec_driver_sql(
                "SELECT version FROM device WHERE eui = ?", (command.device.signed,)
            ).one()
        answer = gbcs.read_version_response(
            gbcs.VersionRead(file_version=version, response_code=gbcs.ReadResponseCode.READ_SUCCESS),
            command=gbcs.read_message(command.data),
            device=self._keys.credential(command.device, _KA),
            acb=self._keys.certificate(DCC, _KA, CertificateRole.ACCESS_CONTROL_BROKER),
        )
        return self._signed(GbcsUp(data=answer), hub, _READ + command.message, now)
