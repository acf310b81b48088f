"""hanota from outside: a real `hanota up`, its gateway and REST, its store read-only; and estates made for a test."""

import contextlib
import itertools
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from lxml import etree

from hanota.base.eui import Eui64
from hanota.base.ids import RequestId
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire import duis
from hanota.wire.otaimage import GbImage, write_image
from hanota.wire.otaimage.build import ImageDescription, PayloadDescription, build_image
from hanota.wire.smki import Certificate, KeyDirectory, read_directory
from helpers import prefork
from helpers.shared import shared

DCC = Eui64.parse("90-B3-D5-1F-30-00-00-02")
SUPPLIER_1 = Eui64.parse("90-B3-D5-1F-30-01-00-00")
SUPPLIER_2 = Eui64.parse("90-B3-D5-1F-30-03-00-00")
FACTORY_VERSION = 0x0001_0000
TEMPLATES = "duis/templates"

_HANOTA = (sys.executable, "-m", "hanota")
_READY_S_MAX = 60.0
_MANUFACTURER, _PPMID_TYPE, _HARDWARE = 0x121D, 0x0084, 0x1111
_counters = itertools.count(2000)
_PORTS = range(10_000, 32_000)
_chance = random.SystemRandom()  # processes that are forked or seeded alike shall not ask for the same


# --- commands and the service -----------------------------------------------------------------------------------


def started(*arguments: object, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Start one command as a user does, and run it to its end."""
    command = [*_HANOTA, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


def hanota(*arguments: object, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run one command to its end, in a process that has imported what it needs."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = prefork.begin("hanota", arguments, stdout=out, stderr=err)
        try:
            code = process.wait(timeout_s)
        finally:
            process.kill()
        told = []
        for stream in (out, err):
            stream.seek(0)
            told.append(stream.read().decode())
    return subprocess.CompletedProcess(["hanota", *map(str, arguments)], code, *told)


def free_port() -> int:
    """Give a port of loopback that nobody uses now, nor will get by chance before it is used: none of those from which
    the kernel serves whoever connects.
    """
    while True:
        number = _chance.choice(_PORTS)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", number))
            return number


@dataclass
class Service:
    """`hanota up` as a process of its own, on one home folder and port over all its lives.

    `block_log` names a file to which every block that a device asks for is written, as it reaches the hub. `options`
    are more options of `hanota up`.
    """

    home: Path
    estate: Path | None = None
    policies: Sequence[str] = ()
    options: Sequence[str] = ()
    block_log: Path | None = None
    port: int = field(default_factory=free_port)
    process: prefork.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def store(self) -> Path:
        return self.home / "store.sqlite"

    @property
    def _out(self) -> Path:
        return self.home.with_name(f"{self.home.name}.out")

    @property
    def _err(self) -> Path:
        return self.home.with_name(f"{self.home.name}.err")

    def said(self) -> str:
        """Everything that it wrote on stdout and stderr, over all its lives."""
        return self._out.read_text() + self._err.read_text()

    def start(self, speed: float = 500) -> float:
        """Start it and wait until it serves. Returns: seconds that took."""
        began = time.monotonic()
        self.process = self.launch(speed)
        while time.monotonic() - began < _READY_S_MAX:
            assert self.process.poll() is None, f"hanota up ended by itself: {self.said()}"
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/readyz").is_success:
                    return time.monotonic() - began
            time.sleep(0.02)
        raise AssertionError(f"hanota up did not serve within {_READY_S_MAX} s")

    def launch(self, speed: float = 500) -> prefork.Process:
        """Start the process and wait for nothing."""
        arguments = ["up", "--home", str(self.home), "--port", str(self.port), "--speed", str(speed)]
        if self.estate is not None:
            arguments += ["--estate", str(self.estate)]
        for policy in self.policies:
            arguments += ["--policy", policy]
        arguments += self.options
        if self.block_log is None:
            module = "hanota"
        else:
            module, arguments = "helpers.block_log", [str(self.block_log), *arguments]
        self.home.parent.mkdir(parents=True, exist_ok=True)
        with self._out.open("ab") as out, self._err.open("ab") as err:  # files: a pipe that nobody reads fills up
            return prefork.begin(module, arguments, stdout=out, stderr=err)

    def kill(self) -> None:
        """Kill it as the power would: `kill -9`."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def terminate(self) -> tuple[int, float]:
        """Ask it to stop. Returns: exit code, seconds that took."""
        assert self.process is not None
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60), time.monotonic() - began

    def keys(self) -> KeyDirectory:
        """Its test PKI."""
        return read_directory(self.home / "pki")

    def client(self) -> "Client":
        return Client(self.url, self.keys())


@contextlib.contextmanager
def running(service: Service, speed: float = 500) -> Iterator[Service]:
    """Have a service for a while; no process of it is left behind."""
    try:
        service.start(speed)
        yield service
    finally:
        if service.process is not None and service.process.poll() is None:
            service.kill()


# --- the gateway and REST as their users see them -----------------------------------------------------------------


@dataclass(frozen=True)
class Answered:
    """A DUIS Response that was found valid by the official schema and signed by the DCC."""

    octets: bytes
    response: duis.Response

    @property
    def code(self) -> str:
        return str(self.response.code.value)

    @property
    def lists(self) -> dict[str, list[str]]:
        """The devices left out, by the name of their list."""
        body = self.response.body
        assert isinstance(body, duis.ResponseMessage)
        if body.content is None:
            return {}
        return {str(name.value): text.split(",") for name, text in body.content.lists.items()}


class Client:
    """Posts requests and reads REST. Holds every answer against the official schema and the DCC's signature."""

    def __init__(self, url: str, keys: KeyDirectory) -> None:
        self.url = url
        self.keys = keys
        self._http = httpx.Client(base_url=url, timeout=60)
        self._dcc = keys.certificate(DCC, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.DSP_XML_SIGN)

    def post(self, octets: bytes, service: str = "D") -> Answered:
        """Post a document to a web service of the gateway."""
        answer = self.raw_post(octets, service)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("application/xml")
        return self._held(answer.content)

    def raw_post(self, octets: bytes, service: str = "D", media_type: str = "application/xml") -> httpx.Response:
        """Post a document and hold the answer against nothing."""
        return self._http.post(f"/api/v1/service{service}", content=octets, headers={"Content-Type": media_type})

    def _held(self, octets: bytes) -> Answered:
        root = duis.parse_safely(octets)
        schema = official_schema()
        assert schema.validate(root), schema.error_log
        report = duis.verify(root, self._find_dcc)
        assert report, report.problems
        assert report.signer == self._dcc
        return Answered(octets, duis.read_response(root))

    def _find_dcc(self, issuer: str, serial: int) -> Certificate | None:
        return self._dcc if (issuer, serial) == (self._dcc.issuer, self._dcc.serial) else None

    def get(self, path: str, **params: object) -> Any:
        """Read a resource of REST."""
        answer = self._http.get(f"/api/rest/v1/{path}", params={name: str(value) for name, value in params.items()})
        assert answer.is_success, answer.text
        return answer.json()

    def deliveries(self, request_id: object) -> list[dict[str, Any]]:
        """Give the deliveries of a request."""
        found: list[dict[str, Any]] = self.get("deliveries", request_id=request_id, limit=500)
        return found

    def until_ended(self, request_id: object, within_s: float = 30) -> list[dict[str, Any]]:
        """Wait until every delivery of a request has ended."""
        give_up = time.monotonic() + within_s
        while time.monotonic() < give_up:
            found = self.deliveries(request_id)
            if found and all(delivery["ended"] for delivery in found):
                return found
            time.sleep(0.05)
        raise AssertionError(f"not ended after {within_s} s: {self.deliveries(request_id)}")


@cache
def official_schema() -> etree.XMLSchema:
    """Compile DUIS Schema V5.4; it imports a schema that has a DOCTYPE."""
    parser = etree.XMLParser(load_dtd=True, no_network=True)
    return etree.XMLSchema(etree.parse(shared() / "schema" / "duis-5.4.xsd", parser))


def template(name: str) -> bytes:
    """Give one of the industry's example requests by the beginning of its file name."""
    (found,) = (shared() / TEMPLATES).glob(f"{name}*")
    return found.read_bytes()


# --- the store and the homes' memory, read only -------------------------------------------------------------------


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a SQLite file that may be in use, to look only."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    connection.row_factory = sqlite3.Row
    try:
        yield connection
    finally:
        connection.close()


def rows(path: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Give the rows of one query."""
    with reading(path) as connection:
        return [tuple(row) for row in connection.execute(query, values)]


def stored_octets(home: Path, device: Eui64) -> int:
    """How much of an image the device has in memory that survives power loss; all of it where it has banked one."""
    query = "SELECT key, length(value) FROM memory WHERE node = ?"
    held: dict[str, int] = dict(rows(home / "estate.sqlite", query, device.signed))
    blocks = sum(octets for key, octets in held.items() if key.startswith("block/"))
    return held.get("bank/1", blocks)


# --- estates made for a test --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Home:
    """One made home: ESME of Supplier 1, GSME of Supplier 2, a PPMID and a CAD; or all meters Supplier 2's."""

    number: int
    suppliers: tuple[Eui64, Eui64] = (SUPPLIER_1, SUPPLIER_2)

    def _eui(self, last: int) -> Eui64:
        return Eui64(0x00DB_1240_0000_0000 + self.number * 0x100 + last)

    @property
    def name(self) -> str:
        return f"Made {self.number}"

    @property
    def hub(self) -> Eui64:
        return self._eui(0xA2)

    @property
    def esme(self) -> Eui64:
        return self._eui(0xA0)

    @property
    def gsme(self) -> Eui64:
        return self._eui(0xA1)

    @property
    def ppmid(self) -> Eui64:
        return self._eui(0xA4)

    @property
    def cad(self) -> Eui64:
        return self._eui(0xA7)

    def toml(self) -> str:
        kinds = (
            (self.esme, "ESME", "00001111"),
            (self.gsme, "GSME", "00011111"),
            (self.ppmid, "PPMID", f"{_PPMID_TYPE:04X}{_HARDWARE:04X}"),
            (self.cad, "CAD", "00861111"),
        )
        points = zip((self.esme, self.gsme), self.suppliers, (f"1{self.number:012}", f"9{self.number:09}"), strict=True)
        return "\n".join(
            (
                f'[[premises]]\nname = "{self.name}"\naddress = "{self.number} Test Row"\npostcode = "TE2 2AA"',
                f'uprn = {200_000_000_000 + self.number}\nregion = "North"',
                f'[premises.hub]\nchf = "{self.hub}"\ngpf = "{self._eui(0xA3)}"',
                'firmware_version = "00009001"\ngbcs_version = "4.3"',
                *(
                    f'[[premises.meter_point]]\nmpxn = "{mpxn}"\ndevice = "{meter}"\n'
                    f'[[premises.meter_point.supplier]]\nsince = "2024-01-01T00:00:00Z"\nparty = "{supplier}"'
                    for meter, supplier, mpxn in points
                ),
                *(
                    f'[[premises.device]]\neui = "{eui}"\ntype = "{kind}"\nmanufacturer = "{_MANUFACTURER:04X}"\n'
                    f'model = "{model}"\nfirmware_version = "{FACTORY_VERSION:08X}"\ngbcs_version = "4.3"'
                    for eui, kind, model in kinds
                ),
            )
        )


@dataclass(frozen=True)
class Firmware:
    """An image for the PPMIDs of made homes, and its standing on the Certified Product List."""

    image: GbImage
    status: str = "Active"

    @property
    def octets(self) -> bytes:
        return write_image(self.image)

    @property
    def version(self) -> str:
        return self.image.header.version_text

    def toml(self) -> str:
        return (
            f'[[product]]\nmanufacturer = "{_MANUFACTURER:04X}"\nmodel = "{_PPMID_TYPE:04X}{_HARDWARE:04X}"\n'
            f'firmware_version = "{self.version}"\nmanufacturer_hash = "{self.image.manufacturer_hash.hex()}"\n'
            f'status = "{self.status}"'
        )


def firmware(version: int, octets: int = 1024, status: str = "Active") -> Firmware:
    """Make an image whose whole file has so many octets."""
    header = build_image(_described(version, 1)).header.header_octets
    image = build_image(_described(version, octets - header))
    assert len(write_image(image)) == octets
    return Firmware(image, status)


def _described(version: int, octets: int) -> ImageDescription:
    return ImageDescription(
        manufacturer=_MANUFACTURER,
        image_type=_PPMID_TYPE,
        file_version=version,
        label="made for a test",
        hardware_min=_HARDWARE,
        hardware_max=_HARDWARE,
        payload=PayloadDescription(octets=octets, seed=version),
    )


def make_estate(path: Path, homes: Sequence[Home], products: Sequence[Firmware]) -> Path:
    """Write an estate with two Suppliers, these homes and these certified products."""
    parties = "\n".join(
        f'[[party]]\nname = "Supplier {number}"\neui = "{eui}"\nroles = ["IS", "GS"]'
        for number, eui in enumerate((SUPPLIER_1, SUPPLIER_2), 1)
    )
    parts = [f'[dcc]\neui = "{DCC}"', parties, *(home.toml() for home in homes), *(one.toml() for one in products)]
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return path


# --- requests -----------------------------------------------------------------------------------------------------


def ask(
    image: bytes,
    devices: Sequence[Eui64],
    *,
    version: str,
    sender: Eui64 = SUPPLIER_1,
    target: Eui64 = DCC,
    counter: int | None = None,
    variant: int = 8,
) -> duis.FirmwareRequest:
    """Write an 11.4 request under a RequestID of its own."""
    header = duis.RequestHeader(
        request_id=RequestId(sender, target, counter or next(_counters)),
        command_variant=variant,
        service_reference="11.4",
        service_reference_variant="11.4",
    )
    return duis.FirmwareRequest(
        header=header, image=image, firmware_version=version, device_list=duis.join_devices(devices)
    )


def signed(request: duis.FirmwareRequest, keys: KeyDirectory, signer: Eui64 | None = None) -> bytes:
    """Sign a request as its originator, or as somebody else."""
    return sign_octets(duis.write_request(request), keys, signer or request.header.request_id.originator)


def sign_octets(octets: bytes, keys: KeyDirectory, signer: Eui64) -> bytes:
    """Sign any document with a party's XML-signing key."""
    return duis.sign(octets, keys.credential(signer, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN))
