"""The desk: the queries and commands of people, access enforced before anything is given out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hanota.app.desk.changing import Changing
from hanota.app.desk.errors import NotFound, NotOnScreen
from hanota.app.desk.operating import Acts
from hanota.app.desk.screens import screen_view
from hanota.app.desk.shaping import Shaper
from hanota.app.desk.views import (
    AlertView,
    Attested,
    CertificateView,
    DeliveryDetail,
    DeliveryView,
    DeviceView,
    HomeView,
    Overview,
    RequestDetail,
    RequestView,
    ScreenView,
)
from hanota.base.errors import require
from hanota.base.eui import Eui64
from hanota.base.instant import Instant, iso
from hanota.base.vocabulary.devices import DeviceType
from hanota.model.access import Action, Caller, Relation, enforce
from hanota.model.delivery import ENDS, State
from hanota.model.profiles import PROFILES
from hanota.model.reasons import DEVICE_REFUSALS
from hanota.model.refusals import REQUEST_REFUSALS
from hanota.process.acceptance import Answer
from hanota.records.ledger import story
from hanota.records.registry.certificates import certificates_by_serial, certificates_for
from hanota.records.store import Store, queries
from hanota.records.store.strangers import strangers
from hanota.records.store.wan_use import queue_place
from hanota.wire.zcl import Answer as Button

_ATTENTION_MAX = 20
_ATTESTED = "it explains the version that the device reports"
_STATED = "it is kept, and will explain the version once the device reports it"
Accept = Callable[[bytes, str, Instant], Answer]


@dataclass(frozen=True, slots=True)
class Reason:
    """One way to be refused, and how it is told on the wire."""

    reason: str
    told_by: str
    text: str
    remedy: str


class Desk(Changing):
    """Safe to use from any thread. Raises NotFound, NotAllowed, NotHeld and nothing else of its own."""

    def __init__(self, store: Store, accept: Accept, now: Callable[[], Instant], acts: Acts | None = None) -> None:
        super().__init__(store, acts or Acts(), now)
        self._accept = accept

    def submit(self, octets: bytes, service: str) -> Answer:
        """Take a signed DUIS request; the answer is a DUIS Response, also for a refusal."""
        return self._accept(octets, str(service), self._now())

    def attest(self, octets: bytes) -> Attested:
        """Take a Supplier's signed statement about a local upgrade: whoever brings it, its signature counts (R26).

        Raises StatementRefused.
        """
        explained = self._acts.attest(octets, self._now())
        return Attested(explained=explained, text=_ATTESTED if explained else _STATED)

    def overview(self, caller: Caller) -> Overview:
        """Give the numbers that matter and what needs attention."""
        enforce(caller, Action.SEE_OVERVIEW, frozenset({Relation.SENDER}))
        now = self._now()
        with self._store.reading() as connection:
            by_state = queries.counts(connection, concern=_concern(caller, now))
            bad = queries.attention(connection, concern=_concern(caller, now), limit=_ATTENTION_MAX)
            held, dead = queries.left_to_operator(connection, party=caller.party)
            shaper = Shaper(now)
            waiting = {State.TRANSFERRED, State.CONSENT, State.ACTIVATED}
            return Overview(
                now=iso(now),
                running=sum(count for state, count in by_state.items() if State(state) not in ENDS | waiting),
                waiting=sum(by_state.get(state, 0) for state in waiting),
                failed=sum(by_state.get(state, 0) for state in ENDS - {State.CONFIRMED}),
                confirmed=by_state.get(State.CONFIRMED, 0),
                held=held,
                dead_letters=dead,
                attention=tuple(shaper.delivery(row) for row in bad),
            )

    def requests(self, caller: Caller, limit: int = 50, before: str | None = None) -> list[RequestView]:
        """Give requests, newest first; `before` is the RequestID to go on from."""
        with self._store.reading() as connection:
            found = queries.requests(connection, originator=None, limit=1, key=before) if before else []
            number = found[0].id if found else None
            rows = queries.requests(connection, originator=caller.party, limit=limit, before=number)
            counts = queries.outcomes(connection, [row.id for row in rows])
        return [Shaper(self._now()).request(row, counts.get(row.id, {})) for row in rows]

    def request(self, caller: Caller, request_id: str, command_variant: int = 8) -> RequestDetail:
        """Give one request: the authentic one if there is one, else the newest that claimed the RequestID."""
        with self._store.reading() as connection:
            rows = queries.requests(connection, originator=None, limit=50, key=request_id)
            require(rows, NotFound, kind="request", name=request_id)
            row = next((row for row in rows if row.key and row.variant == command_variant), rows[0])
            sender = {Relation.SENDER} if caller.party == Eui64.from_signed(row.originator) else set()
            enforce(caller, Action.SEE_REQUEST, frozenset(sender))
            counts = queries.outcomes(connection, [row.id])
        return Shaper(self._now()).request_detail(row, counts.get(row.id, {}))

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
        """Give the deliveries that concern the caller."""
        now = self._now()
        with self._store.reading() as connection:
            rows = queries.deliveries(
                connection,
                concern=_concern(caller, now),
                request_id=request_id,
                state=state,
                device=Eui64.parse(device) if device else None,
                limit=limit,
                after=after,
            )
        return [Shaper(now).delivery(row) for row in rows]

    def delivery(self, caller: Caller, delivery: int) -> DeliveryDetail:
        """Give one delivery with its story and its alerts (a party sees only its own alerts)."""
        now = self._now()
        with self._store.reading() as connection:
            rows = queries.deliveries(connection, delivery=delivery, limit=1)
            require(rows, NotFound, kind="delivery", name=delivery)
            concerned = queries.deliveries(connection, concern=_concern(caller, now), delivery=delivery, limit=1)
            enforce(caller, Action.SEE_DELIVERY, frozenset({Relation.RESPONSIBLE} if concerned else ()))
            lines = [line for line in story(connection, delivery) if _may_read(caller, line)]
            told = queries.alerts(connection, party=caller.party, delivery=delivery)
            place = queue_place(connection, delivery)
        return Shaper(now).delivery_detail(rows[0], lines, told, place)

    def devices(self, caller: Caller, limit: int = 100, after: str | None = None) -> list[DeviceView]:
        """Give the devices that the caller is responsible for; all to the operator."""
        place = Eui64.parse(after) if after else None
        return self._devices(caller, after=place, limit=limit)

    def device(self, caller: Caller, eui: str) -> DeviceView:
        """Give one device."""
        wanted = Eui64.parse(eui)
        require(self._devices(Caller(), eui=wanted), NotFound, kind="device", name=eui)
        found = self._devices(caller, eui=wanted)
        enforce(caller, Action.SEE_DEVICE, frozenset({Relation.RESPONSIBLE} if found else ()))
        return found[0]

    def _devices(
        self,
        caller: Caller,
        *,
        eui: Eui64 | None = None,
        home: str | None = None,
        after: Eui64 | None = None,
        limit: int | None = None,
    ) -> list[DeviceView]:
        now = self._now()
        with self._store.reading() as connection:
            rows = queries.devices(
                connection, concern=_concern(caller, now), eui=eui, home=home, after=after, limit=limit
            )
            names = queries.suppliers(connection, [row.eui for row in rows], now)
        return [Shaper(now).device(row, names.get(row.eui, ())) for row in rows]

    def homes(self, caller: Caller) -> list[HomeView]:
        """Give the homes in which the caller is responsible for something; all to the operator."""
        with self._store.reading() as connection:
            rows = queries.homes(connection)
        by_home: dict[str | None, list[DeviceView]] = {}
        for device in self._devices(caller):
            by_home.setdefault(device.home, []).append(device)
        return [Shaper(self._now()).home(row, by_home[row.name]) for row in rows if row.name in by_home]

    def home(self, caller: Caller, name: str) -> HomeView:
        """Give one home."""
        with self._store.reading() as connection:
            rows = queries.homes(connection, name)
        require(rows, NotFound, kind="home", name=name)
        devices = self._devices(caller, home=name)
        enforce(caller, Action.SEE_HOME, frozenset({Relation.RESPONSIBLE} if devices else ()))
        with self._store.reading() as connection:
            refused = strangers(connection, Eui64.from_signed(rows[0].hub)) if rows[0].hub is not None else ()
        return Shaper(self._now()).home(rows[0], devices, refused)

    def screens(self, caller: Caller, home: str) -> list[ScreenView]:
        """Give what the displays of a home show their consumer; `home` is its name or its hub's EUI-64."""
        enforce(caller, Action.SEE_SCREENS, frozenset({Relation.RESPONSIBLE}))
        found = self.home(caller, self._home_name(home))
        now = self._now()
        return [
            screen_view(device.device, device.device_type, self._acts.showing(Eui64.parse(device.device)), now)
            for device in found.devices
            if PROFILES[DeviceType(device.device_type)].consent_display
        ]

    def press(self, caller: Caller, home: str, device: str, button: str) -> None:
        """Press a button of a display, as its consumer would. Raises NotFound, NotOnScreen."""
        enforce(caller, Action.PRESS, frozenset())
        wanted = str(Eui64.parse(device))
        before = self._acts.showing(Eui64.parse(device))  # ahead of the buttons: what comes after is another question
        shown = next((each for each in self.screens(caller, home) if each.device == wanted), None)
        require(shown is not None, NotFound, kind="display", name=device)
        offered = shown is not None and button in shown.buttons
        if not offered or before is None or before.question is None:
            raise NotOnScreen(device=wanted, button=button)
        self._acts.press(Eui64.parse(device), Button(button), before.question.message)

    def _home_name(self, home: str) -> str:
        """Give the name of the home that is meant by its name or by its hub."""
        with self._store.reading() as connection:
            rows = queries.homes(connection)
        of_hub = (row.name for row in rows if row.hub is not None and str(Eui64.from_signed(row.hub)) == home)
        return next(of_hub, home)

    def alerts(self, caller: Caller, party: str | None = None, limit: int = 100) -> list[AlertView]:
        """Give alerts, newest first: a party's own, or to the operator those of any party."""
        wanted = Eui64.parse(party) if party else caller.party
        own = frozenset({Relation.RECIPIENT} if wanted == caller.party else ())
        enforce(caller, Action.SEE_ALERTS, own)
        with self._store.reading() as connection:
            rows = queries.alerts(connection, party=wanted, limit=limit)
        return [Shaper(self._now()).alert(row) for row in rows]

    def certificates_of(self, eui: str) -> list[CertificateView]:
        """Give every certificate of a party, hub or device. Certificates are public: anybody may ask."""
        with self._store.reading() as connection:
            found = certificates_for(connection, Eui64.parse(eui))
        return [Shaper(self._now()).certificate(each) for each in found]

    def certificates_numbered(self, serial: int) -> list[CertificateView]:
        """Give the certificates with a serial number: more than one where several issuers drew the same."""
        with self._store.reading() as connection:
            found = certificates_by_serial(connection, serial)
        return [Shaper(self._now()).certificate(each) for each in found]

    def reasons(self) -> list[Reason]:
        """Give every reason for a refusal, with the code or list by which DUIS tells it."""
        whole = [
            Reason(reason.value, row.code.format(srv="1104"), row.text, row.remedy)
            for reason, row in REQUEST_REFUSALS.items()
        ]
        single = [
            Reason(reason.value, row.device_list.value, row.text, row.remedy) for reason, row in DEVICE_REFUSALS.items()
        ]
        return whole + single


def _may_read(caller: Caller, line: Mapping[str, object]) -> bool:
    """A party reads what happened to the delivery, but not which alerts went to others."""
    return caller.is_operator or line.get("party") in (None, str(caller.party))


def _concern(caller: Caller, now: Instant) -> queries.Concern | None:
    return None if caller.party is None else queries.Concern(caller.party, now)
