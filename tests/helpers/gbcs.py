"""GBCS messages for tests: generated ones, and the reference vectors with their certificates."""

import functools

from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import AlertCode, TransferResponseCode
from hanota.base.vocabulary.parties import KeyUsage
from hanota.wire.gbcs.message import Cra, Header, Message, MessageCode
from hanota.wire.gbcs.payload import ActivationAlert, ActivationResult, ReadResponseCode, TransferAlert, VersionRead
from hanota.wire.smki.certificate import Certificate, read_certificate
from helpers.shared import shared

ACB = Eui64.parse("90-B3-D5-1F-30-00-00-02")
SUPPLIER = Eui64.parse("90-B3-D5-1F-30-01-00-00")
CHF = Eui64.parse("00-DB-12-34-56-78-90-A2")
PPMID = Eui64.parse("00-DB-12-34-56-78-90-A4")

euis = st.builds(Eui64, st.integers(0, 2**64 - 1))
counters = st.integers(0, 2**64 - 1)
versions = st.integers(0, 2**32 - 1)
moments = st.integers(0, 253402300799).map(lambda seconds: Instant(seconds * 1000))


@st.composite
def headers(draw: st.DrawFn) -> Header:
    party = draw(st.none() | euis)
    counter = draw(st.none() | counters) if party is not None else None
    rest = draw(st.just(b"") | st.binary(min_size=8, max_size=300)) if counter is not None else b""
    return Header(
        cra=draw(st.sampled_from(Cra)),
        counter=draw(counters),
        originator=draw(euis),
        recipient=draw(euis),
        message_code=draw(st.integers(0, 0xFFFF).map(MessageCode)),
        supplementary_party=party,
        supplementary_counter=counter,
        supplementary_rest=rest,
        date_time=draw(st.just(b"") | st.binary(min_size=12, max_size=12)),
    )


@st.composite
def messages(draw: st.DrawFn) -> Message:
    mac = draw(st.none() | st.binary(min_size=12, max_size=12))
    signatures = st.just(b"") | st.binary(min_size=64, max_size=64)
    return Message(
        header=draw(headers()),
        payload=draw(st.binary(max_size=400)),
        signature=draw(signatures if mac is not None else signatures | st.none()),
        mac=mac,
    )


codes = st.integers(0, 0xFFFF).map(AlertCode)
transfer_alerts = st.builds(
    TransferAlert,
    alert_code=codes,
    at=moments,
    device=euis,
    file_version=versions,
    result=st.integers(0, 255).map(TransferResponseCode),
)
activation_alerts = st.builds(
    ActivationAlert,
    alert_code=codes,
    at=moments,
    file_version=versions,
    result=st.integers(0, 255).map(ActivationResult),
)
versions_read = st.builds(VersionRead, file_version=versions, response_code=st.integers(0, 255).map(ReadResponseCode))


@functools.cache
def vectors() -> dict[str, bytes]:
    """The reference messages by file name without `_GBCS.HEX`."""
    files = sorted((shared() / "vectors").rglob("*_GBCS.HEX"))
    return {file.name.removesuffix("_GBCS.HEX"): bytes.fromhex(file.read_text("ascii")) for file in files}


@functools.cache
def certificates() -> tuple[Certificate, ...]:
    """The certificates that belong to the reference messages."""
    return tuple(read_certificate(file.read_bytes()) for file in sorted((shared() / "vectors/certs").glob("*.pem")))


def certificate(eui: Eui64, usage: KeyUsage, serial: int | None = None) -> Certificate:
    """One of them; `serial` where a subject has several."""
    found = [c for c in certificates() if (c.eui, c.usage) == (eui, usage) and serial in (None, c.serial)]
    return found[0]
