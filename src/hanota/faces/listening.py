"""Where to listen and how: addresses, ports that are ours from the start, and TLS."""

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hanota.app.settings import TlsFiles
from hanota.base.errors import Fault, HanotaError, require

DEFAULT_ADDRESS: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8079


class PortTaken(HanotaError):
    """The port that was asked for is in use."""

    code, fault = "HOTA-FACE-010", Fault.OPERATOR
    what = "{address}:{port} is in use by another program"
    remedy = "stop that program (another `hanota up`?) or choose another port with --port or --smki-port"


class TlsUnusable(HanotaError):
    """Files that were given for TLS and can't be used."""

    code, fault = "HOTA-FACE-011", Fault.OPERATOR
    what = "TLS can't be served with {file}: {reason}"
    remedy = "give --tls-cert and --tls-key as PEM files that belong together, and certificates (PEM) as --client-ca"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """PEM files for TLS 1.2 and newer. With `client_ca`, only clients with a certificate from it are let in."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def check(self) -> None:
        """Read the files as the server will. Raises TlsUnusable."""
        for file in filter(None, (self.certificate, self.key, self.client_ca)):
            require(file.is_file(), TlsUnusable, file=file, reason="there is no such file")
        _try(lambda: self._context().load_cert_chain(self.certificate, self.key), self.certificate)
        if self.client_ca is not None:
            ca = self.client_ca
            _try(lambda: self._context().load_verify_locations(ca), ca)

    @staticmethod
    def _context() -> ssl.SSLContext:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def tls_of(files: TlsFiles) -> Tls | None:
    """Give how TLS is served, None where no file is given. Raises TlsUnusable, also where one is missing."""
    if files.cert is None and files.key is None and files.client_ca is None:
        return None
    if files.cert is None or files.key is None:
        raise TlsUnusable(file=files.cert or files.key or files.client_ca, reason="certificate and key go together")
    tls = Tls(certificate=files.cert, key=files.key, client_ca=files.client_ca)
    tls.check()
    return tls


@dataclass(frozen=True, slots=True)
class Place:
    """An address and a port that another process of ours has claimed."""

    address: str
    port: int


class Claim:
    """A port that nobody else can take from now on; the server of this very process shares it later.

    The server binds with SO_REUSEPORT, and so would share another program's port instead of saying that it is taken.
    """

    def __init__(self, port: int, address: str = DEFAULT_ADDRESS) -> None:
        """Claim it. Raises PortTaken."""
        self.address, self.port = address, port
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if not _bound(probe, address, port):
                raise PortTaken(address=address, port=port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if not _bound(self._socket, address, port):  # connections that ended lately: they bar this bind, not the other
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if not _bound(self._socket, address, port):
                self.release()
                raise PortTaken(address=address, port=port)

    def release(self) -> None:
        """Let others have it, once nothing serves there any more."""
        self._socket.close()


def free_port(address: str = DEFAULT_ADDRESS) -> int:
    """Give a port of `address` that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((address, 0))
        number: int = probe.getsockname()[1]
        return number


def _try(load: Callable[[], None], file: Path) -> None:
    try:
        load()
    except (OSError, ssl.SSLError) as cause:
        raise TlsUnusable(file=file, reason=str(cause)) from cause


def _bound(asking: socket.socket, address: str, port: int) -> bool:
    try:
        asking.bind((address, port))
    except OSError:
        return False
    return True
