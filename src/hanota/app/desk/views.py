"""What the desk shows: one frozen model per thing, the same for REST, console and command line.

Identifiers are texts as DUIS writes them, times are xs:dateTime texts in UTC.
"""

from pydantic import BaseModel, ConfigDict

from hanota.base.vocabulary.parties import CertificateStatus


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
    consent: "ConsentView | None" = None


class ConsentView(View):
    """What a consumer last answered about a delivery's image: asked, accepted, deferred, refused or told.

    `until` is when a deferral or a refusal ends, or when it is installed without an answer.
    """

    answer: str
    at: str
    until: str | None


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
    """One device of the Smart Metering Inventory. `home` and `region` are None before it is installed."""

    device: str
    device_type: str
    status: str
    manufacturer: str
    model: str
    hub: str | None
    home: str | None
    region: str | None
    version: str | None
    version_origin: str
    version_at: str | None
    suppliers: tuple[str, ...]
    open_delivery: int | None


class StrangerView(View):
    """A node outside the device log that a hub refused, e.g. a hand-held terminal."""

    node: str
    attempts: int
    first_at: str
    last_at: str


class ScreenView(View):
    """What a display in a home shows its consumer.

    `face` is dark, restarting, question, answered, updating or idle; `headline` and `lines` are the words, `buttons`
    what may be pressed: YES, LATER, NO. `since` is when the question came, `percent` how much of an image is here.
    """

    device: str
    device_type: str
    face: str
    headline: str
    lines: tuple[str, ...]
    buttons: tuple[str, ...] = ()
    since: str | None = None
    answer: str | None = None
    version: str | None = None
    offered: str | None = None
    percent: int | None = None


class HomeView(View):
    """One home: its hub, its meters' suppliers and its devices; `strangers` only where one home is asked for."""

    home: str
    address: str
    region: str
    hub: str
    suppliers: tuple[str, ...]
    devices: tuple[DeviceView, ...]
    strangers: tuple[StrangerView, ...] = ()


class CommandView(View):
    """One GBCS command to a device on behalf of a User: 11.2 or 11.3. `deadline` is None once nobody is waited for."""

    command: int
    request_id: str
    command_variant: int
    service_reference: str
    party: str
    party_name: str
    device: str
    state: str
    ended: bool
    since: str
    execute_at: str | None
    deadline: str | None


class QuarantineView(View):
    """A request beyond an anomaly limit: `state` is held, released or dropped. `number` is the request's."""

    number: int
    request_id: str
    service_reference: str
    party: str
    party_name: str
    state: str
    since: str
    decided_at: str | None


class DeadLetterView(View):
    """A message that a party did not take until it was given up; `devices` says of how many devices it tells."""

    message: int
    response_id: str
    party: str
    party_name: str
    kind: str
    device: str | None
    devices: int
    tries: int
    since: str
    given_up_at: str
    error: str | None


class Attested(View):
    """What became of a statement about a local upgrade that was believed."""

    explained: bool
    text: str


class Replayed(View):
    """How many messages are due again."""

    messages: int


class HomeChange(View):
    """What came of a change of a home; `changed` is False where it was so already."""

    changed: bool
    text: str


class CertificateView(View):
    """One certificate as the SMKI repository gives it out. `role` is None for a device."""

    subject: str
    role: int | None
    usage: str
    serial: int
    status: CertificateStatus
    der: bytes


class Overview(View):
    """The four numbers that matter, and what needs attention. `held` and `dead_letters` wait for the operator."""

    now: str
    running: int
    waiting: int
    failed: int
    confirmed: int
    held: int
    dead_letters: int
    attention: tuple[DeliveryView, ...]
