"""People in a town: Suppliers who command what their meters hold, consumers who answer what a screen asks."""

from random import Random
from typing import Final

from hanota.base.eui import Eui64
from hanota.base.instant import HOUR, MINUTE, Instant
from hanota.base.vocabulary.devices import DeviceType
from hanota.model.profiles import PROFILES, Activation
from hanota.records.store import audit
from hanota.sim.town import Town

LOOK_EVERY_MS: Final = 20 * MINUTE
_BY_COMMAND: Final = frozenset(
    kind.value for kind, row in PROFILES.items() if row.activation is Activation.SIGNED_COMMAND
)


class Agents:
    """Everybody who decides something. They look around every now and then."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._rng = Random(f"hanota people {town.plan.seed}")  # noqa: S311 - a simulation, not a secret
        self.due = Instant(town.now + LOOK_EVERY_MS)
        self._commanded: set[int] = set()
        self._planned: list[tuple[Instant, Eui64, Eui64, bytes, Instant | None]] = []

    def act(self) -> None:
        """Do what is due."""
        town = self._town
        if town.now < self.due:
            return
        self._plan_activations()
        for planned in [each for each in self._planned if each[0] <= town.now]:
            self._planned.remove(planned)
            _, party, device, image_hash, execution = planned
            town.suppliers.now = town.now
            town.suppliers.activate(party, device, image_hash, execution)
        self._answer_screens()
        soonest = [Instant(town.now + LOOK_EVERY_MS), *(each[0] for each in self._planned)]
        self.due = min(soonest)

    def _plan_activations(self) -> None:
        with self._town.store.reading() as connection:
            held = [row for row in audit.open_deliveries(connection, "TRANSFERRED") if row.device_type in _BY_COMMAND]
        for row in held:
            if row.id in self._commanded:
                continue
            self._commanded.add(row.id)
            delay = self._delay(str(row.request_id))
            if delay:
                at = Instant(self._town.now + delay)
                execution = Instant(at + self._rng.randrange(MINUTE, 6 * HOUR)) if self._rng.random() < 0.25 else None
                party, device = Eui64.from_signed(row.originator), Eui64.from_signed(row.device)
                self._planned.append((at, party, device, row.manufacturer_hash, execution))

    def _delay(self, request_id: str) -> int:
        """How long its Supplier waits with the command; 0: he never gives it."""
        for letter in self._town.suppliers.letters:
            if str(letter.prepared.request_id) == request_id and letter.asked is not None:
                return letter.asked.for_ms
        return 0

    def _answer_screens(self) -> None:
        """A consumer looks at a screen now and then, and presses one of its buttons or none."""
        for device, buttons in self._town.questions():
            if buttons and self._rng.random() < 0.3:
                self._town.press(device, self._rng.choice(buttons))


assert DeviceType.PPMID.value not in _BY_COMMAND
