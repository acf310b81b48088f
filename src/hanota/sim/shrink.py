"""A failing plan, made as small as it fails: deeds are left out, half of them at first, one by one at last."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from hanota.sim.plan import Deed, Plan
from hanota.sim.run import Meet, run_plan

RUNS_MAX: Final = 120


def shrink(plan: Plan, rule: str, meet: Meet | None = None, tell: Callable[[int, int], None] | None = None) -> Plan:
    """Leave out what the failure of `rule` does not need. `tell` hears how many deeds are left and how many runs were
    made. The same plan always shrinks to the same one.
    """
    deeds, size, runs = list(plan.deeds), max(len(plan.deeds) // 2, 1), 0

    def fails(kept: list[Deed]) -> bool:
        return run_plan(replace(plan, deeds=tuple(kept)), meet).broken == rule

    while size and runs < RUNS_MAX:
        at = 0
        while at < len(deeds) and runs < RUNS_MAX:
            kept = deeds[:at] + deeds[at + size :]
            runs += 1
            if fails(kept):
                deeds = kept
            else:
                at += size
            if tell is not None:
                tell(len(deeds), runs)
        size //= 2
    return replace(plan, deeds=tuple(deeds))
