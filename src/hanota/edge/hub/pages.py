"""Pages under way: blocks that a hub sends unasked, one after the other, at the spacing that a device asked for.

One page a device. A page ends with its last block, with the device's next request of any kind, or with what the device
is told instead of a block (ZCL 11.13.7).
"""

from dataclasses import dataclass, replace

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.wire.zcl import Command, ImagePageRequest


@dataclass(frozen=True, slots=True)
class Page:
    """A page: who asked, under which sequence number and how; the octets still to be sent; when the next block is due.

    `spacing_ms` is what the device asked for, or more, where the hub's pace wants it so.
    """

    device: Eui64
    sequence: int
    ask: ImagePageRequest
    offset: int
    end: int
    spacing_ms: int
    due: Instant

    @property
    def rest(self) -> ImagePageRequest:
        """The request for what is still to be sent."""
        return replace(self.ask, offset=self.offset, page_octets=self.end - self.offset)


class Pages:
    """The pages of one hub. They don't outlive a restart: devices ask again for what does not come."""

    def __init__(self) -> None:
        self._pages: dict[Eui64, Page] = {}

    @property
    def due(self) -> Instant | None:
        """When the next block is to go out."""
        return min((page.due for page in self._pages.values()), default=None)

    def repeats(self, device: Eui64, sequence: int, command: Command) -> bool:
        """Whether a request is a copy of the one whose page is under way."""
        page = self._pages.get(device)
        return page is not None and page.sequence == sequence and page.ask == command

    def begin(self, page: Page) -> None:
        """Take a page on."""
        self._pages[page.device] = page

    def end(self, device: Eui64) -> None:
        """Send no more of a device's page."""
        self._pages.pop(device, None)

    def take_due(self, now: Instant) -> list[Page]:
        """Take the pages off of which a block is due; `go_on` puts one back."""
        due = [page for page in self._pages.values() if page.due <= now]
        for page in due:
            del self._pages[page.device]
        return due

    def go_on(self, page: Page, octets: int, now: Instant) -> None:
        """A block of so many octets went out: put the page back, unless that was the last one."""
        offset = page.offset + octets
        if octets and offset < page.end:
            self._pages[page.device] = replace(page, offset=offset, due=Instant(now + page.spacing_ms))
