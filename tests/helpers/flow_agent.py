"""An agent for homes at flow level: `hanota hub-agent`'s loop around `FlowEstate`, over NATS, as a process of its own.

`python -m helpers.flow_agent PKI FOLDER NUMBER/OF HOMES DCC NATS`. Its journal is in FOLDER; it may be killed at any
time. It imports no more than it needs, for each of its lives begins with that.
"""

import signal
import sys
import threading
import time
from pathlib import Path
from typing import Final

import polars as pl

from hanota.app.bench.identities import Identities
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import CspRegion, DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.estate.flow import BRIEF, FlowEstate, FlowHomes, FlowJournal
from hanota.model.policies import HanPolicy, Policies
from hanota.wan.jetstream import NatsPremisesWan
from hanota.wire.smki import read_directory

FIRST_HUB: Final = 0x00DB_5000_0000_0000  # these and the version are the town's (`hanota.app.bench.town`)
FIRST_DEVICE: Final = 0x00DB_4000_0000_0000
VERSION: Final = 0x0001_0000
REGIONS: Final = (CspRegion.NORTH, CspRegion.CENTRAL, CspRegion.SOUTH)
BLOCK_PERIOD_MS: Final = 50
_NAP_S: Final = 0.1  # so that what comes in a burst is worked off together
_NAP_S_MAX: Final = 0.25
_FRAMES_MAX: Final = 1_000  # settled at once: who is killed often comes no further with more
_DRAIN_S_MAX: Final = 5.0


def now() -> Instant:
    return Instant(time.time_ns() // 1_000_000)


def homes(count: int, number: int, of: int) -> pl.DataFrame:
    """The homes that one of several agents has: every `of`-th, whose region goes by its number in the town."""
    home = pl.int_range(number - 1, count, of, eager=True).alias("home")
    return home.to_frame().select(
        "home",
        hub=home + FIRST_HUB,
        device=home + FIRST_DEVICE,
        device_type=pl.lit(DeviceType.PPMID.value),
        version=pl.lit(VERSION, pl.Int64),
    )


def main() -> None:
    """Let things happen in the homes until stopped."""
    pki, folder, share, count, dcc_text, url = sys.argv[1:]
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    number, of = map(int, share.split("/"))
    keys, dcc = read_directory(Path(pki)), Eui64.parse(dcc_text)
    mine = homes(int(count), number, of)
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    hubs = {Eui64.from_signed(hub): REGIONS[home % len(REGIONS)].value for home, hub in mine["home", "hub"].iter_rows()}
    woken = threading.Event()
    wan = NatsPremisesWan(url, hubs=hubs, name=f"flow-{number}", folder=place / "images")
    wan.listen(woken.set)
    policies = Policies(han=HanPolicy(min_block_period_ms=BLOCK_PERIOD_MS))
    broker = CertificateRole.ACCESS_CONTROL_BROKER
    estate = FlowEstate(
        FlowHomes(mine.drop("home"), policies=policies, seed=number, said=BRIEF),
        wan=wan,
        credential=Identities(keys, now()).credential,
        acb=keys.certificate(dcc, KeyUsage.KEY_AGREEMENT, broker),
        acb_signing=keys.certificate(dcc, KeyUsage.DIGITAL_SIGNATURE, broker).public_key,
        journal=FlowJournal(place / "journal"),
    )
    while not stopping.wait(_NAP_S):
        woken.clear()
        due = estate.advance(now(), _FRAMES_MAX)
        if wan.next_due() is None:
            woken.wait(_NAP_S_MAX if due is None else min(max(0, due - now()) / 1000, _NAP_S_MAX))
    wan.drain(_DRAIN_S_MAX)
    sys.stdout.write(f"received {wan.received} sent {wan.handed_over} unacknowledged {estate.unacknowledged}\n")
    wan.close()


if __name__ == "__main__":
    main()
