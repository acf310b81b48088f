"""What the faces need of the application: one protocol, kept by `hanota.app.desk.Desk` and by the tests' fake desk."""

from collections.abc import Callable, Sequence
from typing import Protocol

from hanota.app.desk.views import (
    AlertView,
    Attested,
    CertificateView,
    CommandView,
    DeadLetterView,
    DeliveryDetail,
    DeliveryView,
    DeviceView,
    HomeChange,
    HomeView,
    Overview,
    QuarantineView,
    Replayed,
    RequestDetail,
    RequestView,
    ScreenView,
)
from hanota.base.instant import Instant
from hanota.base.vocabulary.duis import ResponseCode
from hanota.model.access import Caller

Now = Callable[[], Instant]


class Answer(Protocol):
    """What a submitted request is answered: a DUIS Response document and the code in it."""

    @property
    def octets(self) -> bytes:
        """The document, to be sent as it is."""
        ...

    @property
    def code(self) -> ResponseCode:
        """Its ResponseCode, for logs."""
        ...


class ReasonRow(Protocol):
    """One way to be refused: the reason, the DUIS code or device list it is told by, its text and its remedy."""

    @property
    def reason(self) -> str:
        """The name of the reason."""
        ...

    @property
    def told_by(self) -> str:
        """The DUIS code or the device list that tells it."""
        ...

    @property
    def text(self) -> str:
        """What it means."""
        ...

    @property
    def remedy(self) -> str:
        """What to do about it."""
        ...


class OperatingPort(Protocol):
    """What the operator looks after. A party sees its own; acts are the operator's alone."""

    def commands(self, caller: Caller, limit: int = 100) -> Sequence[CommandView]:
        """Give commands to devices, newest first."""
        ...

    def quarantined(self, caller: Caller, limit: int = 100) -> Sequence[QuarantineView]:
        """Give requests that are or were held in quarantine, newest first."""
        ...

    def release(self, caller: Caller, number: int) -> None:
        """Let a request that is held go on. Raises NotHeld."""
        ...

    def drop(self, caller: Caller, number: int) -> None:
        """Refuse a request that is held. Raises NotHeld."""
        ...

    def dead_letters(self, caller: Caller, limit: int = 100) -> Sequence[DeadLetterView]:
        """Give messages that were given up, the latest first."""
        ...

    def replay(self, caller: Caller, messages: Sequence[int]) -> Replayed:
        """Let messages that were given up be tried anew; numbers of others are passed over."""
        ...


class ChangingPort(Protocol):
    """Changes of homes, the operator's alone. Raises NotInRegistry, ChangeImpossible, BadValue."""

    def change_supplier(self, caller: Caller, mpxn: str, party: str, since: str | None = None) -> HomeChange:
        """Let another party supply a meter point."""
        ...

    def change_tenancy(self, caller: Caller, home: str) -> HomeChange:
        """Let new occupiers move into a home."""
        ...

    def swap_device(self, caller: Caller, device: str, new: str, version: str | None = None) -> HomeChange:
        """Put a new device in an old one's place."""
        ...

    def swap_hub(self, caller: Caller, home: str, chf: str, gpf: str) -> HomeChange:
        """Put a new hub in the place of a home's hub."""
        ...


class DeskPort(OperatingPort, ChangingPort, Protocol):
    """Queries and commands with access enforced; every method blocks and may be called from any thread.

    Raises HanotaError only: NotFound where a thing does not exist, NotAllowed where the caller has no relation to it.
    """

    def submit(self, octets: bytes, service: str) -> Answer:
        """Give the answer to a signed request: always a DUIS document. `service`: D, S or T, by the web service."""
        ...

    def overview(self, caller: Caller) -> Overview:
        """Give the four numbers and what needs attention."""
        ...

    def requests(self, caller: Caller, limit: int = 50, before: str | None = None) -> Sequence[RequestView]:
        """Give requests, newest first, older than `before`."""
        ...

    def request(self, caller: Caller, request_id: str, command_variant: int = 8) -> RequestDetail:
        """Give one request with its refusals and its answer."""
        ...

    def deliveries(
        self,
        caller: Caller,
        *,
        request_id: str | None = None,
        state: str | None = None,
        device: str | None = None,
        limit: int = 100,
        after: int = 0,
    ) -> Sequence[DeliveryView]:
        """Give deliveries by rising number, beyond `after`; what is given besides narrows them."""
        ...

    def delivery(self, caller: Caller, delivery: int) -> DeliveryDetail:
        """Give one delivery with its story and alerts."""
        ...

    def devices(self, caller: Caller, limit: int = 100, after: str | None = None) -> Sequence[DeviceView]:
        """Give devices of the inventory by EUI-64, beyond `after`."""
        ...

    def device(self, caller: Caller, eui: str) -> DeviceView:
        """Give one device."""
        ...

    def homes(self, caller: Caller) -> Sequence[HomeView]:
        """Give homes with their devices."""
        ...

    def home(self, caller: Caller, name: str) -> HomeView:
        """Give one home with its devices."""
        ...

    def attest(self, octets: bytes) -> Attested:
        """Take a Supplier's signed statement about a local upgrade. Raises StatementRefused."""
        ...

    def screens(self, caller: Caller, home: str) -> Sequence[ScreenView]:
        """Give what the displays of a home show their consumer; `home` is its name or its hub's EUI-64."""
        ...

    def press(self, caller: Caller, home: str, device: str, button: str) -> None:
        """Press a button of a display, as its consumer would. Raises NotOnScreen."""
        ...

    def alerts(self, caller: Caller, party: str | None = None, limit: int = 100) -> Sequence[AlertView]:
        """Give alerts, newest first, to all parties or to one."""
        ...

    def certificates_of(self, eui: str) -> Sequence[CertificateView]:
        """Give every certificate of a party, hub or device."""
        ...

    def certificates_numbered(self, serial: int) -> Sequence[CertificateView]:
        """Give the certificates with a serial number."""
        ...

    def reasons(self) -> Sequence[ReasonRow]:
        """Give every way to be refused."""
        ...
