"""Waiting longer after each failed try, up to a limit. Deterministic: jitter is the link's business."""

from dataclasses import dataclass

_DOUBLINGS_MAX = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """First wait and longest wait, milliseconds; each try doubles the wait."""

    first_ms: int
    longest_ms: int

    def wait_ms(self, tries: int) -> int:
        """How long to wait after the given number of earlier tries (0, 1, …)."""
        return min(self.first_ms << min(tries, _DOUBLINGS_MAX), self.longest_ms)
