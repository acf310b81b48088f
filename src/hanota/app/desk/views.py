"""What the desk shows: one frozen model per thing, the same for REST, console and command line.

Identifiers are texts as DUIS writes them, times are xs:dateTime texts in UTC.
"""

from pydantic import BaseModel, ConfigDict


class View(BaseModel):
    """Base of all views."""

    model_config = ConfigDict(frozen=True)


class Refused(View):
    """Devices that a request may not update, for one reason."""

    device_list: str
    reason: str
    text: str
    remedy: str
    devices: tuple[str, ...]


class RequestView(View):
    """One Service Request and what became of it. Several refused ones may claim one RequestID; `number` differs."""

    number: int
    request_id: str
    command_variant: int
    service_reference: str
    originator: str
    originator_name: str
    received_at: str
    response_code: str
    reason: str | None
    text: str | None
    remedy: str | None
    firmware_version: str | None
    image_hash: str | None
    image_octets: int | None
    devices_named: int
    devices_accepted: int
    outcomes: dict[str, int]


class RequestDetail(RequestView):
    """A request with its refusals and the answer as sent."""

    refused: tuple[Refused, ...]
    answer_xml: str


class Waiting(View):
    """Who is waited for, for what, and until when: no delivery is ever silently stuck."""

    owed_by: str
    expects: str
    until: str


class DeliveryView(View):
    """One image to one device under one request."""

    delivery: int
    request_id: str
    device: str
    device_type: str
    hub: str
    state: str
    ended: bool
    version_before: str | None
    version_target: str
    version_reported: str | None
    waiting: Waiting | None
    image_octets: int
    offset: int
    blocks: int
    repeats: int
    updated_at: str


class EventView(View):
    """One line of a timeline."""

    at: str
    kind: str
    state: str | None
    text: str
    facts: dict[str, str | int | None]


class AlertView(View):
    """One alert to one party."""

    response_id: str
    party: str
    party_name: str
    kind: str
    code: str
    device: str | None
    request_id: str | None
    text: str
    created_at: str
    deadline: str
    delivered_at: str | None
    tries: int


class DeliveryDetail(DeliveryView):
    """A delivery with its story and its alerts."""

    timeline: tuple[EventView, ...]
    alerts: tuple[AlertView, ...]


class DeviceView(View):
    """One device of the Smart Metering Inventory."""

    device: str
    device_type: str
    status: str
    manufacturer: str
    model: str
    hub: str | None
    home: str
    region: str
    version: str | None
    version_origin: str
    version_at: str | None
    suppliers: tuple[str, ...]
    open_delivery: int | None


class HomeView(View):
    """One home: its hub, its meters' suppliers and its devices."""

    home: str
    address: str
    region: str
    hub: str
    suppliers: tuple[str, ...]
    devices: tuple[DeviceView, ...]


class Overview(View):
    """The four numbers that matter, and what needs attention."""

    now: str
    running: int
    waiting: int
    failed: int
    confirmed: int
    attention: tuple[DeliveryView, ...]
