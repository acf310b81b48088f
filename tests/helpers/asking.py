"""Every Service Request on the bench, the devices' answers to commands, and what Users are told in the end."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import count
from typing import Any

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.vocabulary.devices import AlertCode, DeviceType
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.process.acceptance import Answer
from hanota.process.pipeline import Heard
from hanota.records.registry.certificates import keys_of
from hanota.records.store import schema as t
from hanota.records.store.commands import unsent_commands
from hanota.records.store.outbox import mark_sent
from hanota.wire import duis, gbcs
from hanota.wire.smki import Credential
from hanota.wire.wan import GbcsDown, GbcsUp, read_frame, sign_uplink, write_frame
from helpers.premises import DCC, NEW
from helpers.world import ESME, HUB, PPMID, SUPPLIER_1, Bench, broker, keys, opened, seal

ACB, SUPPLIER = CertificateRole.ACCESS_CONTROL_BROKER, CertificateRole.SUPPLIER
DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
HASH = bytes(range(32))
DEVICE = Eui64.parse("00-DB-12-34-56-78-90-B4")  # that nobody knows yet
GPF = Eui64.parse("00-DB-12-34-56-78-90-A3")

_counters = count(1000)


def header(
    srv: str,
    variant: int = 8,
    target: Eui64 = DCC,
    *,
    sender: Eui64 = SUPPLIER_1,
    counter: int | None = None,
    **more: Any,
) -> duis.RequestHeader:
    """A header with a counter of its own unless one is given."""
    number = next(_counters) if counter is None else counter
    return duis.RequestHeader(
        request_id=RequestId(sender, target, number),
        command_variant=variant,
        service_reference=srv,
        service_reference_variant=srv,
        **more,
    )


def ask_inventory(*, uprn: Any = None, device: Any = None, mpxn: Any = None, address: Any = None, **more: Any) -> Any:
    """An 8.2; `address` is a post code and what names the building."""
    named = None if address is None else duis.PropertyFilter(post_code=address[0], address_identifier=address[1])
    return duis.ReadInventory(header=header("8.2", **more), uprn=uprn, device=device, mpxn=mpxn, property_filter=named)


def update(device: Eui64, change: duis.InventoryChange, **more: Any) -> duis.UpdateInventory:
    """An 8.4."""
    return duis.UpdateInventory(header=header("8.4", **more), device=device, change=change)


def prenotification(device: Eui64 = DEVICE, **changes: Any) -> duis.DevicePrenotification:
    """A 12.2 for a PPMID of the listed model, with some things changed."""
    body: dict[str, Any] = {
        "manufacturer": "121D",
        "model": "00841111",
        "device_type": DeviceType.PPMID,
        "firmware_version": "00010000",
    }
    body |= {name: changes.pop(name) for name in list(changes) if name in duis.DevicePrenotification.__slots__}
    return duis.DevicePrenotification(header=header("12.2", **changes), device=device, **body)


def read_version(
    device: Eui64 = PPMID, variant: int = 1, execution: Instant | None = None, **more: Any
) -> duis.ReadFirmwareVersion:
    """An 11.2."""
    return duis.ReadFirmwareVersion(header=header("11.2", variant, device, **more), execution=execution)


def activation(
    device: Eui64 = ESME, execution: Instant | None = None, firmware_hash: bytes = HASH, **more: Any
) -> duis.ActivateFirmware:
    """An 11.3 that asks for the Pre-Command."""
    return duis.ActivateFirmware(
        header=header("11.3", 4, device, **more), execution=execution, firmware_hash=firmware_hash
    )


def supplier_key(party: Eui64 = SUPPLIER_1) -> Credential:
    """What a User signs Pre-Commands with."""
    return keys().credential(party, DS, SUPPLIER)


def pre_command(asked: duis.ActivateFirmware, **changes: Any) -> bytes:
    """The Pre-Command to an 11.3 as the standard has it, made here and not by the DCC; unsigned."""
    who = asked.header.request_id
    facts = {
        "supplier": who.originator,
        "device": who.target,
        "counter": who.counter,
        "manufacturer_hash": asked.firmware_hash,
        "execution": asked.execution,
    }
    return gbcs.activate_pre_command(**(facts | changes))


def hand_back(asked: duis.ActivateFirmware, octets: bytes, variant: int = 5, **changes: Any) -> duis.SignedPreCommand:
    """The Signed Pre-Command that follows an 11.3, under its RequestID."""
    found = replace(asked.header, command_variant=variant)
    facts = {"header": found, "execution": asked.execution, "gbcs": octets} | changes
    return duis.SignedPreCommand(**facts)


def activate(bench: Bench, device: Eui64 = ESME, variant: int = 5, **more: Any) -> tuple[Any, Answer]:
    """11.3 as a User does it: transform, sign, send. Gives the Signed Pre-Command's request and its answer."""
    asked = activation(device, **more)
    answer = bench.submit(asked, "T")
    content = opened(answer.octets).body.content
    signed = gbcs.sign_pre_command(content.octets, supplier_key(asked.header.request_id.originator))
    sent = hand_back(asked, signed, variant)
    return sent, bench.submit(sent, duis.WEB_SERVICES[variant])


def content(answer: Answer) -> Any:
    """What an answer of the DCC carries."""
    return opened(answer.octets).body.content


def dated(bench: Bench, at: Instant) -> duis.SignedPreCommand:
    """An activation that the ESME of home 1 has accepted for a time to come."""
    asked, answer = activate(bench, execution=at)
    assert answer.code.accepted, answer
    (down,) = sent(bench.run())
    hear(bench, answer_to(down.data, gbcs.CommandAccepted()))
    return asked


def handed_in(octets: bytes, named: RequestId | None = None, **more: Any) -> duis.ReturnLocalCommandResponse:
    """An 8.13."""
    return duis.ReturnLocalCommandResponse(header=header("8.13", **more), original_request_id=named, gbcs=octets)


# --- the homes ---------------------------------------------------------------------------------------------------


def sent(bench: Bench) -> list[GbcsDown]:
    """Take the commands that are to leave, as the hubs get them; the outbox counts them as sent."""
    frames = []
    with bench.store.writing() as connection:
        waiting = unsent_commands(connection, bench.now)
        key_of = keys_of(connection, (sending.device for sending in waiting), KeyUsage.KEY_AGREEMENT)
        for sending in waiting:
            octets = broker().build(sending, key_of, bench.now)
            assert octets is not None
            frames.append(read_frame(octets))
        mark_sent(connection, [sending.id for sending in waiting], bench.now)
    return frames


def answer_to(command: bytes, payload: gbcs.Payload | None = None, *, at: Instant | None = None) -> bytes:
    """What a device answers to a command: by default the new version, or that an activation succeeded."""
    message = gbcs.read_message(command)
    device = message.header.recipient
    asked = gbcs.read_payload(message)
    if isinstance(asked, gbcs.ReadVersion):
        answer = payload or gbcs.VersionRead(file_version=NEW, response_code=gbcs.ReadResponseCode.READ_SUCCESS)
        acb = keys().certificate(DCC, KA, ACB)
        return gbcs.read_version_response(answer, command=message, device=keys().credential(device, KA), acb=acb)
    done = gbcs.ActivationOutcome(result=gbcs.ActivateImageResponseCode.SUCCESS, file_version=NEW)
    when = at if at is not None else Instant(1_768_000_000_000)
    return gbcs.activate_response(payload or done, command=message, device=keys().credential(device, DS), at=when)


def dated_alert(
    counter: int,
    at: Instant,
    *,
    device: Eui64 = ESME,
    recipient: Eui64 = SUPPLIER_1,
    failed: bool = False,
    number: int = 77,
) -> bytes:
    """The alert 0x00CA of a device that acted at the time of a dated command; `counter` is that of the command."""
    result = gbcs.ActivateImageResponseCode.NO_IMAGE_HELD if failed else gbcs.ActivateImageResponseCode.SUCCESS
    alert = gbcs.DatedActivation(
        alert_code=AlertCode(0x8F67 if failed else 0x8F66),
        at=at,
        originator_counter=counter,
        outcome=gbcs.ActivationOutcome(result=result, file_version=NEW),
    )
    return gbcs.dated_activation_alert(alert, device=keys().credential(device, DS), recipient=recipient, counter=number)


def receipt_alert(at: Instant, *, recipient: Eui64 = SUPPLIER_1, number: int = 78, verified: bool = True) -> bytes:
    """The alert 0x00CE of the ESME of home 1."""
    code = AlertCode.FIRMWARE_VERIFIED if verified else AlertCode(0x8F1C)
    alert = gbcs.DistributionReceipt(alert_code=code, at=at, manufacturer_hash=HASH)
    return gbcs.distribution_receipt(
        alert, device=keys().credential(ESME, DS), recipient=recipient, counter=number, device_type=DeviceType.ESME
    )


def hear(bench: Bench, *messages: bytes, hub: Eui64 = HUB) -> Heard:
    """Let a hub send up messages of its devices."""
    frames = []
    for message in messages:
        bench.said += 1
        key = keys().credential(hub, DS).key
        frames.append(write_frame(sign_uplink(GbcsUp(data=message), key, hub=hub, event=bench.said, sent=bench.now)))
    return bench.pipeline.hear(frames, bench.now)


# --- what Users are told -----------------------------------------------------------------------------------------


def told(bench: Bench, party: Eui64 = SUPPLIER_1, **where: Any) -> list[duis.Response]:
    """The documents that a party is to get, each valid by the official schema, oldest first."""
    rows: Iterable[Any] = bench.rows(t.message, party=party.signed, **where)
    return [opened(seal(row.document)) for row in rows if row.document is not None]


def kinds(bench: Bench, party: Eui64 = SUPPLIER_1) -> list[str]:
    """The kinds of what answers a party or is addressed to it, oldest first; not what is told of a changed version."""
    return [row.kind for row in bench.rows(t.message, party=party.signed) if row.document is not None]


def command(bench: Bench, number: int = 1) -> Any:
    """A command as it is kept."""
    return bench.row(t.command, id=number)
