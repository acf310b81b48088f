"""Stage 6, report: success is a version read from the device after a settle time, nothing less (R22)."""

from hanota.process.report.answers import (
    alert_message,
    answer,
    later_response,
    response_id_of,
    split_warning,
    warning_of,
)
from hanota.process.report.confirm import Report

__all__ = ["Report", "alert_message", "answer", "later_response", "response_id_of", "split_warning", "warning_of"]
