"""Where the keys of a world come from: its own folder, and whatever else it is lent when it starts.

What is lent goes before what the folder holds for the same use, and stays in memory: nothing of it is ever written.
Everybody who lacks a certificate afterwards gets one from the folder's own test authority.
"""

import random
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from hanota.app.pki import Party, add_missing, make_pki
from hanota.base.errors import Fault, HanotaError, require
from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.edge.estate import EstateDescription
from hanota.wire.smki import (
    Certificate,
    KeyDirectory,
    KeyStore,
    read_directory,
    read_keystore,
    write_directory,
)
from hanota.wire.smki.keystore import read_folder

_log = structlog.get_logger()


class NoCertificates(HanotaError):
    """A folder that should hold certificates and does not."""

    code, fault = "HOTA-APP-010", Fault.OPERATOR
    what = "{folder} holds no certificates"
    remedy = "give a folder of PEM or DER files, or one that `hanota pki init` made"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySources:
    """What a world is lent.

    `directory`: a key directory as `hanota pki init` makes it, or a folder of certificates alone (PEM, DER) that are to
    be known and no more. `store`: the industry's public test key store, as JSON or as the folder of its npm package.
    """

    directory: Path | None = None
    store: Path | None = None


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a world, and certificates of others that its registry should know besides."""

    directory: KeyDirectory
    known: tuple[Certificate, ...] = ()


def open_keys(
    folder: Path | None, sources: KeySources, description: EstateDescription, rng: random.Random, now: Instant
) -> Keys:
    """Read the folder's own PKI, or make one, and lay over it what is lent.

    Everybody of the description has credentials afterwards; those that had to be made are in the folder.
    Raises NoCertificates, and what `read_keystore` and `read_folder` raise.
    """
    lent = lent_keys(sources)
    place = None if folder is None else folder / "pki"
    held = place is not None and place.is_dir()
    own = read_directory(place) if held and place else make_pki(dcc=description.dcc, rng=rng, now=now)
    given = own.overlaid_by(lent.credentials())
    suppliers = [Party(party.eui, party.name) for party in description.parties]
    whole = add_missing(given, suppliers=suppliers, devices=description.nodes(), rng=rng, now=now)
    had = set(given.credentials())
    made = [credential for credential in whole.credentials() if credential not in had]
    if place is not None and not held:
        _write_whole(place, own.including(made))
    elif place is not None and made:
        write_directory(place, own.including(made))
    return Keys(whole, tuple(_beside(whole, lent.certificates())))


def keys_for(
    devices: Iterable[Eui64], *, keys: KeyDirectory, folder: Path | None, rng: random.Random, now: Instant
) -> KeyDirectory:
    """Give the directory in which new devices and hubs have credentials, also in the folder."""
    whole = add_missing(keys, suppliers=(), devices=dict.fromkeys(devices), rng=rng, now=now)
    had = set(keys.credentials())
    made = [credential for credential in whole.credentials() if credential not in had]
    if folder is not None and made:
        write_directory(folder / "pki", KeyDirectory(credentials=made))
    return whole


def lent_keys(sources: KeySources) -> KeyStore:
    """Give what is lent, the public store's first: who names it wants its keys.

    Raises NoCertificates, and what `read_keystore` and `read_folder` raise.
    """
    lent = KeyStore()
    if sources.store is not None:
        lent = lent.including(read_keystore(sources.store))
    if sources.directory is not None:
        found = read_folder(sources.directory)
        require(found.certificates(), NoCertificates, folder=sources.directory)
        lent = lent.including(found)
    for unread in lent.unread:
        _log.warning("certificate_not_read", place=unread.place, why=unread.reason)
    return lent


def _beside(keys: KeyDirectory, known: Iterable[Certificate]) -> Iterator[Certificate]:
    """Of an organisation several certificates may be in use at a time, of a device one: its own, if it is ours."""
    ours = {(held.eui, held.usage) for held in keys.certificates() if held.role is None}
    for certificate in dict.fromkeys(known):
        if certificate.role is not None or (certificate.eui, certificate.usage) not in ours:
            yield certificate


def _write_whole(place: Path, keys: KeyDirectory) -> None:
    """Write a folder of keys that is there whole or not at all, whenever the process dies."""
    part = place.with_name(f"{place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    write_directory(part, keys)
    part.rename(place)
