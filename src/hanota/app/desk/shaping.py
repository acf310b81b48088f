"""From rows to views: identifiers as DUIS writes them, times as texts, codes in plain words."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hanota.app.desk.views import (
    AlertView,
    CertificateView,
    CommandView,
    ConsentView,
    DeadLetterView,
    DeliveryDetail,
    DeliveryView,
    DeviceView,
    EventView,
    HomeView,
    QuarantineView,
    Refused,
    RequestDetail,
    RequestView,
    StrangerView,
    Waiting,
)
from hanota.base.eui import Eui64
from hanota.base.instant import Instant, iso
from hanota.base.vocabulary.parties import CertificateStatus
from hanota.model.alerts import ALERTS, AlertKind
from hanota.model.commands import COMMAND
from hanota.model.delivery import ENDS, EXPECTATIONS, Expectation, State
from hanota.model.reasons import DEVICE_REFUSALS, RequestReason
from hanota.model.refusals import REQUEST_REFUSALS
from hanota.process.report.answers import reasons_of
from hanota.records.registry.certificates import Registered
from hanota.records.store.acceptance import read_decision
from hanota.wire.wan import ConsentAnswer

Row = Any  # a row of records.store.queries: its columns are those of the query

EVENT_TEXTS: Final[dict[str, str]] = {
    "requested": "the request named this device and was accepted",
    "segment_joined": "a further segment of its image was accepted",
    "segments_missing": "its Supplier did not send every segment of the image",
    "scheduled": "queued for the wide-area network",
    "released": "ordered from the Communications Hub",
    "order_accepted": "the hub has a slot and fetches the image",
    "image_held": "the hub holds the image; its hash is right",
    "transfer_progressed": "the device fetches blocks",
    "transferred": "the device holds and has verified the image",
    "activation_due": "the hub calls for activation",
    "activation_succeeded": "the device reports that it runs the new version",
    "activation_failed": "the device reports that activation failed",
    "version_matched": "the version read from the device is the one asked for",
    "version_differed": "the version read from the device is another one",
    "deadline_passed": "nobody answered by the deadline",
    "inventory_changed": "the inventory follows the device's report",
    "alert_due": "an alert is due",
    "alert_delivered": "an alert was taken by its party",
    "message_dead": "an alert was given up: its party did not take it",
    "message_replayed": "an alert that was given up is tried anew",
    "wan_failed": "the image did not reach the hub",
    "discarded": "the hub discarded the image",
    "consent_asked": "the question is on the device's screen",
    "consent_deferred": "the consumer puts it off",
    "consent_given": "it is to be installed",
    "consumer_refused": "the consumer refuses this image",
    "rejected": "the device was not free any more when its turn came",
    "displaced": "a later image of the same Supplier took its place",
    "hardware_mismatched": "the image is not for this hardware",
    "transfer_failed": "the device could not take the image",
    "responsibility_lost": "the sender is no longer responsible here",
    "hub_swapped": "the home has a new hub: it is ordered anew from that",
    "device_gone": "the device has left its home",
}


def _expects(row: Row, expectation: Expectation, place: int | None) -> str:
    if row.state != State.QUEUED:
        return expectation.expects
    where = "" if place is None else f", at place {place} of its queue"
    return f"{expectation.expects} of region {row.region}{where}"


def version_or_none(version: int | None) -> str | None:
    """Write a version as 8 hex digits, if there is one."""
    return None if version is None else f"{version:08X}"


def eui(number: int | None) -> str:
    """Write an EUI from its column."""
    return "" if number is None else str(Eui64.from_signed(number))


def time_or_none(instant: int | None) -> str | None:
    """Write a time, if there is one."""
    return None if instant is None else iso(Instant(instant))


def _consent(row: Row) -> ConsentView | None:
    """Shape what the consumer last said, if hubs have told of anything."""
    if row.consent_answer is None:
        return None
    return ConsentView(
        answer=ConsentAnswer(row.consent_answer).name.lower(),
        at=iso(Instant(row.consent_at)),
        until=time_or_none(row.consent_until),
    )


class Shaper:
    """Makes views as of one instant."""

    def __init__(self, now: Instant) -> None:
        self._now = now

    def request(self, row: Row, outcomes: Mapping[str, int]) -> RequestView:
        """Shape a request."""
        return RequestView(**self._request_fields(row, outcomes))

    def request_detail(self, row: Row, outcomes: Mapping[str, int]) -> RequestDetail:
        """Shape a request with the devices left out, by reason."""
        groups = reasons_of(read_decision(row.decision))
        refused = tuple(
            Refused(
                device_list=DEVICE_REFUSALS[reason].device_list.value,
                reason=reason.value,
                text=DEVICE_REFUSALS[reason].text,
                remedy=DEVICE_REFUSALS[reason].remedy,
                devices=tuple(str(device) for device in devices),
            )
            for reason, devices in groups.items()
        )
        return RequestDetail(
            **self._request_fields(row, outcomes), refused=refused, answer_xml=row.answer.decode("utf-8")
        )

    def _request_fields(self, row: Row, outcomes: Mapping[str, int]) -> dict[str, Any]:
        why = REQUEST_REFUSALS[RequestReason(row.reason)] if row.reason else None
        detail = f" ({row.detail})" if row.detail else ""
        return {
            "number": row.id,
            "request_id": row.request_id,
            "command_variant": row.variant,
            "service_reference": row.service_reference,
            "originator": eui(row.originator),
            "originator_name": row.party_name or "unknown",
            "received_at": iso(Instant(row.received_at)),
            "response_code": row.code,
            "reason": row.reason,
            "text": f"{why.text}{detail}" if why else None,
            "remedy": why.remedy if why else None,
            "firmware_version": row.version_text,
            "image_hash": row.image.hex() if row.image else None,
            "image_octets": row.image_size,
            "devices_named": row.named,
            "devices_accepted": row.accepted,
            "outcomes": dict(outcomes),
        }

    def delivery(self, row: Row) -> DeliveryView:
        """Shape a delivery."""
        return DeliveryView(**self._delivery_fields(row))

    def _delivery_fields(self, row: Row, place: int | None = None) -> dict[str, Any]:
        state = State(row.state)
        expectation = EXPECTATIONS.get(state)
        waiting = None
        if expectation is not None and row.deadline is not None:
            until = iso(Instant(row.deadline))
            waiting = Waiting(owed_by=expectation.owed_by, expects=_expects(row, expectation, place), until=until)
        return {
            "delivery": row.id,
            "request_id": row.request_id,
            "device": eui(row.device),
            "device_type": row.device_type,
            "hub": eui(row.hub),
            "state": row.state,
            "ended": state in ENDS,
            "version_before": version_or_none(row.version_before),
            "version_target": f"{row.version_target:08X}",
            "version_reported": version_or_none(row.version_reported),
            "waiting": waiting,
            "image_octets": row.image_size,
            "offset": row.offset,
            "blocks": row.blocks,
            "repeats": row.repeats,
            "updated_at": iso(Instant(row.since)),
            "consent": _consent(row),
        }

    def delivery_detail(
        self, row: Row, lines: Sequence[Mapping[str, Any]], alerts: Sequence[Row], place: int | None = None
    ) -> DeliveryDetail:
        """Shape a delivery with its story and alerts; `place` in its region's queue, if it waits there."""
        return DeliveryDetail(
            **self._delivery_fields(row, place),
            timeline=tuple(self.event(line) for line in lines),
            alerts=tuple(self.alert(alert) for alert in alerts),
        )

    def event(self, line: Mapping[str, Any]) -> EventView:
        """Shape one line of a story."""
        kind = str(line["kind"])
        late = kind.startswith("late_")
        text = EVENT_TEXTS.get(kind.removeprefix("late_"), kind.replace("_", " "))
        facts = {name: value for name, value in line.items() if name not in ("kind", "at")}
        return EventView(
            at=iso(Instant(line["at"])),
            kind=kind,
            state=line.get("to"),
            text=f"late, changes nothing: {text}" if late else text,
            facts=facts,
        )

    def device(self, row: Row, suppliers: Sequence[str]) -> DeviceView:
        """Shape a device."""
        return DeviceView(
            device=eui(row.eui),
            device_type=row.device_type,
            status=row.status,
            manufacturer=row.manufacturer_text or f"{row.manufacturer:04X}",
            model=row.model_text or f"{row.image_type:04X}{row.hardware:04X}",
            hub=eui(row.hub) or None,
            home=row.home,
            region=row.region,
            version=version_or_none(row.version),
            version_origin=row.version_origin,
            version_at=None if row.version_at is None else iso(Instant(row.version_at)),
            suppliers=tuple(suppliers),
            open_delivery=row.open_delivery,
        )

    def home(self, row: Row, devices: Sequence[DeviceView], strangers: Sequence[Row] = ()) -> HomeView:
        """Shape a home."""
        names = dict.fromkeys(name for device in devices for name in device.suppliers)
        return HomeView(
            home=row.name,
            address=row.address,
            region=row.region,
            hub=eui(row.hub),
            suppliers=tuple(names),
            devices=tuple(devices),
            strangers=tuple(
                StrangerView(
                    node=eui(each.node),
                    attempts=each.attempts,
                    first_at=iso(Instant(each.first)),
                    last_at=iso(Instant(each.last)),
                )
                for each in strangers
            ),
        )

    def command(self, row: Row) -> CommandView:
        """Shape a command."""
        ended = row.state in COMMAND.terminal
        return CommandView(
            command=row.id,
            request_id=row.request_id,
            command_variant=row.variant,
            service_reference=row.service_reference,
            party=eui(row.user),
            party_name=row.party_name or "unknown",
            device=eui(row.device),
            state=row.state,
            ended=ended,
            since=iso(Instant(row.since)),
            execute_at=time_or_none(row.execute_at),
            deadline=None if ended else time_or_none(row.deadline),
        )

    def quarantine(self, row: Row) -> QuarantineView:
        """Shape a request in quarantine."""
        return QuarantineView(
            number=row.request,
            request_id=row.request_id,
            service_reference=row.service_reference,
            party=eui(row.party),
            party_name=row.party_name or "unknown",
            state=row.state,
            since=iso(Instant(row.since)),
            decided_at=time_or_none(row.decided_at),
        )

    def dead_letter(self, row: Row) -> DeadLetterView:
        """Shape a message that was given up."""
        return DeadLetterView(
            message=row.id,
            response_id=row.response_id or f"{eui(row.party)}/{row.id}",
            party=eui(row.party),
            party_name=row.party_name or "unknown",
            kind=row.kind,
            device=eui(row.device) or None,
            devices=row.devices,
            tries=row.tries,
            since=iso(Instant(row.created_at)),
            given_up_at=iso(Instant(row.dead_at)),
            error=row.last_error,
        )

    def certificate(self, found: Registered) -> CertificateView:
        """Shape a certificate."""
        held = found.certificate
        return CertificateView(
            subject=str(held.eui),
            role=None if held.role is None else int(held.role),
            usage=held.usage.value,
            serial=held.serial,
            status=self._status(found),
            der=held.der,
        )

    def _status(self, found: Registered) -> CertificateStatus:
        """Nothing here is "not in use": a certificate that was replaced is revoked or has left the registry."""
        held = found.certificate
        if found.revoked(self._now):
            return CertificateStatus.REVOKED
        if self._now < held.not_before:
            return CertificateStatus.PENDING
        return CertificateStatus.IN_USE if held.valid_at(self._now) else CertificateStatus.EXPIRED

    def alert(self, row: Row) -> AlertView:
        """Shape an alert. Its ResponseID is shown as `party/number`; the message itself carries the DCC's EUI too."""
        kind = ALERTS[AlertKind(row.kind)]
        delivered = None if row.delivered_at is None else iso(Instant(row.delivered_at))
        return AlertView(
            response_id=f"{eui(row.party)}/{row.id}",
            party=eui(row.party),
            party_name=row.party_name or "unknown",
            kind=row.kind,
            code=kind.code.value,
            device=eui(row.device),
            request_id=row.request_id,
            text=kind.text,
            created_at=iso(Instant(row.created_at)),
            deadline=iso(Instant(row.deadline)),
            delivered_at=delivered,
            tries=row.tries,
        )
