"""DUIS response codes in plain words. One code may have several reasons: where only the code is known, all are told."""

from typing import Final

from hanota.base.vocabulary.duis import DeviceList, ResponseCode
from hanota.model.alerts import ALERTS
from hanota.model.reasons import DEVICE_REFUSALS
from hanota.model.refusals import REQUEST_REFUSALS
from hanota.wire.duis import REQUESTS

_EVERY_DEVICE: Final = "accepted, for every device that it names"
_ACCEPTED: Final = {
    ResponseCode.I0: "accepted",
    ResponseCode.I99: "acknowledged; the outcome follows in a message of its own",
    ResponseCode.W110101: "accepted for some of the devices; the lists name those left out",
    ResponseCode.W110401: "accepted for some of the devices; the lists name those left out",
}
_DEVICE_LISTS: Final = frozenset(row.srv for row in REQUESTS.values() if row.warning)
_UNKNOWN: Final = "a code that hanota does not give; see the DUIS specification of whoever answered"


def meanings(code: ResponseCode, service_reference: str) -> tuple[str, ...]:
    """Say what `code` can mean in an answer to `service_reference`, in the order of checking."""
    if code is ResponseCode.I0 and service_reference in _DEVICE_LISTS:
        return (_EVERY_DEVICE,)
    if code in _ACCEPTED:
        return (_ACCEPTED[code],)
    texts = tuple(row.text for row in REQUEST_REFUSALS.values() if row.code_for(service_reference) == code)
    return texts or (_UNKNOWN,)


def meaning_of(name: str) -> str | None:
    """Say what a response code, a DCC Alert code or the name of a refusal list can mean, whatever it answers.

    None where hanota gives no such thing.
    """
    code, row = ResponseCode(name), DeviceList(name)
    texts = [_ACCEPTED[code]] if code in _ACCEPTED else list_meanings(row) if row.known else ()
    services = sorted(REQUESTS)
    refused = [row.text for row in REQUEST_REFUSALS.values() if any(row.code_for(srv) == code for srv in services)]
    alerts = [row.text for row in ALERTS.values() if row.code == name]
    return " or ".join(dict.fromkeys((*texts, *refused, *alerts))) or None


def remedy(code: ResponseCode, service_reference: str) -> str | None:
    """Say what to do about a refusal, where its code has one reason only."""
    rows = [row for row in REQUEST_REFUSALS.values() if row.code_for(service_reference) == code]
    return rows[0].remedy if len(rows) == 1 else None


def list_meanings(name: DeviceList) -> tuple[str, ...]:
    """Say why a device can stand in a list of a firmware warning."""
    return tuple(row.text for row in DEVICE_REFUSALS.values() if row.device_list == name)
