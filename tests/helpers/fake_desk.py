"""A desk in memory with one dual-fuel home and a delivery that moves when the test says so."""

import threading
from dataclasses import dataclass, field

from hanota.app.desk import Desk
from hanota.app.desk.errors import NotAllowed, NotFound, NotOnScreen
from hanota.app.desk.views import (
    AlertView,
    Attested,
    CertificateView,
    DeliveryDetail,
    DeliveryView,
    DeviceView,
    EventView,
    HomeView,
    Overview,
    Refused,
    RequestDetail,
    RequestView,
    ScreenView,
    Waiting,
)
from hanota.base.instant import MINUTE, SECOND, Instant, iso, parse_iso
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.access import Caller
from hanota.model.delivery import ENDS, EXPECTATIONS, State
from hanota.model.reasons import DEVICE_REFUSALS
from hanota.model.refusals import REQUEST_REFUSALS
from helpers.fake_changing import FakeChanging
from helpers.fake_operating import FakeOperating

SUPPLIER_1 = "90-B3-D5-1F-30-01-00-00"
SUPPLIER_2 = "90-B3-D5-1F-30-03-00-00"
DCC = "90-B3-D5-1F-30-00-00-02"
ESME, GSME, HUB, PPMID, HCALCS, IHD = (f"00-DB-12-34-56-78-90-{n}" for n in ("A0", "A1", "A2", "A4", "A5", "A6"))
REQUEST_ID = f"{SUPPLIER_1}:{DCC}:1000"
REFUSED_ID = f"{SUPPLIER_1}:{DCC}:999"
HOME = "lime-kiln-3"
IMAGE_OCTETS = 65_536
START = parse_iso("2026-01-15T09:00:00Z")
NAMES = {SUPPLIER_1: "Northlight Energy", SUPPLIER_2: "Harbour Gas"}


@dataclass(frozen=True, slots=True)
class FakeAnswer:
    octets: bytes
    code: ResponseCode


@dataclass(frozen=True, slots=True)
class FakeReason:
    reason: str
    told_by: str
    text: str
    remedy: str


@dataclass
class FakeDesk(FakeOperating, FakeChanging):
    """Keeps DeskPort. Tests change `now`, `empty` and the delivery, and read `submitted`."""

    now: Instant = START
    empty: bool = False
    broken: Exception | None = None
    state: State = State.TRANSFERRING
    offset: int = 16_384
    repeats: int = 3
    submitted: list[tuple[bytes, str]] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    extra_events: list[EventView] = field(default_factory=list)
    certificates: list[CertificateView] = field(default_factory=list)
    living: Desk | None = None
    pressed: list[str] = field(default_factory=list)

    def clock(self) -> Instant:
        return self.now

    def submit(self, octets: bytes, service: str) -> FakeAnswer:
        self._may_break()
        self.threads.add(threading.get_ident())
        self.submitted.append((octets, service))
        return FakeAnswer(b"<?xml version='1.0' encoding='UTF-8'?>\n<Response/>", ResponseCode.I0)

    def overview(self, caller: Caller) -> Overview:
        self._may_break()
        rows = self.deliveries(caller)
        return Overview(
            now=iso(self.now),
            running=sum(row.state in {"TRANSFERRING", "ON_WAN", "QUEUED"} for row in rows),
            waiting=sum(row.state in {"TRANSFERRED", "ACTIVATED"} for row in rows),
            failed=sum(row.ended and row.state != "CONFIRMED" for row in rows),
            confirmed=sum(row.state == "CONFIRMED" for row in rows),
            held=sum(row.state == "held" for row in self.quarantined(caller)),
            dead_letters=len(self.dead_letters(caller)),
            attention=tuple(row for row in rows if row.delivery == 2),
        )

    def requests(self, caller: Caller, limit: int = 50, before: str | None = None) -> list[RequestView]:
        self._may_break()
        if self.empty or str(caller.party) == SUPPLIER_2:
            return []
        rows = [RequestView(**_facts(self._request())), _refused_request()]
        ids = [row.request_id for row in rows]
        return rows[ids.index(before) + 1 if before else 0 :][:limit]

    def request(self, caller: Caller, request_id: str, command_variant: int = 8) -> RequestDetail:
        if caller.party is not None and str(caller.party) != SUPPLIER_1:
            raise NotAllowed(party=caller.party, action="see a request")
        if request_id == REFUSED_ID:
            return RequestDetail(**_refused_request().model_dump(), refused=(), answer_xml="<sr:Response/>")
        if request_id != REQUEST_ID or command_variant != 8:
            raise NotFound(kind="request", name=request_id)
        return self._request()

    def deliveries(
        self,
        caller: Caller,
        *,
        request_id: str | None = None,
        state: str | None = None,
        device: str | None = None,
        limit: int = 100,
        after: int = 0,
    ) -> list[DeliveryView]:
        if self.empty:
            return []
        wanted = {"request_id": request_id, "state": state, "device": device}
        return [
            row
            for row in self._deliveries()
            if row.delivery > after and all(v is None or getattr(row, k) == v for k, v in wanted.items())
        ][:limit]

    def delivery(self, caller: Caller, delivery: int) -> DeliveryDetail:
        found = next((row for row in self._deliveries() if row.delivery == delivery), None)
        if found is None:
            raise NotFound(kind="delivery", name=delivery)
        return DeliveryDetail(
            **found.model_dump(exclude={"waiting"}),
            waiting=found.waiting,
            timeline=(*_story(), *self.extra_events),
            alerts=tuple(row for row in self.alerts(caller) if row.device == found.device),
        )

    def devices(self, caller: Caller, limit: int = 100, after: str | None = None) -> list[DeviceView]:
        rows = [row for home in self.homes(caller) for row in home.devices]
        return [row for row in rows if after is None or row.device > after][:limit]

    def device(self, caller: Caller, eui: str) -> DeviceView:
        found = next((row for row in self.devices(caller) if row.device == eui), None)
        if found is None:
            raise NotFound(kind="device", name=eui)
        return found

    def homes(self, caller: Caller) -> list[HomeView]:
        return [] if self.empty else [self._home()]

    def home(self, caller: Caller, name: str) -> HomeView:
        if name != HOME:
            raise NotFound(kind="home", name=name)
        return self._home()

    def attest(self, octets: bytes) -> Attested:
        del octets
        return Attested(explained=False, text="it is kept")

    def screens(self, caller: Caller, home: str) -> list[ScreenView]:
        if self.living is not None:
            return self.living.screens(caller, home)
        if home != HOME:
            raise NotFound(kind="home", name=home)
        asked = {"lines": ("New software 00020000 is here.",), "buttons": ("YES", "LATER", "NO")}
        asking = ScreenView(device=PPMID, device_type="PPMID", face="question", headline="An update is ready", **asked)
        idle = ScreenView(device=IHD, device_type="IHD", face="idle", headline="All is well", lines=())
        return [asking.model_copy(update={"version": "00010000", "offered": "00020000"}), idle]

    def press(self, caller: Caller, home: str, device: str, button: str) -> None:
        if caller.party is not None:
            raise NotAllowed(party=caller.party, action="press a button of a home's display")
        if self.living is not None:
            self.living.press(caller, home, device, button)
        elif device != PPMID:
            raise NotOnScreen(device=device, button=button)
        else:
            self.pressed.append(button)

    def alerts(self, caller: Caller, party: str | None = None, limit: int = 100) -> list[AlertView]:
        if self.empty:
            return []
        mine = str(caller.party) if caller.party else party
        return [row for row in _alerts() if mine is None or row.party == mine][:limit]

    def certificates_of(self, eui: str) -> list[CertificateView]:
        self._may_break()
        return [found for found in self.certificates if found.subject == eui]

    def certificates_numbered(self, serial: int) -> list[CertificateView]:
        self._may_break()
        return [found for found in self.certificates if found.serial == serial]

    def reasons(self) -> list[FakeReason]:
        requests = [FakeReason(str(key), row.code, row.text, row.remedy) for key, row in REQUEST_REFUSALS.items()]
        devices = [
            FakeReason(str(key), str(row.device_list), row.text, row.remedy) for key, row in DEVICE_REFUSALS.items()
        ]
        return requests + devices

    def _may_break(self) -> None:
        if self.broken is not None:
            raise self.broken

    def _deliveries(self) -> list[DeliveryView]:
        return [
            _delivery(1, PPMID, "PPMID", self.state, self.offset, self.repeats, self.now),
            _delivery(2, IHD, "IHD", State.TRANSFER_FAILED, 40_960, 211, Instant(START - 40 * MINUTE)),
        ]

    def _request(self) -> RequestDetail:
        return RequestDetail(
            number=2,
            request_id=REQUEST_ID,
            command_variant=8,
            service_reference="11.4",
            originator=SUPPLIER_1,
            originator_name=NAMES[SUPPLIER_1],
            received_at=_ago(5 * MINUTE),
            response_code="W110401",
            reason=None,
            text=None,
            remedy=None,
            firmware_version="0002012F",
            image_hash="3fa1" * 16,
            image_octets=IMAGE_OCTETS,
            devices_named=3,
            devices_accepted=2,
            outcomes={str(self.state): 1, "TRANSFER_FAILED": 1},
            refused=(
                Refused(
                    device_list="InvalidDeviceIDList",
                    reason="not_responsible",
                    text="the sender is not Responsible Supplier here",
                    remedy="only a Responsible Supplier of a meter on this HAN may send",
                    devices=("00-DB-12-34-56-78-91-A4",),
                ),
            ),
            answer_xml='<sr:Response xmlns:sr="http://www.dccinterface.co.uk/ServiceUserGateway"/>',
        )

    def _home(self) -> HomeView:
        return HomeView(
            home=HOME,
            address="3 Lime Kiln Lane, LS1 4AP",
            region="North",
            hub=HUB,
            suppliers=(f"electricity: {NAMES[SUPPLIER_1]}", f"gas: {NAMES[SUPPLIER_2]}"),
            devices=(
                _device(ESME, "ESME", "00010A02", (NAMES[SUPPLIER_1],)),
                _device(GSME, "GSME", "00000903", (NAMES[SUPPLIER_2],)),
                _device(HUB, "CHF", "00009001", ()),
                _device(PPMID, "PPMID", "0002012E", tuple(NAMES.values()), None if self.state in ENDS else 1),
                _device(HCALCS, "HCALCS", "00000101", (NAMES[SUPPLIER_1],)),
                _device(IHD, "IHD", None, tuple(NAMES.values())),
            ),
        )


def _facts(view: RequestDetail) -> dict[str, object]:
    return view.model_dump(exclude={"refused", "answer_xml"})


def _ago(milliseconds: int) -> str:
    return iso(Instant(START - milliseconds))


def _refused_request() -> RequestView:
    return RequestView(
        number=1,
        request_id=REFUSED_ID,
        command_variant=8,
        service_reference="11.4",
        originator=SUPPLIER_1,
        originator_name=NAMES[SUPPLIER_1],
        received_at=_ago(25 * 60 * MINUTE),
        response_code="E110401",
        reason="image_not_certified",
        text="the image's hash is not on the Certified Product List",
        remedy="load a newer list or ask its maker",
        firmware_version="0002012F",
        image_hash="aa" * 32,
        image_octets=IMAGE_OCTETS,
        devices_named=1,
        devices_accepted=0,
        outcomes={},
    )


def _delivery(
    number: int, device: str, device_type: str, state: State, offset: int, repeats: int, at: Instant
) -> DeliveryView:
    due = EXPECTATIONS.get(state)
    return DeliveryView(
        delivery=number,
        request_id=REQUEST_ID,
        device=device,
        device_type=device_type,
        hub=HUB,
        state=str(state),
        ended=state in ENDS,
        version_before="0002012E",
        version_target="0002012F",
        version_reported="0002012F" if state is State.CONFIRMED else None,
        waiting=due and Waiting(owed_by=due.owed_by, expects=due.expects, until=iso(Instant(START + 30 * MINUTE))),
        image_octets=IMAGE_OCTETS,
        offset=offset,
        blocks=offset // 64,
        repeats=repeats,
        updated_at=iso(at),
    )


def _device(
    eui: str, device_type: str, version: str | None, suppliers: tuple[str, ...], delivery: int | None = None
) -> DeviceView:
    return DeviceView(
        device=eui,
        device_type=device_type,
        status="Commissioned",
        manufacturer="10D4",
        model="00020001",
        hub=None if device_type == "CHF" else HUB,
        home=HOME,
        region="North",
        version=version,
        version_origin="prenotified",
        version_at=None if version is None else _ago(90 * 24 * 60 * MINUTE),
        suppliers=suppliers,
        open_delivery=delivery,
    )


def event(kind: str, state: State | None, text: str, ago_ms: int, **facts: str | int | None) -> EventView:
    return EventView(at=_ago(ago_ms), kind=kind, state=state and str(state), text=text, facts=facts)


def _story() -> tuple[EventView, ...]:
    return (
        event("requested", State.REQUESTED, "Northlight Energy asked for version 0002012F", 5 * MINUTE, code="I0"),
        event("queued", State.QUEUED, "queued for the wide-area network of region North", 5 * MINUTE - 2 * SECOND),
        event("sent", State.ON_WAN, "order signed and handed to the network", 4 * MINUTE, order=1),
        event("held", State.HELD, "the hub holds the image; its hash is right", 3 * MINUTE, blocks=128),
        event("started", State.TRANSFERRING, "the device began to fetch", 2 * MINUTE),
    )


def _alerts() -> list[AlertView]:
    row = {"request_id": REQUEST_ID, "device": PPMID, "deadline": _ago(-60 * MINUTE)}
    return [
        AlertView(
            response_id=f"{DCC}:{SUPPLIER_1}:70001",
            party=SUPPLIER_1,
            party_name=NAMES[SUPPLIER_1],
            kind="DeliveredToHub",
            code="N60",
            text="the Communications Hub holds the image",
            created_at=_ago(3 * MINUTE),
            delivered_at=_ago(3 * MINUTE - SECOND),
            tries=1,
            **row,
        ),
        AlertView(
            response_id=f"{DCC}:{SUPPLIER_2}:70002",
            party=SUPPLIER_2,
            party_name=NAMES[SUPPLIER_2],
            kind="UpgradeRequested",
            code="N59",
            text="another Supplier asked for this update",
            created_at=_ago(5 * MINUTE),
            delivered_at=None,
            tries=2,
            **row,
        ),
    ]
