"""What an end of a network needs beside `send` and `receive`, where each frame goes as it is sent."""

from collections.abc import Callable

from hanota.base.eui import Eui64
from hanota.base.instant import Instant


class PlainEnd:
    """Nothing to wait for, to settle or to keep."""

    def flush(self) -> frozenset[Eui64]:
        return frozenset()

    def settle(self, frames: int = 0) -> None:
        pass

    def give_back(self) -> None:
        pass

    def offer(self, image_hash: bytes, octets: Callable[[], bytes | None], *, anew: bool = False) -> None:
        pass

    def next_due(self) -> Instant | None:
        return None
