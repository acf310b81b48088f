"""What a device has of an offered image, and what it asks for next: block by block, or by pages.

Each block is stored in the turn that took it, so neither loss nor a restart makes the device ask again for what it has.
The blocks of a page come unasked, one after the other; a lost one leaves a gap, which is asked for singly.
"""

from collections.abc import Mapping
from typing import Final

from hanota.base.instant import SECOND, Instant
from hanota.base.limits import BLOCK_OCTETS_MAX
from hanota.edge.devices.judge import Offer
from hanota.edge.effects import Turn
from hanota.edge.memory import below, offset_key
from hanota.model.policies import HanPolicy
from hanota.wire.zcl import ImageBlockRequest, ImageBlockResponse, ImagePageRequest

PAGE_PATIENCE_MS: Final = 2 * SECOND  # beyond the spacing, for the next block of a page
FRUITLESS_PAGES_MAX: Final = 3  # in a row; then the device asks block by block, as the hub may know no pages
_NUMBER_MAX: Final = 0xFFFF


class Download:
    """The octets of one image file at a time.

    `period_ms` is the least time between two requests (R8): the policy's, or what the server told for this file.
    """

    def __init__(self, policy: HanPolicy, memory: Mapping[str, bytes]) -> None:
        self._own_period_ms = self.period_ms = policy.min_block_period_ms
        self._block_octets = min(policy.block_octets, BLOCK_OCTETS_MAX)
        self._page_octets = policy.page_octets
        self._octets = bytearray()
        self._ahead: dict[int, bytes] = {}  # by offset: blocks of a page beyond one that is missing
        self._kept: list[str] = []
        self._page_end = 0  # of the page under way; what was asked for singly opens none
        self._fruitless_pages = 0
        self._asked_at = Instant(0)
        for key, data in below(memory, "block/"):
            self._kept.append(f"block/{key}")
            self._put(int(key, 16), data)

    @property
    def octets(self) -> bytes:
        """The file as far as there is no gap."""
        return bytes(self._octets)

    @property
    def got_octets(self) -> int:
        """How long the file is as far as there is no gap."""
        return len(self._octets)

    def complete(self, offer: Offer) -> bool:
        """Whether every octet that was offered is here."""
        return len(self._octets) == offer.octets

    def ask(self, offer: Offer, blocks_max: int | None, now: Instant) -> ImageBlockRequest | ImagePageRequest:
        """Ask for the first octets that are missing; a page of at most `blocks_max` blocks, where pages are used."""
        has = len(self._octets)
        self._asked_at = now
        if self._page_end:
            self._fruitless_pages += 1
        page = min(self._page_octets, offer.octets - has)
        if blocks_max is not None:
            page = min(page, blocks_max * self._block_octets)
        if self._ahead or page <= self._block_octets or self._fruitless_pages >= FRUITLESS_PAGES_MAX:
            self._page_end = 0
            gap = min(self._ahead, default=offer.octets) - has if self._ahead else self._block_octets
            return ImageBlockRequest(
                *offer.image, has, min(self._block_octets, gap), min_block_period_ms=min(self.period_ms, _NUMBER_MAX)
            )
        self._page_end = has + page
        spacing_ms = min(self.period_ms, _NUMBER_MAX)
        return ImagePageRequest(*offer.image, has, self._block_octets, page, spacing_ms)

    def take(self, block: ImageBlockResponse, offer: Offer, turn: Turn) -> bool:
        """Store a block that was missing. False, and nothing happens, for one of another image, one that is here, or
        one that nobody asked for."""
        offset, data = block.offset, block.data
        named = (block.manufacturer, block.image_type, block.file_version) == offer.image
        if not named or offset is None or not data or offset in self._ahead:
            return False
        has, end = len(self._octets), offset + len(data)
        limit = min((start for start in self._ahead if start >= offset), default=offer.octets)
        wanted = offset == has or (has < offset and end <= self._page_end)
        if not wanted or end > limit:
            return False
        key = f"block/{offset_key(offset)}"
        turn.store(key, data)
        self._kept.append(key)
        self._put(offset, data)
        self._fruitless_pages = 0
        if self._page_end and end >= self._page_end:
            self._page_end = 0
        return True

    def next_due(self, now: Instant) -> Instant:
        """When to ask again after a block: at the pace, or if the next block of the page doesn't come."""
        if self._page_end:
            return Instant(now + self.period_ms + PAGE_PATIENCE_MS)
        return Instant(max(now, self._asked_at + self.period_ms))

    def stop_page(self) -> None:
        """Expect no more blocks unasked: the hub said so, or the power was away."""
        self._page_end = 0

    def drop(self, turn: Turn) -> None:
        """Forget the file, and the pace that its server asked for."""
        for key in self._kept:
            turn.store(key, None)
        self._kept.clear()
        self._octets.clear()
        self._ahead.clear()
        self._page_end = self._fruitless_pages = 0
        self.period_ms = self._own_period_ms

    def _put(self, offset: int, data: bytes) -> None:
        self._ahead[offset] = data
        while (following := self._ahead.pop(len(self._octets), None)) is not None:
            self._octets += following
