"""Documents that are refused: 8.13, 11.2 and 11.3. No test by itself."""

from typing import Any

from hanota.base.instant import DAY, HOUR, Instant
from hanota.base.vocabulary.devices import DeviceStatus
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.commands import CANCEL_TIME
from hanota.model.reasons import RequestReason
from hanota.records.store import schema as t
from hanota.wire import duis, gbcs
from helpers.asking import activation, answer_to, hand_back, handed_in, pre_command, read_version, supplier_key
from helpers.premises import NOW
from helpers.world import ESME, IHD, PPMID, PPMID_2, STRANGER, SUPPLIER_2, Bench, opened
from unit.process.refusals import Bad

_R, _C = RequestReason, ResponseCode
LATER = Instant(NOW + HOUR)


def local_read(bench: Bench, **more: Any) -> bytes:
    """Ask for a command to take along (11.2, command variant 2). Gives the command."""
    answer = bench.submit(read_version(variant=2, **more))
    content = opened(answer.octets).body.content
    assert isinstance(content, duis.LocalCommand)
    return content.octets


def _answered_twice(bench: Bench) -> duis.Request:
    octets = answer_to(local_read(bench))
    assert bench.submit(handed_in(octets)).code is ResponseCode.I0
    return handed_in(octets)


def _damaged(bench: Bench) -> duis.Request:
    octets = bytearray(answer_to(local_read(bench)))
    octets[-1] ^= 1  # of the MAC
    return handed_in(bytes(octets))


def signed_activation(signer: Any = None, **changes: Any) -> duis.Request:
    """A Signed Pre-Command for the ESME, with something in it changed."""
    asked = activation()
    message = gbcs.read_message(pre_command(asked, **changes))
    key = supplier_key() if signer is None else supplier_key(signer)
    return hand_back(asked, gbcs.write_message(gbcs.sign_message(message, key.key)))


COMMANDS = (
    Bad(_R.RETURNED_UNREADABLE, _C.E081301, lambda _: handed_in(b"no message")),
    Bad(_R.RETURNED_WITHOUT_COMMAND, _C.E081302, _answered_twice),
    Bad(_R.RETURNED_NOT_AUTHENTIC, _C.E081303, _damaged),
    Bad(_R.TARGET_UNKNOWN, _C.E3, lambda _: read_version(STRANGER), service="S"),
    Bad(_R.TARGET_NOT_YOURS, _C.E2, lambda _: read_version(PPMID_2), service="S"),
    Bad(_R.TARGET_OF_OTHER_TYPE, _C.E4, lambda _: read_version(IHD), service="S"),
    Bad(
        _R.TARGET_STATUS,
        _C.E5,
        lambda _: read_version(),
        lambda bench: bench.change(t.device, {"status": DeviceStatus.PENDING.value}, eui=PPMID.signed),
        service="S",
    ),
    Bad(
        _R.ESME_UNREACHABLE,
        _C.E20,
        lambda _: read_version(ESME),
        lambda bench: bench.change(t.device, {"hub": None}, eui=ESME.signed),
        service="S",
    ),
    Bad(
        _R.TARGET_UNREACHABLE,
        _C.E30,
        lambda _: read_version(),
        lambda bench: bench.change(t.device, {"hub": None}, eui=PPMID.signed),
        service="S",
    ),
    Bad(_R.TIME_NOT_TAKEN, _C.E13, lambda _: read_version(variant=2, execution=LATER)),
    Bad(_R.TIME_IS_PAST, _C.E13, lambda _: read_version(execution=NOW), service="S"),
    Bad(_R.TIME_TOO_FAR, _C.E13, lambda _: read_version(execution=Instant(NOW + 3651 * DAY)), service="S"),
    Bad(_R.NOTHING_TO_CANCEL, _C.E13, lambda _: read_version(execution=CANCEL_TIME), service="S"),
    Bad(_R.COUNTER_UNWRITABLE, _C.E12, lambda _: activation(counter=1 << 63), service="T"),
    Bad(_R.PRE_COMMAND_UNREADABLE, _C.E60, lambda _: hand_back(activation(), b"no message"), service="S"),
    Bad(_R.PRE_COMMAND_OF_ANOTHER, _C.E61, lambda _: signed_activation(counter=1), service="S"),
    Bad(_R.PRE_COMMAND_NOT_SIGNED, _C.E62, lambda _: signed_activation(SUPPLIER_2), service="S"),
)
