"""I9 once more, at the very end: everything that hubs ever said comes again, backwards, and nothing may change."""

from hanota.base.instant import SECOND, Instant
from hanota.records.store import audit
from hanota.sim.checks import require_that
from hanota.sim.town import Town


def check_replay(town: Town) -> None:
    """Say again what was said, and send again what was asked. Raises InvariantBroken where that changes anything."""
    before = _digest(town)
    town.now = Instant(town.now + SECOND)
    for hub, frame in reversed(town.record.heard()):
        town.world.wan.premises.send(hub, frame, town.now)
    town.now = Instant(town.now + 10 * SECOND)
    town.world.step_head_end(town.now)
    require_that(_digest(town) == before, "I9", "uplinks that came a second time changed what the head end knows")
    for letter in town.suppliers.letters:
        if letter.answer is not None:
            again = town.world.submit(letter.prepared.octets, letter.prepared.service, town.now)
            same = again.octets == letter.answer_octets
            require_that(same, "I9", f"{letter.prepared.request_id}, sent again, is answered otherwise")
    town.world.step_head_end(town.now)
    require_that(_digest(town) == before, "I9", "requests that came a second time changed what the head end knows")


def _digest(town: Town) -> str:
    with town.store.reading() as connection:
        return audit.state_digest(connection)
