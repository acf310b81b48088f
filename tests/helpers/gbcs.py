"""GBCS messages for tests: generated ones, and the reference vectors with their certificates."""

import dataclasses
import functools

from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.base.instant import Instant, parse_iso
from hanota.base.vocabulary.devices import AlertCode, TransferResponseCode
from hanota.base.vocabulary.parties import KeyUsage
from hanota.wire.gbcs.message import Cra, Header, Message, MessageCode
from hanota.wire.gbcs.payload import (
    ActivateFirmware,
    ActivateImageResponseCode,
    ActivationAlert,
    ActivationOutcome,
    ActivationResult,
    CommandAccepted,
    DatedActivation,
    DistributionReceipt,
    Payload,
    ReadResponseCode,
    ReadVersion,
    TransferAlert,
    VersionRead,
)
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
# ECS52 and GCS38 carry a version if, and only if, reading it succeeded.
versions_read_or_not = st.builds(
    VersionRead, file_version=versions, response_code=st.just(ReadResponseCode.READ_SUCCESS)
) | st.builds(VersionRead, file_version=st.none(), response_code=st.integers(1, 255).map(ReadResponseCode))
hashes = st.binary(min_size=32, max_size=32)
activations = st.builds(
    ActivateFirmware,
    manufacturer_hash=hashes,
    originator_counter=st.integers(0, 2**63 - 1),
    execution=st.none() | moments,
)
outcomes = st.builds(
    ActivationOutcome, result=st.integers(0, 255).map(ActivateImageResponseCode), file_version=versions
)
dated_activations = st.builds(
    DatedActivation, alert_code=codes, at=moments, originator_counter=st.integers(0, 2**63 - 1), outcome=outcomes
)
receipts = st.builds(DistributionReceipt, alert_code=codes, at=moments, manufacturer_hash=hashes)
_ZIGBEE_S = (parse_iso("2000-01-01T00:00:00Z") // 1000, 0xFFFFFFFE)
zigbee_moments = st.integers(0, _ZIGBEE_S[1]).map(lambda seconds: Instant((_ZIGBEE_S[0] + seconds) * 1000))
zigbee_receipts = st.builds(DistributionReceipt, alert_code=codes, at=zigbee_moments, manufacturer_hash=hashes)

CARRIED: dict[tuple[MessageCode, Cra], st.SearchStrategy[Payload]] = {
    (MessageCode(0x0012), Cra.COMMAND): activations,
    (MessageCode(0x0012), Cra.RESPONSE): outcomes | st.just(CommandAccepted()),
    (MessageCode(0x0059), Cra.COMMAND): st.just(ReadVersion()),
    (MessageCode(0x0059), Cra.RESPONSE): versions_read_or_not,
    (MessageCode(0x0084), Cra.COMMAND): st.just(ReadVersion()),
    (MessageCode(0x0084), Cra.RESPONSE): versions_read_or_not,
    (MessageCode(0x00CA), Cra.ALERT): dated_activations,
    (MessageCode(0x00CE), Cra.ALERT): receipts,
    (MessageCode(0x00CF), Cra.ALERT): zigbee_receipts,
    (MessageCode(0x0128), Cra.ALERT): transfer_alerts,
    (MessageCode(0x0129), Cra.COMMAND): st.just(ReadVersion()),
    (MessageCode(0x0129), Cra.RESPONSE): versions_read,
    (MessageCode(0x0129), Cra.ALERT): activation_alerts,
    (MessageCode(0x012B), Cra.ALERT): activation_alerts,
}
"""What each use case carries, as values to generate."""


@st.composite
def carriers(draw: st.DrawFn) -> tuple[Header, Payload]:
    """A payload and the header of a message that may carry it."""
    code, cra = draw(st.sampled_from(sorted(CARRIED)))
    header = draw(headers())
    return dataclasses.replace(header, message_code=code, cra=cra), draw(CARRIED[code, cra])


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
