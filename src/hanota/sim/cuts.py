"""The power of a device goes at every write, and every time it comes back there is a bank to boot (I10, I2).

An update is run once as it goes when the power stays. At each turn in which the device stores something, copies of the
home are made in which the power goes: before anything of the turn is stored, after all of it is but nothing was sent,
and with the first few of its stores alone, which whoever runs a device ought never to let happen. Each copy then goes
on by itself: until the device has asked for the first octet that it lacks and has stored it, or to the very end.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from hanota.base.errors import BadValue, HanotaError, require
from hanota.base.instant import MINUTE, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.edge.effects import Store
from hanota.model.policies import Policies
from hanota.model.profiles import PROFILES
from hanota.sim.cuts_home import CutHome, put
from hanota.sim.cuts_scene import set_scene

CUT_PROFILES: Final = (DeviceType.PPMID, DeviceType.ESME, DeviceType.HCALCS)
SMALL_OCTETS: Final = 64 * 1024
FULL_OCTETS: Final = 750 * 1024
IMAGE_OCTETS_MIN: Final = 1024

_QUIET_MS: Final = 10 * MINUTE  # after the end, in which nothing more may be said
_EVENTS_SHORT: Final = 500
_EVENTS_MORE: Final = 20_000  # of a run to the end, beyond those of its blocks
_EVENTS_A_BLOCK: Final = 12
_EDGE: Final = 3  # blocks at either end whose cuts are run to the end
_TORN_EDGE: Final = 12  # likewise, of the stores of one turn
_FAILURES_TOLD: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CutPlan:
    """Which update, and which cuts of it are made and how far they are followed.

    The power goes at each `every`th turn that stores a block and no more, and each `to_end_every`th such turn is
    followed to the very end. What is more than a block (last block with verification, hold, activation, trial, reports)
    is always cut, and followed to the end; so are offer and first blocks, if `from_start`, and the last blocks. `torn`:
    also within turns. An image that is not `healthy` fails its self-test: then the old one has to run in the end.
    """

    profile: DeviceType
    image_octets: int
    every: int = 1
    to_end_every: int = 100
    from_start: bool = True
    torn: bool = True
    healthy: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CutReport:
    """What came of all cuts of one plan.

    `writes`: turns in which the device stores something. `before`, `after`, `torn`: cuts before, after and within
    them. `boots_old` and `boots_new`: which image there was to boot then. `resumed`, of `to_resume`: asked for the
    first octet that was missing and stored it. `ended`, of `to_end`: in the end the right image ran for good, all was
    said that is owed, and, unless the cut was torn, nothing twice. `failures` tells the first few of `failed`.
    """

    profile: DeviceType
    image_octets: int
    healthy: bool
    writes: int
    before: int
    after: int
    torn: int
    boots_old: int
    boots_new: int
    to_resume: int
    resumed: int
    to_end: int
    ended: int
    failed: int
    failures: tuple[str, ...]

    @property
    def cuts(self) -> int:
        """How often the power went."""
        return self.before + self.after + self.torn

    @property
    def bootable(self) -> int:
        """After how many cuts there was a whole image to boot, the old one or the new one."""
        return self.boots_old + self.boots_new

    def __bool__(self) -> bool:
        return not self.failed


def cut_plans(*, full: bool = False) -> tuple[CutPlan, ...]:
    """Give the plans of T4: 64 kB at every write, and 750 kB, at every write too if `full`, else each 2,500 octets."""
    small = [CutPlan(profile=profile, image_octets=SMALL_OCTETS) for profile in CUT_PROFILES]
    unhealthy = [CutPlan(profile=profile, image_octets=4096, healthy=False) for profile in CUT_PROFILES]
    every, to_end_every = (1, 100) if full else (50, 1500)
    large = [
        CutPlan(
            profile=profile,
            image_octets=FULL_OCTETS,
            every=every,
            to_end_every=to_end_every,
            from_start=False,
            torn=False,  # told by the small image: it is the same turns
        )
        for profile in CUT_PROFILES
    ]
    return (*small, *unhealthy, *large)


def run_cuts(plan: CutPlan, policies: Policies | None = None) -> CutReport:
    """Cut the power of a device at its writes while an image comes to it and is activated. Deterministic.

    Raises BadValue: no image comes to a device of that type, or the file is too small to be one.
    """
    device_type, octets = plan.profile, plan.image_octets
    require(PROFILES[device_type].ota, BadValue, kind="profile", value=device_type.value, expected="an updatable one")
    enough = octets >= IMAGE_OCTETS_MIN
    require(enough, BadValue, kind="image size", value=octets, expected=f"≥ {IMAGE_OCTETS_MIN} octets")
    policies = policies or Policies()
    cuts = _Cuts(plan, policies.han.block_octets)
    home = CutHome.begin(set_scene(device_type, octets, policies, healthy=plan.healthy), cuts.at_write)
    if not _ends(home, cuts.events_max, torn=False):
        cuts.fail("without any cut", home)
    counts = cuts.counts
    return CutReport(
        profile=device_type,
        image_octets=octets,
        healthy=plan.healthy,
        writes=counts["writes"],
        before=counts["before"],
        after=counts["after"],
        torn=counts["torn"],
        boots_old=counts["boots old"],
        boots_new=counts["boots new"],
        to_resume=counts["to resume"],
        resumed=counts["resumed"],
        to_end=counts["to end"],
        ended=counts["ended"],
        failed=counts["failed"],
        failures=tuple(cuts.failures),
    )


def report_line(report: CutReport, took_s: float) -> str:
    """Write a report as one line for people; `took_s` is how long it took."""
    lost = report.cuts - report.bootable
    return (
        f"{report.profile.value}, {'' if report.healthy else 'unhealthy '}image of {report.image_octets:,} octets: "
        f"{report.writes:,} writes; {report.cuts:,} cuts ({report.before:,} before a write, {report.after:,} after, "
        f"{report.torn:,} within); {f'{lost:,} NOT BOOTABLE' if lost else 'always bootable'} "
        f"({report.boots_old:,} old, {report.boots_new:,} new); {report.resumed:,} of {report.to_resume:,} resumed at "
        f"the right octet; {report.ended:,} of {report.to_end:,} run to the end ended well; {report.failed:,} failed; "
        f"{took_s:.1f} s"
    )


@dataclass(slots=True)
class _Cuts:
    """Makes the cuts as the writes come by, and counts what comes of them."""

    plan: CutPlan
    block_octets: int
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def events_max(self) -> int:
        return _EVENTS_MORE + _EVENTS_A_BLOCK * (self.plan.image_octets // self.block_octets)

    def fail(self, where: str, home: CutHome) -> None:
        self.counts["failed"] += 1
        if len(self.failures) < _FAILURES_TOLD:
            self.failures.append(f"{where}: {home.wrong or home.told()}")

    def at_write(self, home: CutHome, stores: Sequence[Store], block_octets: int) -> None:
        """Cut the power at a turn that stores something; `block_octets` of a block, 0 where it is more than one."""
        self.counts["writes"] += 1
        write = self.counts["writes"]
        to_end = self._at_edge(home) or write % self.plan.to_end_every == 0
        if block_octets and not to_end and write % self.plan.every:
            return
        to_end |= not block_octets and home.taken > 0
        before, after = home.cut(()), home.cut(stores)
        after.taken += block_octets
        self._follow(before, "before", f"before write {write}", to_end)
        self._follow(after, "after", f"after write {write}", to_end)
        if self.plan.torn:
            self._tear(home, stores, write)

    def _at_edge(self, home: CutHome) -> bool:
        """Whether it is one of the first turns, if those are wanted, or one of the last."""
        edge_octets = _EDGE * self.block_octets
        early, late = home.taken < edge_octets, home.taken >= self.plan.image_octets - edge_octets
        return late or (early and self.plan.from_start)

    def _tear(self, home: CutHome, stores: Sequence[Store], write: int) -> None:
        memory = dict(home.memory)
        for number, store in enumerate(stores[:-1], 1):
            put(memory, [store])
            edge = number <= _EDGE or number >= len(stores) - _TORN_EDGE
            if edge or number % self.plan.every == 0:
                where = f"after store {number} of {len(stores)} of write {write}"
                to_end = edge or number % self.plan.to_end_every == 0
                self._follow(home.cut_to(dict(memory)), "torn", where, to_end)

    def _follow(self, cut: CutHome, kind: str, where: str, to_end: bool) -> None:
        """Let a home go on in which the power has just gone."""
        self.counts[kind] += 1
        if not cut.bootable:
            cut.wrong = "no bank to boot"
            self.fail(where, cut)
            return
        self.counts["boots new" if cut.boots_new else "boots old"] += 1
        self.counts["to end" if to_end else "to resume"] += 1
        torn = kind == "torn"
        try:
            good = _ends(cut, self.events_max, torn=torn) if to_end else _resumes(cut, torn=torn)
        except (HanotaError, AssertionError) as error:  # a handler never raises
            good, cut.wrong = False, repr(error)
        self.counts["ended" if to_end else "resumed"] += good
        if not good:
            self.fail(where, cut)


def _resumes(cut: CutHome, *, torn: bool) -> bool:
    """Whether the device asks for the first octet that it lacks and stores it; or, `torn`, goes on in any way."""
    missing = cut.taken
    if not cut.run(lambda home: home.took is not None or home.ended, _EVENTS_SHORT):
        return False
    return torn or (not cut.ended and cut.asked == cut.took == missing)


def _ends(cut: CutHome, events_max: int, *, torn: bool) -> bool:
    """Whether the right image runs for good in the end, and all is said; once, unless the cut was `torn`."""
    if not cut.run(lambda home: home.settled and home.all_said, events_max):
        return False
    until = Instant(cut.now + _QUIET_MS)
    cut.run(lambda home: home.now >= until, events_max)
    return not cut.wrong and cut.settled and (torn or cut.said_once)
