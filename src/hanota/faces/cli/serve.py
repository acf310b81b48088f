"""`hanota serve`: the head end as an operator runs it, as several processes over one store, on one machine or more."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hanota.base.errors import Fault, HanotaError, require
from hanota.faces.cli.logs import set_up_logs
from hanota.faces.cli.options import KeyStore, Pem, examples

if TYPE_CHECKING:
    from hanota.app.serving.settings import PartSettings
    from hanota.app.serving.supervisor import Supervisor
    from hanota.records.store import Store

EXAMPLES = examples(
    "hanota serve --database service.sqlite --nats nats://127.0.0.1:4222 --pki keys --estate estate.toml --workers 2",
    "hanota serve --database postgresql://hanota@db/hanota --nats nats://n1:4222,nats://n2:4222 --pki keys --workers 4",
    "hanota serve --workers 0 --no-console --address 0.0.0.0 --tls-cert server.pem --tls-key server-key.pem --pki keys",
    "hanota serve --workers 0 --no-gateway --console-port 8080 --pki keys",
)
_LOOPBACK: Final = "127.0.0.1"
_Port = {"min": 1, "max": 65535}

_Database = Annotated[
    str,
    typer.Option(
        envvar="HANOTA_DATABASE",
        metavar="PATH|URL",
        help="The store: a file, which serves the processes of one machine, or postgresql://… for several machines.",
    ),
]
_Workers = Annotated[int, typer.Option(min=0, max=64, help="Processes that move deliveries, on this host.")]
_KeyProcesses = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=64,
        help="Processes beside each worker that read frames and look at signatures once many come; default: its share "
        "of the cores but one, which is its own.",
    ),
]
_Nats = Annotated[
    str | None,
    typer.Option(envvar="HANOTA_NATS", metavar="URL", help="The network to the hubs; workers can't do without it."),
]
_Estate = Annotated[
    Path | None,
    typer.Option(**Pem, help="Enter these homes, parties and products first; several hosts may, and again."),
]
_Pki = Annotated[
    Path | None,
    typer.Option(exists=True, file_okay=False, metavar="DIR", help="The DCC's keys, and certificates of others."),
]
_Name = Annotated[
    str | None,
    typer.Option(help="How its lanes in the event log are called: NAME-1, NAME-2, …; default: the host's name."),
]
_GatewayPort = Annotated[int, typer.Option("--port", **_Port, help="The gateway's port.")]
_Address = Annotated[str, typer.Option(help="Where the gateway listens; beyond loopback it leaves REST out.")]
_ConsoleAddress = Annotated[
    str, typer.Option(help="Where the console listens. It has no sign-in: who reaches it operates the service.")
]
_HealthPort = Annotated[
    int | None, typer.Option(**_Port, help="Serve /healthz, /readyz and /metrics of this host at this port, too.")
]
_Policy = Annotated[
    list[str] | None, typer.Option(metavar="NAME=VALUE", help="A policy other than by default. Repeatable.")
]
_Cert = Annotated[Path | None, typer.Option(**Pem, help="The gateway's certificate chain (PEM).")]
_Key = Annotated[Path | None, typer.Option(**Pem, help="Its private key (PEM, not encrypted).")]
_ClientCa = Annotated[
    Path | None, typer.Option(**Pem, help="Let in only clients with a certificate from this authority (PEM).")
]


class NothingToServe(HanotaError):
    """A host that is to have no process at all."""

    code, fault = "HOTA-CLI-110", Fault.REQUESTER
    what = "no worker, no gateway and no console: nothing is left to serve"
    remedy = "leave out --no-gateway or --no-console, or give --workers"


class PartMisplaced(HanotaError):
    """The program of one process, started by hand."""

    code, fault = "HOTA-CLI-111", Fault.REQUESTER
    what = "serve-part is what `hanota serve` starts for each process; it was given no settings"
    remedy = "run `hanota serve`; `hanota serve --help` tells how"


class ServedBadly(HanotaError):
    """Processes that could not begin, or did not end when they were asked to."""

    code, fault = "HOTA-CLI-112", Fault.OPERATOR
    what = "not every process of the service ended well"
    remedy = "the log above tells of each; what was acknowledged is kept"


def serve(
    context: typer.Context,
    *,
    database: _Database,
    workers: _Workers = 1,
    key_processes: _KeyProcesses = None,
    nats: _Nats = None,
    estate: _Estate = None,
    pki: _Pki = None,
    keystore: KeyStore = None,
    name: _Name = None,
    gateway: Annotated[bool, typer.Option(help="Serve DUIS and SMKI and, on loopback, REST.")] = True,
    port: _GatewayPort = 8079,
    address: _Address = _LOOPBACK,
    console: Annotated[bool, typer.Option(help="Serve console and REST, by a process of their own.")] = True,
    console_port: Annotated[int, typer.Option(**_Port)] = 8080,
    console_address: _ConsoleAddress = _LOOPBACK,
    health_port: _HealthPort = None,
    policy: _Policy = None,
    tls_cert: _Cert = None,
    tls_key: _Key = None,
    client_ca: _ClientCa = None,
) -> None:
    """Serve until stopped by Ctrl-C or SIGTERM: workers, gateway and console, each a process of its own.

    Start it on as many hosts as you like: they share the database and need no leader. Each process may be killed at any
    time, and is started again. Logs are JSON lines on stderr. The guide is docs/deploy.md.
    """
    from hanota.app.keywork import processes_by_default
    from hanota.app.serving.carriers import CarrierMissing
    from hanota.app.serving.opening import read_service_keys
    from hanota.app.serving.settings import PartSettings, places, whole
    from hanota.app.settings import Said, read_policies, read_serving

    require(workers or gateway or console, NothingToServe)
    require(nats is not None or not workers, CarrierMissing)
    said = read_serving(Said(tls_cert=tls_cert, tls_key=tls_key, client_ca=client_ca, pki=pki, keystore=keystore))
    lent = ("check.supplier_in_date=warn",) if said.keys.store else ()  # the public test keys ran out in 2025
    base = name or os.uname().nodename
    part = PartSettings(
        kind="worker",
        name="worker",
        base=base,
        database=whole(database),
        dcc=str(read_service_keys(said.keys).dcc),
        nats=nats,
        keys=places(said.keys),
        policies=read_policies((*lent, *(policy or ()))),
        verbose=bool(context.find_root().params.get("verbose")),
        key_processes=processes_by_default(workers) if key_processes is None else key_processes,
    )
    parts = [part.as_worker(number) for number in range(1, workers + 1)]
    parts += [part.as_face("gateway", address, port, said.tls)] if gateway else []
    parts += [part.as_face("console", console_address, console_port)] if console else []
    set_up_logs(verbose=part.verbose, service="supervisor")
    _serve(parts, estate, health_port)


def _serve(parts: "Sequence[PartSettings]", estate: Path | None, health_port: int | None) -> None:
    """Claim the ports and bring the store up to date, and only then start what works on it."""
    import signal

    from hanota.app.serving.opening import enter_estate, read_service_keys
    from hanota.app.serving.supervisor import Supervisor
    from hanota.faces.listening import Claim, tls_of
    from hanota.records.store import open_store

    with ExitStack() as held:
        for part in parts:
            if part.port:
                tls_of(part.tls)
                held.callback(Claim(part.port, part.address).release)
        store = open_store(parts[0].database)
        held.callback(store.close)
        if estate is not None:
            enter_estate(store, estate, read_service_keys(parts[0].key_sources()), parts[0].base)
        supervisor = Supervisor(parts)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: supervisor.stop())
        if health_port is not None:
            held.enter_context(_watched(store, supervisor, health_port))
        require(supervisor.run(), ServedBadly)


@contextmanager
def _watched(store: "Store", supervisor: "Supervisor", port: int) -> Iterator[None]:
    """Serve liveness, readiness and figures of this host from a thread, for a while."""
    import threading

    from hanota.app.serving.watch import Watch
    from hanota.base.instant import iso
    from hanota.faces.http import create_watch
    from hanota.faces.listening import Claim
    from hanota.faces.server import HttpServer, Site

    watch, claim = Watch(store), Claim(port)
    app = create_watch(look=lambda: iso(watch.now()), at_work=lambda: supervisor.whole, figures=watch.figures)
    server = HttpServer([Site(app, claim)])
    ready = threading.Event()
    thread = threading.Thread(target=server.run, args=(ready.set,), name="hanota-watch", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield
    finally:
        server.stop()
        thread.join()
        claim.release()


def serve_part() -> None:
    """Be one process of `hanota serve`, which starts this itself."""
    import signal
    import threading

    import structlog

    from hanota.app.memory import collect_seldom
    from hanota.app.serving.opening import open_part
    from hanota.app.serving.settings import VARIABLE, read_part
    from hanota.app.serving.supervisor import EXIT_LEASE_LOST, EXIT_UNUSABLE

    require(VARIABLE in os.environ, PartMisplaced)
    settings = read_part(os.environ)
    set_up_logs(verbose=settings.verbose, service=settings.name)
    threading.Thread(target=_end_with_parent, name="hanota-parent", daemon=True).start()
    try:
        opened = open_part(settings)
        collect_seldom()
        try:
            if settings.kind == "worker":
                from hanota.app.serving.worker import Worker

                worker = Worker(opened)
                for number in (signal.SIGINT, signal.SIGTERM):
                    signal.signal(number, lambda *_: worker.stop())
                held = worker.run()
            else:
                from hanota.faces.parts import serve_http

                held = serve_http(opened)
        finally:
            opened.close()
    except HanotaError as error:
        structlog.get_logger().error("process_failed", **error.as_dict())
        sys.exit(EXIT_UNUSABLE if error.fault is Fault.OPERATOR and not error.retryable else 1)
    if not held:
        sys.exit(EXIT_LEASE_LOST)


def _end_with_parent() -> None:
    """Stop as if asked to once the process that started this one is gone: nobody would look after it."""
    import signal

    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
