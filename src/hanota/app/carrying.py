"""NATS wired to the records: where hubs are, and what their regions are called."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from hanota.base.eui import Eui64
from hanota.base.vocabulary.devices import CspRegion
from hanota.records.registry.regions import regions_of
from hanota.records.store import Store

if TYPE_CHECKING:
    from hanota.wan.jetstream import Limits, NatsHeadEndWan

REGIONS: Final = tuple(region.value for region in CspRegion)
_KNOWN_MAX: Final = 200_000


class RegionsOfHubs:
    """Looks up the regions of hubs, many at once, and remembers them: a hub does not move."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[Eui64, str] = {}

    def __call__(self, hubs: Sequence[Eui64]) -> Mapping[Eui64, str]:
        """Give the regions of these hubs; one that is in no home is left out."""
        if len(self._known) > _KNOWN_MAX:
            self._known.clear()
        unknown = [hub for hub in hubs if hub not in self._known]
        if unknown:
            with self._store.reading() as connection:
                self._known |= regions_of(connection, unknown)
        return self._known


def head_end_over_nats(
    store: Store,
    url: str,
    *,
    lane: str = "0",
    regions: Sequence[str] = REGIONS,
    limits: "Limits | None" = None,
) -> "NatsHeadEndWan":
    """Give the head end's end of NATS for these regions. Raises NatsMissing, NatsUrlWrong."""
    from hanota.wan.jetstream import NatsHeadEndWan  # noqa: PLC0415 - the extra [nats] is needed only here

    return NatsHeadEndWan(url, regions=regions, regions_of=RegionsOfHubs(store), lane=lane, limits=limits)
