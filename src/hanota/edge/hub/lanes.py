"""The way of most frames that a hub hears: the next block of a transfer under way, asked for as the last one was.

A lane is cut from a request that went the whole way and was answered with a block. A request that differs from it in
offset and sequence number only needs none of the answers again that were found on that way, as long as nothing behind
them has changed; the lane looks at each thing that could. What it cannot be sure of it leaves alone: such a request
goes the whole way, and cuts a new lane. So do a transfer's first block, those that begin a tenth of the image, and the
last. A lane moves no due time but the order's own silence, and that to later: the alarm clock stays as it is set.
"""

import struct
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import MINUTE, Instant
from hanota.edge.effects import Effect, SendHan, Store
from hanota.edge.hub.orders import COUNTS, Order
from hanota.edge.hub.pace import REQUEST_OCTETS, RESPONSE_OCTETS, Pace
from hanota.edge.hub.slots import Slot
from hanota.wire.zcl import OTA_CLUSTER, ImageBlockRequest

LAPSE_MS: Final = 1 * MINUTE  # between two requests, after which the alarm clock is to be set anew

_new = tuple.__new__  # what a named tuple's own __new__ does, without a call in between

_NAMED: Final = "<BB10sI"  # frame control, sequence; command, options and names of the image; offset
_NAMED_OCTETS: Final = struct.calcsize(_NAMED)
_BLOCK: Final = struct.Struct("<BB10sIB")  # likewise, status in place of the options; octets of the block


def is_block(answered: bytes) -> bool:
    """Whether the answer to a request has a block in it; all others are shorter than what stands in front of one."""
    return len(answered) > _BLOCK.size


class Lane:
    """One device's way to the blocks of one order.

    Args: asked, answered: the frames from which it is cut, `ask` what the former says. block_octets: of a whole block.
    silence_ms: how long the device may be silent before it is told of its image again.
    """

    __slots__ = (
        "_block_octets",
        "_control",
        "_cost_us",
        "_device",
        "_head",
        "_key",
        "_named",
        "_order",
        "_pace",
        "_read",
        "_rest",
        "_silence_ms",
        "_slot",
        "_stated_ms",
        "_tenth_at",
        "_told",
    )

    def __init__(
        self,
        order: Order,
        slot: Slot,
        pace: Pace,
        *,
        asked: bytes,
        ask: ImageBlockRequest,
        answered: bytes,
        block_octets: int,
        silence_ms: int,
    ) -> None:
        self._order, self._slot, self._pace = order, slot, pace
        self._device: Eui64 = order.device
        self._key = order.counts_key
        self._stated_ms = ask.min_block_period_ms
        self._block_octets = block_octets
        self._silence_ms = silence_ms
        self._read = struct.Struct(f"{_NAMED}{len(asked) - _NAMED_OCTETS}s").unpack
        self._control, _, self._named, _, self._rest = self._read(asked)
        self._head, _, self._told, _, _ = _BLOCK.unpack_from(answered)
        self._cost_us = pace.cost_us(asked=REQUEST_OCTETS, answered=RESPONSE_OCTETS + block_octets)
        self._tenth_at = order.next_tenth_at

    def serve(self, octets: bytes, now: Instant) -> list[Effect] | None:
        """Give what the whole way would give for a request; None where it has to be gone."""
        order = self._order
        try:
            control, sequence, named, offset, rest = self._read(octets)
        except struct.error:  # another length
            return None
        if named != self._named or rest != self._rest or control != self._control or order.state != "TRANSFERRING":
            return None
        data = self._slot.image[offset : offset + self._block_octets]
        end = offset + self._block_octets
        if len(data) != self._block_octets or end >= self._tenth_at:
            return None
        if order.asked_at is None or not 0 <= now - order.asked_at <= LAPSE_MS:
            return None
        if not self._pace.go(self._device, self._stated_ms, self._cost_us, now):
            return None
        order.notify_due, order.notify_tries, order.asked_at = Instant(now + self._silence_ms), 0, now
        order.blocks += 1
        if offset < order.offset:
            order.repeats += 1
        if end > order.offset:  # noqa: PLR1730 - a call of max costs as much as all the counting
            order.offset = end
        answer = _BLOCK.pack(self._head, sequence, self._told, offset, self._block_octets) + data
        counts = COUNTS.pack(order.offset, order.blocks, order.repeats)
        return [_new(Store, (self._key, counts)), _new(SendHan, (self._device, OTA_CLUSTER, answer))]
