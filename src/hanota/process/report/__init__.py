"""Stage 6, report: success is a version read from the device after a settle time, nothing less (R22)."""

from hanota.process.report.answers import answer
from hanota.process.report.confirm import Report

__all__ = ["Report", "answer"]
