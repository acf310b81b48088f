"""Reading what hubs send up: signatures and MACs are checked here, so that everything behind may believe it.

Source: our WAN frames (docs/adr/0003); the GBCS messages inside them are opened by `gbcs.py`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from hanota.base.errors import HanotaError
from hanota.base.eui import Eui64
from hanota.base.instant import from_generalized
from hanota.base.limits import STORED_NUMBER_MAX
from hanota.base.vocabulary.parties import KeyUsage
from hanota.model.returns import Return
from hanota.process.intake.gbcs import Authentic, Claimed, FindCertificate, NotAuthentic, SealCheck, claim_gbcs
from hanota.wire.marks import Chain, Mark
from hanota.wire.wan import (
    ConsentAnswer,
    ConsentGiven,
    DeviceSeen,
    Fetch,
    Frame,
    FrameMalformed,
    GbcsUp,
    Receipt,
    ReceiptStatus,
    Report,
    SeenWhy,
    StrangerSeen,
    Uplink,
    UplinkNotSigned,
    read_frame,
    read_report,
    signed_part,
)

_RECEIPT_EVENTS: Final = {
    ReceiptStatus.ACCEPTED: "order_accepted",
    ReceiptStatus.HELD: "image_held",
    ReceiptStatus.TRANSFERRING: "transfer_progressed",
    ReceiptStatus.TRANSFERRED: "transfer_progressed",  # counts only; the outcome itself is CCS08
    ReceiptStatus.REFUSED_NO_SLOT: "hub_busy",  # for now: the order is repeated
    ReceiptStatus.REFUSED_MALFORMED: "wan_failed",
    ReceiptStatus.HASH_MISMATCH: "wan_failed",
    ReceiptStatus.EXPIRED: "wan_failed",
    ReceiptStatus.CANCELLED: "cancelled",
    ReceiptStatus.DISCARDED: "hub_discarded",
    ReceiptStatus.HARDWARE_MISMATCH: "hub_hardware_mismatched",
    ReceiptStatus.TRANSFER_FAILED: "hub_transfer_failed",
}
"""What a receipt means for a delivery. Of the last three, CCS08 tells for devices that are not meters."""

_CONSENT_EVENTS: Final = {
    ConsentAnswer.ASKED: "consent_asked",
    ConsentAnswer.ACCEPTED: "consent_given",
    ConsentAnswer.DEFERRED: "consent_deferred",
    ConsentAnswer.REFUSED: "consumer_refused",
    ConsentAnswer.TOLD: "consent_given",  # not asked, or not any more: the image is installed all the same
}
"""What a consumer's answer means for a delivery (R27)."""

_COUNT_MAX: Final = (1 << 31) - 1  # that a column of the store holds
_SENT_MAX: Final = from_generalized("99991231235959Z")


class Told(NamedTuple):
    """A hub said something: it is to be acknowledged, once `report` is kept.

    `report` is None if there is nothing to keep, and `why` then says what is wrong with what was said, if anything is.
    That is acknowledged as well: else the hub would say it for ever, and have less room for what matters. `opened` is
    the device's message, if it was one.
    """

    hub: Eui64
    event: int
    report: Return | None
    why: str | None = None
    opened: Authentic | None = None


class Asked(NamedTuple):
    """A hub asks for octets of an image; nothing is kept."""

    fetch: Fetch


class Ignored(NamedTuple):
    """A frame that no hub has signed or that can't be read: it changes nothing and is not acknowledged."""

    why: str


class Claim(NamedTuple):
    """What a frame says as long as nobody has looked at its marks; nothing of it may be believed.

    `marks` are the hub's, then that of the device's message inside, if it has one. `content` is what was told if the
    hub's mark holds, or the message inside, which is then to be judged itself.
    """

    uplink: Uplink
    marks: Chain
    content: Told | Claimed

    def judged(self, holding: int, seals_hold: SealCheck) -> Told | Ignored:
        """Give what was told, if it was; `holding`: how many of its marks hold, from the first on."""
        uplink, content = self.uplink, self.content
        if not holding:
            return Ignored(str(UplinkNotSigned(hub=uplink.hub, event=uplink.event)))
        if isinstance(content, Told):
            return content
        opened = content.judged(holding == len(self.marks) > 1, seals_hold)
        if isinstance(opened, NotAuthentic):
            return _void(uplink, opened.why)
        return Told(uplink.hub, uplink.event, opened.report(uplink.sent), opened=opened)


def open_other(octets: bytes) -> Asked | Ignored:
    """Read a frame that is no uplink (`uplink_from`). No octets whatever make it raise."""
    frame = _opened(octets)
    if isinstance(frame, Fetch):
        return Asked(frame)
    return frame if isinstance(frame, Ignored) else Ignored(f"{type(frame).__name__} does not come from hubs")


def _opened(octets: bytes) -> Frame | Ignored:
    try:
        return read_frame(octets)
    except HanotaError as error:
        return Ignored(str(error))


def claim_of(octets: bytes, certificate: FindCertificate) -> Claim | Ignored:
    """Read what a hub claims to say in a frame, and which marks must hold so that it did. Pure but for the look-up.

    Octets are read here before anybody knows whose they are, as those of frames always are: reading has no effect, and
    its cost is bounded by the frame's length.
    """
    uplink = _opened(octets)
    if isinstance(uplink, Uplink):
        return _claim_of(uplink, octets, certificate)
    return uplink if isinstance(uplink, Ignored) else Ignored(f"{type(uplink).__name__} is no uplink")


def _claim_of(uplink: Uplink, octets: bytes, certificate: FindCertificate) -> Claim | Ignored:
    hub = certificate(uplink.hub, KeyUsage.DIGITAL_SIGNATURE)
    if hub is None:
        return Ignored(f"hub {uplink.hub} has no certificate")
    own: Mark = (hub.point, uplink.signature, signed_part(octets, uplink))
    try:
        report = read_report(uplink)
    except FrameMalformed as error:
        return Claim(uplink, (own,), _void(uplink, str(error)))
    if uplink.sent > _SENT_MAX:
        return Claim(uplink, (own,), _void(uplink, f"sent at {uplink.sent}, which is no time"))
    if not isinstance(report, GbcsUp):
        return Claim(uplink, (own,), _OF_HUBS[type(report)](uplink, report))
    inside = claim_gbcs(report.data, certificate)
    if isinstance(inside, NotAuthentic):
        return Claim(uplink, (own,), _void(uplink, inside.why))
    return Claim(uplink, (own,) if inside.mark is None else (own, inside.mark), inside)


def _void(uplink: Uplink, why: str) -> Told:
    return Told(uplink.hub, uplink.event, None, f"uplink {uplink.hub}/{uplink.event}: {why}")


def _of_receipt(uplink: Uplink, receipt: Receipt) -> Told:
    if not receipt.status.known:
        return _void(uplink, f"nobody knows the status {int(receipt.status)}")
    if receipt.order > STORED_NUMBER_MAX:
        return _void(uplink, f"no delivery has the number {receipt.order}")
    event = _RECEIPT_EVENTS.get(receipt.status)
    if event is None:
        return Told(uplink.hub, uplink.event, None)
    report = Return(
        source=f"uplink {uplink.hub}/{uplink.event}",
        reporter=uplink.hub,
        at=uplink.sent,
        event=event,
        device=uplink.hub,
        delivery=receipt.order,
        octets=uplink.body,
        offset=receipt.offset,
        blocks=receipt.blocks,
        repeats=receipt.repeats,
    )
    return Told(uplink.hub, uplink.event, report)


def _of_consent(uplink: Uplink, given: ConsentGiven) -> Told:
    event = _CONSENT_EVENTS.get(given.answer)
    if event is None:
        return _void(uplink, f"nobody knows the answer {int(given.answer)}")
    if given.order > STORED_NUMBER_MAX or given.until > _SENT_MAX:
        return _void(uplink, f"no delivery {given.order} has an answer until {given.until}")
    report = Return(
        source=f"uplink {uplink.hub}/{uplink.event}",
        reporter=uplink.hub,
        at=uplink.sent,
        event=event,
        device=uplink.hub,
        delivery=given.order,
        octets=uplink.body,
        result=int(given.answer),
        until=given.until or None,
    )
    return Told(uplink.hub, uplink.event, report)


def _of_device_seen(uplink: Uplink, seen: DeviceSeen) -> Told:
    """A hub speaks for its device: what it read for us counts like a device's answer, the rest is what it noticed."""
    read = seen.why is SeenWhy.READ_FOR_DCC
    report = Return(
        source=f"uplink {uplink.hub}/{uplink.event}",
        reporter=uplink.hub,
        at=uplink.sent,
        event="version_read" if read else "version_seen",
        device=seen.device,
        octets=uplink.body,
        version=seen.file_version,
        result=0,
    )
    return Told(uplink.hub, uplink.event, report)


def _of_stranger(uplink: Uplink, seen: StrangerSeen) -> Told:
    report = Return(
        source=f"uplink {uplink.hub}/{uplink.event}",
        reporter=uplink.hub,
        at=uplink.sent,
        event="stranger_refused",
        device=seen.node,
        octets=uplink.body,
        result=min(seen.attempts, _COUNT_MAX),
    )
    return Told(uplink.hub, uplink.event, report)


_OF_HUBS: Final[Mapping[type[Report], Callable[[Uplink, Any], Told]]] = {
    Receipt: _of_receipt,
    DeviceSeen: _of_device_seen,
    StrangerSeen: _of_stranger,
    ConsentGiven: _of_consent,
}
"""How what a hub says in its own name is taken."""
