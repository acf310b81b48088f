"""Errors as HTTP tells them: one JSON shape, one table of status codes, never a stack trace."""

from collections.abc import Mapping
from typing import ClassVar, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from hanota.app.desk.errors import ChangeImpossible, NotAllowed, NotFound, NotHeld, NotInRegistry, NotOnScreen
from hanota.base.errors import Fault, HanotaError

log = structlog.get_logger("hanota.faces")


class FaceError(HanotaError):
    """An error of HTTP itself, before the desk is asked; it knows its status."""

    status: ClassVar[int] = 400
    fault = Fault.REQUESTER


class BodyTooLarge(FaceError):
    """A body that is longer than one request may be."""

    code, status = "HOTA-FACE-001", 413
    what = "the body is longer than {octets_max} octets"
    remedy = "send less in one request: a smaller image, fewer devices, one certificate's name"


class NotXml(FaceError):
    """A body of another media type than DUIS has."""

    code, status = "HOTA-FACE-002", 415
    what = "the media type is {media_type}, expected application/xml"
    remedy = "send the DUIS document with the header Content-Type: application/xml"


class NoSuchPath(FaceError):
    """A path below /api that nothing answers."""

    code, status = "HOTA-FACE-003", 404
    what = "nothing is served at {path}"
    remedy = "see /api/docs for what there is"


class BadParameter(FaceError):
    """A parameter outside its type or range."""

    code, status = "HOTA-FACE-004", 400
    what = "parameter {name} can't be used: {reason}"
    remedy = "see /api/docs for the parameters and their ranges"


class Unexpected(FaceError):
    """A fault of ours that no part foresaw; the log has the trace."""

    code, status, fault = "HOTA-FACE-005", 500, Fault.US
    what = "something unforeseen went wrong while answering {path}"
    remedy = "report it with the log lines of this time"


class NotReady(FaceError):
    """The process answers but can't do its work."""

    code, status, fault, retryable = "HOTA-FACE-006", 503, Fault.US, True
    what = "not ready: {reason}"
    remedy = "try again in a moment; if it stays so, look at the service's log and start it again: nothing is lost"


class FromElsewhere(FaceError):
    """An act that a page of another site asks for, with this machine's browser as its hand."""

    code, status = "HOTA-FACE-007", 403
    what = "a page of {origin} may not act here"
    remedy = "act from the console of this service, or from a program"


class Problem(BaseModel):
    """What is wrong, whose fault it is, and the remedy."""

    code: str = Field(examples=["HOTA-BASE-001"])
    fault: Fault
    retryable: bool
    message: str
    remedy: str
    facts: Mapping[str, str]


_STATUS: Final[tuple[tuple[type[HanotaError], int], ...]] = (
    (NotAllowed, 403),
    (NotFound, 404),
    (NotInRegistry, 404),
    (NotHeld, 409),
    (NotOnScreen, 409),
    (ChangeImpossible, 409),
)
_BY_FAULT: Final[Mapping[Fault, int]] = {Fault.REQUESTER: 400, Fault.PEER: 502, Fault.CARRIER: 502}
"""For errors that stand in no row above; what is left is a fault of ours."""


def status_of(error: HanotaError) -> int:
    """Give the HTTP status of an error."""
    if isinstance(error, FaceError):
        return error.status
    named = (status for kind, status in _STATUS if isinstance(error, kind))
    return next(named, _BY_FAULT.get(error.fault, 500))


def render(error: HanotaError) -> JSONResponse:
    """Write an error as JSON: code, fault, retryable, message, remedy, facts."""
    return JSONResponse(error.as_dict(), status_code=status_of(error))


async def _on_known(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HanotaError)
    return render(error)


async def _on_parameter(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    return render(BadParameter(name=first["loc"][-1], reason=first["msg"]))


async def _on_unforeseen(request: Request, error: Exception) -> JSONResponse:
    log.error("unforeseen error", path=request.url.path, exc_info=error)
    return render(Unexpected(path=request.url.path))


def install(app: FastAPI) -> None:
    """Let `app` answer every error in this module's shape."""
    app.add_exception_handler(HanotaError, _on_known)
    app.add_exception_handler(RequestValidationError, _on_parameter)
    app.add_exception_handler(Exception, _on_unforeseen)
