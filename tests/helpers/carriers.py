"""One world over each carrier: in process, or both ends of NATS over a server of its own.

Virtual time stands while frames are on their way through NATS, and jumps to what is due next when nothing is.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from hanota.app.carrying import head_end_over_nats
from hanota.app.world import World, WorldSettings, open_world_store
from hanota.base.instant import MINUTE, SECOND, Instant
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.estate import EstateDescription
from hanota.model.policies import Policies, WanPolicy
from hanota.records.store import Store
from hanota.records.store import schema as t
from hanota.wan.inprocess import NetworkModel
from hanota.wan.jetstream import Limits, NatsHeadEndWan, NatsPremisesWan
from hanota.wire import duis
from helpers.nats_server import NatsServer, urls
from helpers.premises import NOW
from helpers.world import SUPPLIER_1, description

QUIET_S = 0.5
"""How long something in flight is waited for before it counts as lost; a frame takes a millisecond or two."""
SMALL = Limits(stream_octets=16 * 1024 * 1024, images_octets=32 * 1024 * 1024)
LIMIT_MS = 3000 * MINUTE
"""Virtual time that a delivery may take."""


@dataclass
class NatsEnds:
    """Both ends in one process, as a `Carrier`."""

    head_end: NatsHeadEndWan
    premises: NatsPremisesWan

    def close(self) -> None:
        self.head_end.close()
        self.premises.close()


@contextlib.contextmanager
def quick_folder(otherwise: Path) -> Iterator[Path]:
    """A folder in memory where there is such a thing: these tests kill no machine, so no disk need be waited for."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield otherwise
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="hanota-") as name:
        yield Path(name)


class Scene:
    """A world over one carrier, with a folder; its parts may be killed and come back."""

    def __init__(
        self,
        folder: Path,
        servers: Sequence[NatsServer] = (),
        *,
        order_retry_ms: int = 30 * SECOND,
        network: NetworkModel | None = None,
        connect_s: float = 30,
    ) -> None:
        self.folder = folder
        self.servers = servers
        self.connect_s = connect_s
        self.network = network or NetworkModel()
        self.now = NOW
        self.policies = Policies(wan=WanPolicy(order_retry_ms=order_retry_ms, chunk_octets=256))
        self.description: EstateDescription = description()
        self._lost_down = self._lost_up = 0
        self.ends: NatsEnds | None = None
        self.open()

    def open(self) -> None:
        """Begin anew with what folder and server have kept, as after the death of the process."""
        store = open_world_store(self.folder)
        self.ends = self._ends(store, urls(self.servers)) if self.servers else None
        settings = WorldSettings(
            description=self.description, policies=self.policies, folder=self.folder, network=self.network
        )
        self.world = World(settings, now=self.now, rng=Random(3), store=store, carrier=self.ends)
        self._lost_down = self._lost_up = 0

    def _ends(self, store: Store, url: str) -> NatsEnds:
        hubs = {home.hub.chf: home.region.value for home in self.description.premises}
        head_end = head_end_over_nats(store, url, regions=sorted(set(hubs.values())), limits=SMALL)
        premises = NatsPremisesWan(url, hubs=hubs, name="agent-1", folder=self.folder / "images", limits=SMALL)
        ends = NatsEnds(head_end, premises)
        assert head_end.wait(self.connect_s), head_end.state
        assert premises.wait(self.connect_s), premises.state
        return ends

    def kill(self) -> None:
        """End everything but the server at once; what was not durable is gone."""
        if self.ends is None:
            self.world.wan.drop_all()
        else:
            self.ends.close()
        self.world.close()

    def submit(self, asked: duis.Request) -> None:
        """Send a request that is accepted."""
        signer = self.world.keys.credential(SUPPLIER_1, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN)
        answer = self.world.submit(duis.sign(duis.write_request(asked), signer), "D", self.now)
        assert answer.code.accepted, answer

    def state(self) -> str:
        with self.world.store.reading() as connection:
            return str(connection.execute(t.delivery.select()).one().state)

    def queue_cancel(self) -> None:
        """Have the order taken back."""
        row = {"kind": "cancel", "delivery": 1, "queued_at": self.now, "due": self.now}
        with self.world.store.writing() as connection:
            connection.execute(t.outbox.insert().values(row))

    def alerts(self) -> list[tuple[int, str]]:
        with self.world.store.reading() as connection:
            return [(row.party, row.kind) for row in connection.execute(t.message.select())]

    def run(self, until: str, within_s: float = 120) -> None:
        """Let time go on until the delivery is in a state."""
        end, give_up = self.now + LIMIT_MS, time.monotonic() + within_s
        while True:
            due = self.world.step(self.now)
            if self.state() == until:
                return
            assert self.now < end, self.state()
            assert time.monotonic() < give_up, (self.state(), self.ends and self.ends.head_end.state)
            if self.ends is None or not self._something_came(self.ends):
                assert due is not None, self.state()
                self.now = max(due, Instant(self.now + 1))

    def _something_came(self, ends: NatsEnds) -> bool:
        """Wait while anything is in flight. Returns: whether something has arrived.

        What has not come for a while is lost: then time goes on, and it is sent again. While the server is away time
        stands.
        """
        if not (ends.head_end.state.connected and ends.premises.state.connected):
            time.sleep(0.05)
            return True
        patience = time.monotonic() + QUIET_S
        while time.monotonic() < patience:
            if ends.head_end.next_due() is not None or ends.premises.next_due() is not None:
                return True
            down = ends.head_end.handed_over - ends.premises.received - self._lost_down
            up = ends.premises.handed_over - ends.head_end.received - self._lost_up
            if down <= 0 and up <= 0 and not ends.premises.busy:
                return False
            time.sleep(0.0005)
        self._lost_down = ends.head_end.handed_over - ends.premises.received
        self._lost_up = ends.premises.handed_over - ends.head_end.received
        return False
