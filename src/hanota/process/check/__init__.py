"""Stage 2, check: the rule book. Ordered tables: for every request, for what each service wants, for each device."""

from hanota.process.check.commands import (
    PRE_COMMAND_CHECKS,
    TARGET_CHECKS,
    PreCommandCase,
    TargetCase,
    gbcs_time,
    judge_pre_command,
    judge_target,
    must_be_responsible,
)
from hanota.process.check.devices import DEVICE_CHECKS, Terms, judge_devices
from hanota.process.check.images import IMAGE_CHECKS, ImageCase, judge_image
from hanota.process.check.inventory import (
    PRENOTIFICATION_CHECKS,
    UPDATE_CHECKS,
    PrenotificationCase,
    UpdateCase,
    judge_prenotification,
    judge_update,
)
from hanota.process.check.requests import REQUEST_CHECKS, Case, Preceding, judge_request

__all__ = [
    "DEVICE_CHECKS",
    "IMAGE_CHECKS",
    "PRENOTIFICATION_CHECKS",
    "PRE_COMMAND_CHECKS",
    "REQUEST_CHECKS",
    "TARGET_CHECKS",
    "UPDATE_CHECKS",
    "Case",
    "ImageCase",
    "PreCommandCase",
    "Preceding",
    "PrenotificationCase",
    "TargetCase",
    "Terms",
    "UpdateCase",
    "gbcs_time",
    "judge_devices",
    "judge_image",
    "judge_pre_command",
    "judge_prenotification",
    "judge_request",
    "judge_target",
    "judge_update",
    "must_be_responsible",
]
