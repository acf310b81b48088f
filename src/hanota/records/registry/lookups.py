"""Reading the registry: what acceptance asks of parties and products."""

from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from hanota.base.eui import Eui64
from hanota.base.vocabulary.devices import CplStatus
from hanota.base.vocabulary.parties import UserRole
from hanota.records.store import schema as t
from hanota.wire.duis.versions import LATEST


@dataclass(frozen=True, slots=True)
class Party:
    """A registered party and its user roles."""

    eui: Eui64
    name: str
    roles: frozenset[UserRole]
    duis_version: str


def find_party(connection: Connection, eui: Eui64) -> Party | None:
    """Find a party by its EUI."""
    row = connection.execute(select(t.party).where(t.party.c.eui == eui.signed)).first()
    if row is None:
        return None
    roles = frozenset(UserRole(role) for role in row.roles.split(","))
    return Party(eui, row.name, roles, row.duis_version or LATEST)


def remember_version(connection: Connection, party: Party, version: str) -> None:
    """Note the DUIS version that a party speaks; what is sent to it later is written in it."""
    if party.duis_version != version:
        connection.execute(update(t.party).where(t.party.c.eui == party.eui.signed).values(duis_version=version))


def product_standing(
    connection: Connection, *, manufacturer_hash: bytes, manufacturer: int, image_type: int, version: int
) -> CplStatus | None:
    """Best standing on the list of an image with this hash and header; None if it stands there for no model.

    Active counts before any other standing: an image may be certified for one hardware and withdrawn for another.
    """
    p = t.product
    found = connection.execute(
        select(p.c.status).where(
            p.c.manufacturer_hash == manufacturer_hash,
            p.c.manufacturer == manufacturer,
            p.c.image_type == image_type,
            p.c.version == version,
        )
    ).scalars()
    standings = {CplStatus(status) for status in found}
    return CplStatus.ACTIVE if CplStatus.ACTIVE in standings else next(iter(standings), None)
