"""Planted bugs: does the simulator see? Each is one fault of a line, planted for a run and taken out again.

`rule` is the invariant that catches it and `seed` the first seed that does, as the hunt found them.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from hanota.base.ids import RequestId
from hanota.model.delivery import State
from hanota.sim.farm import run_seed
from hanota.sim.planting import (
    Change,
    always,
    believed,
    fixed,
    guessing,
    losing_alert,
    losing_report,
    moved_block,
    never_again,
    taken_by_nobody,
    taking,
    without,
)
from hanota.sim.quiet import quiet
from hanota.sim.run import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """One bug: what it does in plain words, and where; `at` is a module and the name of what is changed in it."""

    name: str
    says: str
    at: str
    change: Change
    rule: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Catch:
    """How the hunt for a bug went."""

    bug: Bug
    seeds: int
    outcome: Outcome | None

    @property
    def caught(self) -> bool:
        """Whether some seed saw it."""
        return self.outcome is not None


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Let the bug be in the code for a while."""
    module, _, path = bug.at.partition(":")
    holder: Any = importlib.import_module(module)
    *way, last = path.split(".")
    for name in way:
        holder = getattr(holder, name)
    own = vars(holder)[last]
    setattr(holder, last, bug.change(own))
    try:
        yield
    finally:
        setattr(holder, last, own)


def hunt(bug: Bug, seeds: range) -> Catch:
    """Look for the first of these seeds that sees a bug; a run that a bug makes crash has seen it, too."""
    with quiet(), planted(bug):
        for count, seed in enumerate(seeds, 1):
            outcome = run_seed(seed)
            if not outcome:
                return Catch(bug=bug, seeds=count, outcome=outcome)
    return Catch(bug=bug, seeds=len(seeds), outcome=None)


def _drifted(identifier: RequestId, tries: int) -> RequestId:
    return replace(identifier, counter=identifier.counter + 1_000_000 * tries)


_BOOK: Final = "hanota.edge.hub.book:OrderBook"
_SLOT: Final = "hanota.edge.hub.slots:Slot"
_BANKS: Final = "hanota.edge.devices.banks:Banks"

BUGS: Final[tuple[Bug, ...]] = (
    Bug(
        name="device-skips-image-checks",
        says="a device takes any file that it has fetched whole",
        at="hanota.edge.devices.client:unfit_image",
        change=always(None),
        rule="I2",
        seed=9,
    ),
    Bug(
        name="hub-skips-hash",
        says="a hub serves an image without looking at its SHA-256",
        at=f"{_SLOT}.hash_agrees",
        change=always(True),
        rule="I2",
        seed=34,
    ),
    Bug(
        name="slot-guard-dropped",
        says="a slot counts as empty whatever is in it",
        at=f"{_SLOT}.empty",
        change=fixed(True),
        rule="I1",
        seed=1,
    ),
    Bug(
        name="slot-never-released",
        says="a hub keeps an image that nobody needs any more",
        at=f"{_BOOK}.release_unneeded",
        change=always(None),
        rule="I4 homes settle",
        seed=0,
    ),
    Bug(
        name="anybody-replaces",
        says="an image with ForceReplace displaces anybody's",
        at="hanota.edge.hub.book:may_replace",
        change=lambda _: lambda _policies, new, _old: new.force_replace != 0,
        rule="I1",
        seed=24,
    ),
    Bug(
        name="anybody-displaced",
        says="an order that finds no slot takes one",
        at="hanota.edge.hub.book:may_replace",
        change=always(True),
        rule="I1",
        seed=24,
    ),
    Bug(
        name="uplinks-forgotten",
        says="a hub forgets what it had to say when its power goes",
        at="hanota.edge.hub.outbox:below",
        change=always(()),
        rule="I4 homes settle",
        seed=1,
    ),
    Bug(
        name="uplink-said-once",
        says="a hub says everything once, acknowledged or not",
        at="hanota.edge.hub.outbox:RESEND",
        change=never_again,
        rule="I4 homes settle",
        seed=0,
    ),
    Bug(
        name="order-unchecked",
        says="a hub believes an order whose signature does not hold",
        at="hanota.edge.hub.hub:open_order",
        change=believed,
        rule="I1",
        seed=6,
    ),
    Bug(
        name="uplink-unchecked",
        says="the head end believes an uplink whose signature does not hold",
        at="hanota.wire.marks:_holding",
        change=lambda _: len,
        rule="I7 nothing acknowledged is lost",
        seed=0,
    ),
    Bug(
        name="device-said-once",
        says="a device says its alerts once, whether the hub takes them or not",
        at="hanota.edge.devices.outgoing:RETRY",
        change=never_again,
        rule="I4 homes settle",
        seed=3,
    ),
    Bug(
        name="no-fall-back",
        says="a device stays with an image that fails its self-test",
        at=f"{_BANKS}.healthy",
        change=fixed(True),
        rule="I4 homes settle",
        seed=22,
    ),
    Bug(
        name="wrong-bank-written",
        says="a device writes a new image over the one that runs",
        at=f"{_BANKS}.write_spare",
        change=lambda _: (
            lambda banks, image, turn: (turn.store(f"bank/{banks._boot}", image[:40]), banks._hold(True, turn))
        ),
        rule="crash",
        seed=0,
    ),
    Bug(
        name="spare-bank-unwritten",
        says="a device says that it holds an image before it has written it",
        at=f"{_BANKS}.write_spare",
        change=lambda _: lambda banks, _image, turn: banks._hold(True, turn),
        rule="crash",
        seed=0,
    ),
    Bug(
        name="block-misplaced",
        says="a device takes any block for the one that comes next",
        at="hanota.edge.devices.fetching:Download.take",
        change=moved_block,
        rule="I2",
        seed=9,
    ),
    Bug(
        name="consent-ignored",
        says="a hub installs what the consumer said no to",
        at="hanota.edge.hub.consent:Consents._answered",
        change=lambda real: lambda consents, asking, answer, turn: real(consents, asking, type(answer).YES, turn),
        rule="R27 no is no",
        seed=20,
    ),
    Bug(
        name="refusal-forgotten",
        says="the head end does not look whether the consumer has refused",
        at="hanota.process.check.devices:DEVICE_CHECKS",
        change=without("refused_by_consumer"),
        rule="R27 no is no",
        seed=25,
    ),
    Bug(
        name="two-at-once",
        says="two requests for one device are both accepted",
        at="hanota.process.check.devices:DEVICE_CHECKS",
        change=without("in_progress"),
        rule="I7 nothing acknowledged is lost",
        seed=1,
    ),
    Bug(
        name="anybody-sends",
        says="any Supplier may send to any device",
        at="hanota.process.check.devices:DEVICE_CHECKS",
        change=without("not_responsible"),
        rule="I3 nobody acts without right",
        seed=2,
    ),
    Bug(
        name="commanded-unjudged",
        says="whoever asks may command an activation",
        at="hanota.process.check.commands:TargetCase.concerned",
        change=fixed(True),
        rule="I3 nobody acts without right",
        seed=13,
    ),
    Bug(
        name="state-rewound",
        says="a late progress report takes a transferred delivery back",
        at="hanota.process.stage:_TABLE",
        change=taking((State.TRANSFERRED, "transfer_progressed", State.TRANSFERRING)),
        rule="I4 only forward",
        seed=1,
    ),
    Bug(
        name="verdict-lost",
        says="nobody hears that an update is confirmed",
        at="hanota.records.store.applying:write_alerts",
        change=losing_alert("Confirmed"),
        rule="I6 alerts",
        seed=0,
    ),
    Bug(
        name="failure-untold",
        says="nobody hears that an activation failed",
        at="hanota.records.store.applying:write_alerts",
        change=losing_alert("ActivationFailure"),
        rule="I6 alerts",
        seed=15,
    ),
    Bug(
        name="receipt-unkept",
        says="a receipt is acknowledged and not kept",
        at="hanota.process.pipeline:save_reports",
        change=losing_report("image_held"),
        rule="I7 nothing acknowledged is lost",
        seed=0,
    ),
    Bug(
        name="report-unkept",
        says="a device's activation report is acknowledged and not kept",
        at="hanota.process.pipeline:save_reports",
        change=losing_report("activation_succeeded"),
        rule="I7 nothing acknowledged is lost",
        seed=0,
    ),
    Bug(
        name="answer-made-anew",
        says="a request that comes again is judged again",
        at="hanota.process.acceptance:stored_answer",
        change=always(None),
        rule="I9",
        seed=0,
    ),
    Bug(
        name="replays-count",
        says="a report that comes twice counts twice",
        at="hanota.records.store.reports:_unseen",
        change=lambda _: lambda _connection, reports: reports,
        rule="crash",
        seed=0,
    ),
    Bug(
        name="chain-loose",
        says="events are not bound to the one before",
        at="hanota.records.ledger.log:entry_of",
        change=lambda real: lambda event, lane, seq, _digest: real(event, lane, seq, bytes(32)),
        rule="I8 evidence verifies",
        seed=0,
    ),
    Bug(
        name="post-uncounted",
        says="a message counts as taken though nobody took it",
        at="hanota.app.posting:Posting._note",
        change=taken_by_nobody,
        rule="I6 posts",
        seed=2,
    ),
    Bug(
        name="response-id-drifts",
        says="a message gets another ResponseID each time it is tried",
        at="hanota.app.messages:identifier",
        change=lambda real: lambda message, dcc: _drifted(real(message, dcc), message.tries),
        rule="I6 posts",
        seed=2,
    ),
    Bug(
        name="inventory-guesses",
        says="the inventory is told a version that nobody reported",
        at="hanota.records.store.applying:write_reported",
        change=guessing,
        rule="I5 versions have evidence",
        seed=0,
    ),
    Bug(
        name="others-untold",
        says="other Suppliers of the home do not hear that somebody asks for an update",
        at="hanota.records.store.applying:write_alerts",
        change=losing_alert("UpgradeRequested"),
        rule="I6 alerts",
        seed=0,
    ),
    Bug(
        name="sight-unkept",
        says="what a hub saw of a device is acknowledged and not kept",
        at="hanota.process.pipeline:save_reports",
        change=losing_report("version_seen"),
        rule="I7 nothing acknowledged is lost",
        seed=0,
    ),
    Bug(
        name="no-unkept",
        says="a consumer's refusal is acknowledged and not kept",
        at="hanota.process.pipeline:save_reports",
        change=losing_report("consumer_refused"),
        rule="I7 nothing acknowledged is lost",
        seed=20,
    ),
)
