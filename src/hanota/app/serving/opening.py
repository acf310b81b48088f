"""What every process of the head end opens: the store, the DCC's keys, and the estate that is entered before them all.

A head end makes no keys: it is lent the DCC's, and the certificates of parties and devices stand in the store.
"""

from dataclasses import dataclass
from pathlib import Path

from hanota.app import homes
from hanota.app.clock import wall_clock
from hanota.app.frames import FrameBuilder
from hanota.app.keys import KeySources, lent_keys
from hanota.app.registering import register_estate
from hanota.app.serving.lanes import Lane
from hanota.app.serving.settings import PartSettings
from hanota.base.errors import Fault, HanotaError
from hanota.base.eui import Eui64
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.estate import EstateDescription, read_description
from hanota.process.pipeline import Pipeline
from hanota.records.store import Store, open_store
from hanota.wire import duis
from hanota.wire.smki import Certificate, KeyDirectory, KeyStore


class DccUnknown(HanotaError):
    """Nobody, or more than one, could be the DCC by the keys that were given."""

    code, fault = "HOTA-APP-021", Fault.OPERATOR
    what = "{place} holds XML-signing keys of {found} DCCs, where one is needed"
    remedy = "give the DCC's keys with --pki or --keystore; `hanota pki init DIR --estate FILE` makes some for tests"


@dataclass(frozen=True, slots=True)
class ServiceKeys:
    """The DCC's credentials, and certificates of others that the registry should know."""

    directory: KeyDirectory
    known: tuple[Certificate, ...]
    dcc: Eui64


def read_service_keys(sources: KeySources) -> ServiceKeys:
    """Read what is lent; who holds the DCC's XML-signing key is the DCC. Raises DccUnknown, and what reading raises."""
    lent: KeyStore = lent_keys(sources)
    credentials = lent.credentials()
    signers = {held.certificate.eui for held in credentials if held.certificate.role is CertificateRole.DSP_XML_SIGN}
    if len(signers) != 1:
        raise DccUnknown(place=sources.directory or sources.store or "no folder", found=len(signers))
    return ServiceKeys(KeyDirectory(credentials), tuple(lent.certificates()), signers.pop())


def enter_estate(store: Store, estate: Path, keys: ServiceKeys, base: str) -> EstateDescription:
    """Bring the registry up to date with a description; several may do so at once, and again.

    Raises DccUnknown: the description is another DCC's.
    """
    description = read_description(estate)
    if description.dcc != keys.dcc:
        raise DccUnknown(place=f"the key folder, for {description.dcc} of {estate},", found=0)
    lane = Lane(store, base, wall_clock)
    try:
        with lane.store.writing() as connection:
            homes.follow(connection, lane.name, description, wall_clock())
        register_estate(lane.store, description, keys.directory, keys.known)
    finally:
        lane.release()
    return description


@dataclass(frozen=True, slots=True)
class Opened:
    """A process's hold on the service: its lane, with the store below it, and the DCC's keys."""

    settings: PartSettings
    store: Store
    keys: ServiceKeys
    lane: Lane

    def pipeline(self) -> Pipeline:
        """Give the flow for whoever accepts requests; it signs answers as the DCC."""
        dcc = self.keys.dcc
        directory = self.keys.directory
        signer = directory.credential(dcc, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.DSP_XML_SIGN)
        return Pipeline(
            self.lane.store,
            dcc=dcc,
            policies=self.settings.policies,
            seal=lambda octets: duis.sign(octets, signer),
            broker=FrameBuilder(directory, dcc),
            lane=self.lane.name,
        )

    def close(self) -> None:
        """Hand back the lane, and let go of the store."""
        self.lane.release()
        self.store.close()


def open_part(settings: PartSettings) -> Opened:
    """Open what a process works with, and take a lane for it."""
    keys = read_service_keys(settings.key_sources())
    store = open_store(settings.database)
    return Opened(settings, store, keys, Lane(store, settings.base, wall_clock))
