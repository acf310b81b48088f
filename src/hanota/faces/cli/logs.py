"""Logs go to stderr: as text to a terminal, as JSON lines to anything else."""

import logging
import sys


def set_up_logs(*, verbose: bool, service: str | None = None) -> None:
    """Set structlog up for this process: warnings and above, with `verbose` everything.

    A process of a service tells what it does, as JSON lines wherever they go, each with its name: `service`.

    Traces never show the values of variables: one of them may be a private key.
    """
    import structlog
    from structlog.tracebacks import ExceptionDictTransformer

    terminal = sys.stderr.isatty() and service is None
    quiet = logging.WARNING if service is None else logging.INFO
    structlog.contextvars.clear_contextvars()
    named: dict[str, str] = {} if service is None else {"process": service}
    shape: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if terminal
        else [
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            lambda _, __, line: {**named, **line},
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *shape,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if verbose else quiet),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
