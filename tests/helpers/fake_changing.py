"""The fake desk's part for changes of homes: it keeps what it was asked, and knows one home."""

from dataclasses import dataclass, field

from hanota.app.desk.errors import ChangeImpossible, NotAllowed, NotInRegistry
from hanota.app.desk.views import HomeChange
from hanota.model.access import Action, Caller

KNOWN = {"lime-kiln-3", "1234567890121", "00-DB-12-34-56-78-90-A4"}
TAKEN = "00-DB-12-34-56-78-90-A6"


@dataclass
class FakeChanging:
    """Keeps ChangingPort. Tests read `changes`."""

    changes: list[tuple[object, ...]] = field(default_factory=list)

    def change_supplier(self, caller: Caller, mpxn: str, party: str, since: str | None = None) -> HomeChange:
        return self._change(caller, mpxn, party, since)

    def change_tenancy(self, caller: Caller, home: str) -> HomeChange:
        return self._change(caller, home)

    def swap_device(self, caller: Caller, device: str, new: str, version: str | None = None) -> HomeChange:
        return self._change(caller, device, new, version)

    def swap_hub(self, caller: Caller, home: str, chf: str, gpf: str) -> HomeChange:
        return self._change(caller, home, chf, gpf)

    def _change(self, caller: Caller, name: str, *facts: object) -> HomeChange:
        if not caller.is_operator:
            raise NotAllowed(party=caller.party, action=Action.CHANGE_HOMES)
        if name not in KNOWN:
            raise NotInRegistry(kind="thing", name=name)
        if TAKEN in facts:
            raise ChangeImpossible(change="it", problem=f"{TAKEN} is in use")
        again = (name, *facts) in self.changes
        self.changes.append((name, *facts))
        return HomeChange(changed=not again, text="it is so")
