"""An agent for homes at flow level: `hanota hub-agent`'s loop around `FlowEstate`, over NATS, as a process of its own.

`python -m helpers.flow_agent TOWN FOLDER NUMBER/OF SPEED SINCE DCC NATS`. Its journal is in FOLDER; it may be killed at
any time.
"""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Final

from hanota.app.clock import CommonClock
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.parties import KeyUsage
from hanota.edge.estate.flow import BRIEF, WHOLE, FlowEstate, FlowHomes, FlowJournal
from hanota.model.policies import HanPolicy, Policies
from hanota.wan.jetstream import NatsPremisesWan
from helpers.town import REGIONS, Keeper

SAID: Final = WHOLE if os.environ.get("HANOTA_TEST_PROFILE") == "nightly" else BRIEF
BLOCK_PERIOD_MS: Final = 50
_NAP_S: Final = 0.02  # so that what comes in a burst is worked off together
_NAP_S_MAX: Final = 0.25
_DRAIN_S_MAX: Final = 5.0


def main() -> None:
    """Let things happen in the homes until stopped."""
    file, folder, share, speed, since, dcc, url = sys.argv[1:]
    number, of = map(int, share.split("/"))
    keeper = Keeper(Path(file), Eui64.parse(dcc))
    homes = keeper.homes(number, of)
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    hubs = {
        Eui64.from_signed(hub): REGIONS[home % len(REGIONS)].value for home, hub in homes["number", "hub"].iter_rows()
    }
    woken = threading.Event()
    wan = NatsPremisesWan(url, hubs=hubs, name=f"flow-{number}", folder=place / "images")
    wan.listen(woken.set)
    estate = FlowEstate(
        FlowHomes(homes, policies=Policies(han=HanPolicy(min_block_period_ms=BLOCK_PERIOD_MS)), seed=number, said=SAID),
        wan=wan,
        credential=keeper.credential,
        acb=keeper.acb(KeyUsage.KEY_AGREEMENT),
        acb_signing=keeper.acb(KeyUsage.DIGITAL_SIGNATURE).public_key,
        journal=FlowJournal(place / "journal"),
    )
    clock = CommonClock(float(speed), Instant(int(since)))
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    while not stopping.wait(_NAP_S):
        woken.clear()
        due = estate.advance(clock.now())
        if wan.next_due() is None:
            woken.wait(_NAP_S_MAX if due is None else min(clock.seconds_until(due), _NAP_S_MAX))
    wan.drain(_DRAIN_S_MAX)
    sys.stdout.write(f"received {wan.received} sent {wan.handed_over} unacknowledged {estate.unacknowledged}\n")
    wan.close()


if __name__ == "__main__":
    main()
