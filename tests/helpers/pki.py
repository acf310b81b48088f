"""A small PKI for tests, always the same one."""

import functools
import random

from hanota.app.pki import Party, make_pki
from hanota.base.instant import parse_iso
from hanota.wire.smki.directory import KeyDirectory
from helpers.gbcs import ACB, CHF, PPMID, SUPPLIER

NOW = parse_iso("2026-01-15T09:00:00Z")


@functools.cache
def small_pki() -> KeyDirectory:
    """The DCC, one supplier, a hub and a PPMID."""
    return make_pki(
        dcc=ACB, suppliers=[Party(SUPPLIER, "SUPPLIER-1")], devices=[CHF, PPMID], rng=random.Random(1), now=NOW
    )
