"""Stage 2, check: the rule book. Two ordered tables: one for the whole request, one for each device in it."""

from hanota.process.check.devices import DEVICE_CHECKS, Terms, judge_devices
from hanota.process.check.requests import REQUEST_CHECKS, Case, judge_request

__all__ = ["DEVICE_CHECKS", "REQUEST_CHECKS", "Case", "Terms", "judge_devices", "judge_request"]
