"""Signed orders and uplinks: only what opens here may be believed.

The DCC signs the octets of an order; a hub signs the octets of its uplink written with an empty signature, which cover
hub, event, time and report. That goes for GBCS messages, too: their own marks don't say who passed them on, and when.
"""

from dataclasses import fields, replace
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from hanota.base.eui import EUI64_OCTETS, Eui64
from hanota.base.instant import Instant
from hanota.wire import ecdsa
from hanota.wire.wan.codec import read_kind, write_kind
from hanota.wire.wan.errors import OrderNotSigned, UplinkNotSigned
from hanota.wire.wan.frames import Distribute, FormerDistribute, Order, Report, SignedOrder, Uplink
from hanota.wire.wan.tables import UPLINK_LEAD, Place

_HUB_END: Final = len(UPLINK_LEAD) + EUI64_OCTETS  # the first field of an uplink
_NO_SIGNATURE: Final = b"\0"  # the length of one


def sign_order(order: Order, key: ec.EllipticCurvePrivateKey) -> SignedOrder:
    """Sign an order with the DCC's digital signature key. Raises ValueUnwritable."""
    body = order_octets(order)
    return SignedOrder(signature=ecdsa.sign(body, key), body=body)


def order_octets(order: Order) -> bytes:
    """Give the octets of an order that the DCC signs: the body of its SignedOrder. Raises ValueUnwritable."""
    return write_kind(order)


def open_order(signed: SignedOrder, key: ec.EllipticCurvePublicKey) -> Order:
    """Give the order that the holder of `key` signed; one of a former layout is given as it would be written today.

    Raises OrderNotSigned, then FrameMalformed for its contents.
    """
    if not ecdsa.holds(signed.signature, signed.body, key):
        raise OrderNotSigned()
    order: Order | FormerDistribute = read_kind(signed.body, Place.ORDER, Place.FORMER_ORDER)
    if isinstance(order, FormerDistribute):
        return Distribute(**{field.name: getattr(order, field.name) for field in fields(order)})
    return order


def sign_uplink(report: Report, key: ec.EllipticCurvePrivateKey, *, hub: Eui64, event: int, sent: Instant) -> Uplink:
    """Put a report in an uplink, signed with the hub's digital signature key.

    Args: event: the hub's number for it, higher than any before. Raises ValueUnwritable.
    """
    body = write_kind(report)
    unsigned = Uplink(hub=hub, event=event, sent=sent, signature=b"", body=body)
    return replace(unsigned, signature=ecdsa.sign(write_kind(unsigned), key))


def open_uplink(uplink: Uplink, key: ec.EllipticCurvePublicKey) -> Report:
    """Give the report that the holder of `key` (the hub's) signed.

    Raises UplinkNotSigned, then FrameMalformed for its contents.
    """
    if not ecdsa.holds(uplink.signature, signed_octets(uplink), key):
        raise UplinkNotSigned(hub=uplink.hub, event=uplink.event)
    return read_report(uplink)


def signed_octets(uplink: Uplink) -> bytes:
    """Give the octets that an uplink's signature is over."""
    return write_kind(replace(uplink, signature=b""))


def signed_part(octets: bytes, uplink: Uplink) -> bytes:
    """Give `signed_octets` of an uplink out of the octets that it was read from: body and signature stand last."""
    signature_at = len(octets) - len(uplink.body) - len(uplink.signature)
    return b"".join((octets[: signature_at - 1], _NO_SIGNATURE, uplink.body))


def uplink_from(octets: bytes) -> Eui64 | None:
    """Give the hub that a frame is from if it is an uplink, without reading it further; None: it can't be one."""
    if not octets.startswith(UPLINK_LEAD) or len(octets) < _HUB_END:
        return None
    return Eui64.from_octets(octets[len(UPLINK_LEAD) : _HUB_END])


def read_report(uplink: Uplink) -> Report:
    """Give what an uplink says that it holds; it may be believed once its signature is known to hold.

    Raises FrameMalformed.
    """
    report: Report = read_kind(uplink.body, Place.REPORT)
    return report
