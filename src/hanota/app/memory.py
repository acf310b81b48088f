"""How often a process looks for garbage in cycles: seldom, where it works through batches of many thousand rows."""

import gc
from typing import Final

_NEW_MAX: Final = 500_000  # rows of three or four rounds of frames, none of which is a cycle
_YOUNG_ROUNDS: Final = 20


def collect_seldom() -> None:
    """Look for cycles once in so many new objects, and never among those that are there already.

    Rows of a query are many objects and no cycles: Python looks through them again and again, which took a quarter of
    a rollout's time. For processes that work through batches until they end.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_MAX, _YOUNG_ROUNDS, _YOUNG_ROUNDS)
