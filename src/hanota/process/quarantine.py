"""Anomaly detection (R29): what a User sends beyond a limit waits for an operator, and the User is told at once."""

from typing import Final

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.instant import Instant
from hanota.base.vocabulary.duis import DccAlertCode, ResponseCode
from hanota.model.policies import Policies
from hanota.process.report import alert_message, later_response
from hanota.records.store import Connection
from hanota.records.store.messages import Document
from hanota.records.store.quarantine import recent_requests
from hanota.wire.duis import Content, DccAlertMessage, QuarantinedRequest, RequestHeader

QUARANTINED: Final = "Quarantined"
"""Kind of the message that tells a User of it."""


RELEASED: Final = "Released"
"""Kind of the messages that answer a request after its quarantine."""


def exceeded(connection: Connection, sender: Eui64, service: str, policies: Policies, now: Instant) -> bool:
    """Say whether one more request for a service breaks one of its sender's limits."""
    return any(
        recent_requests(connection, sender, limit.services, Instant(now - limit.window_ms)) >= limit.count
        for limit in policies.anomaly.of(service)
    )


def held_alert(header: RequestHeader, number: int, now: Instant) -> Document:
    """Give the DCC Alert that tells a User which request is held; `number` is the DCC's reference for it."""
    held = QuarantinedRequest(kind="ADUserThresholdBreach", request_id=header.request_id, event_ref=number)
    body = DccAlertMessage(code=DccAlertCode.N48, alert=held)

    def render(response_id: RequestId) -> bytes:
        return alert_message(body, now=now, response_id=response_id, version=header.schema_version)

    return Document(
        party=header.request_id.originator,
        device=None,
        kind=QUARANTINED,
        response_id=None,
        render=render,
        request=number,
    )


def released(header: RequestHeader, number: int, code: ResponseCode, content: Content | None, now: Instant) -> Document:
    """Give what tells a User the outcome of a request that was held; its ResponseID is one of the DCC's own numbers.

    The swapped RequestID would be that of a later response to the Signed Pre-Command too, or meet those numbers.
    """

    def render(response_id: RequestId) -> bytes:
        return later_response(
            code,
            now=now,
            request_id=header.request_id,
            response_id=response_id,
            service=header.service_reference_variant,
            version=header.schema_version,
            content=content,
        )

    return Document(
        party=header.request_id.originator,
        device=None,
        kind=RELEASED,
        response_id=None,
        render=render,
        request=number,
    )
