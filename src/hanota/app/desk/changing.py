"""Homes that change at the operator's word: Supplier, occupiers, a device, the hub (R16, R27).

Each act changes the registry and the emulated home alike; asked for again, it changes nothing and says so.
"""

from typing import Protocol

from hanota.app.desk.errors import NotFound
from hanota.app.desk.operating import Operating
from hanota.app.desk.views import HomeChange
from hanota.base.eui import Eui64
from hanota.base.instant import Instant, iso, parse_iso
from hanota.model.access import Action, Caller, enforce


class Homes(Protocol):
    """Who changes homes. Each method gives False where it is so already; raises NotInRegistry, ChangeImpossible."""

    def change_supplier(self, mpxn: str, party: Eui64, since: Instant | None) -> bool:
        """Let another party supply a meter point, at once or from `since` on."""

    def change_tenancy(self, home: str) -> bool:
        """Let new occupiers move in now."""

    def swap_device(self, device: Eui64, new: Eui64, version: int | None) -> bool:
        """Put a new device in an old one's place; `version` is its factory firmware's, None: as the old one's."""

    def swap_hub(self, home: str, chf: Eui64, gpf: Eui64) -> bool:
        """Put a new hub in the place of a home's hub."""


class NoHomes:
    """Of a desk behind which no homes hang that could be changed."""

    def change_supplier(self, mpxn: str, party: Eui64, since: Instant | None) -> bool:
        """Raise NotFound."""
        del party, since
        raise NotFound(kind="meter point", name=mpxn)

    def change_tenancy(self, home: str) -> bool:
        """Raise NotFound."""
        raise NotFound(kind="home", name=home)

    def swap_device(self, device: Eui64, new: Eui64, version: int | None) -> bool:
        """Raise NotFound."""
        del new, version
        raise NotFound(kind="device", name=device)

    def swap_hub(self, home: str, chf: Eui64, gpf: Eui64) -> bool:
        """Raise NotFound."""
        del chf, gpf
        raise NotFound(kind="home", name=home)


class Changing(Operating):
    """The desk's part for changes of homes; each is the operator's alone. Raises BadValue, NotInRegistry,
    ChangeImpossible.
    """

    changer: Homes = NoHomes()

    def change_supplier(self, caller: Caller, mpxn: str, party: str, since: str | None = None) -> HomeChange:
        """Let another party supply a meter point, at once or from `since` (xs:dateTime) on."""
        enforce(caller, Action.CHANGE_HOMES, frozenset())
        who, begins = Eui64.parse(party), None if since is None else parse_iso(since)
        changed = self.changer.change_supplier(mpxn, who, begins)
        when = "from now on" if begins is None else f"from {iso(begins)} on"
        return _told(changed, f"{who} supplies meter point {mpxn} {when}")

    def change_tenancy(self, caller: Caller, home: str) -> HomeChange:
        """Let new occupiers move into a home: what the former ones refused ends."""
        enforce(caller, Action.CHANGE_HOMES, frozenset())
        return _told(self.changer.change_tenancy(home), f"new occupiers live in {home} from now on")

    def swap_device(self, caller: Caller, device: str, new: str, version: str | None = None) -> HomeChange:
        """Put a new device of the same model in an old one's place; `version`: its factory firmware, 8 hex digits."""
        enforce(caller, Action.CHANGE_HOMES, frozenset())
        old, fresh = Eui64.parse(device), Eui64.parse(new)
        changed = self.changer.swap_device(old, fresh, None if version is None else int(version, 16))
        return _told(changed, f"{fresh} hangs in the place of {old}; updates of {old} that were under way have ended")

    def swap_hub(self, caller: Caller, home: str, chf: str, gpf: str) -> HomeChange:
        """Put a new hub in the place of a home's hub: updates on their way start anew."""
        enforce(caller, Action.CHANGE_HOMES, frozenset())
        function, proxy = Eui64.parse(chf), Eui64.parse(gpf)
        changed = self.changer.swap_hub(home, function, proxy)
        return _told(changed, f"{function} is the hub of {home}; updates that were on their way start anew")


def _told(changed: bool, what: str) -> HomeChange:
    return HomeChange(changed=changed, text=what if changed else "it is so already: nothing has changed")
