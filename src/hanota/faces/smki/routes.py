"""`/services/certificatesearch` and `/services/retrievecertificate`, with the paths and statuses that clients expect.

Certificates are public, so any `apikey` will do. Source: domain 3.4.
"""

from collections.abc import Callable, Sequence
from typing import Final
from uuid import uuid4

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from hanota.app.desk.views import CertificateView
from hanota.base.vocabulary.parties import CertificateStatus
from hanota.faces.body import XML, read_body
from hanota.faces.ports import DeskPort
from hanota.faces.smki.messages import (
    BODY_OCTETS_MAX,
    RETRIEVAL,
    SEARCH,
    Answer,
    QueryInvalid,
    Status,
    read_retrieval,
    read_search,
    write_answer,
)

_BODY: Final = {"requestBody": {"required": True, "content": {XML: {"schema": {"type": "string"}}}}}
_ANSWERS: Final[dict[int | str, dict[str, object]]] = {
    200: {"description": "What was found", "content": {XML: {}}},
    401: {"description": "The request can't be looked up", "content": {XML: {}}},
    402: {"description": "Nothing was found", "content": {XML: {}}},
}
_Find = Callable[[bytes], Sequence[CertificateView]]
log = structlog.get_logger("hanota.faces.smki")


def repository(desk: DeskPort) -> APIRouter:
    """Give the routes of the SMKI repository over `desk`."""
    router = APIRouter(prefix="/services", tags=["SMKI"])

    def search(octets: bytes) -> Sequence[CertificateView]:
        query = read_search(octets)
        found = desk.certificates_of(query.eui)
        return [certificate for certificate in found if (certificate.role is None) == query.of_device]

    def retrieve(octets: bytes) -> Sequence[CertificateView]:
        found = desk.certificates_numbered(read_retrieval(octets))
        return sorted(found, key=lambda each: each.status is not CertificateStatus.IN_USE)[:1]

    _add(router, "certificatesearch", "Certificates of a device or an organisation", SEARCH, search)
    _add(router, "retrievecertificate", "One certificate by its serial number", RETRIEVAL, retrieve)
    return router


def _add(router: APIRouter, name: str, summary: str, shape: Answer, find: _Find) -> None:
    @router.post(
        f"/{name}",
        summary=summary,
        response_class=Response,
        responses=_ANSWERS,
        openapi_extra=_BODY,
        operation_id=name,
    )
    async def post(request: Request) -> Response:
        octets = await read_body(request, BODY_OCTETS_MAX)
        reference = uuid4().hex
        try:
            found = await run_in_threadpool(find, octets)
            status = Status.SUCCESS if found else Status.NOTHING_FOUND
        except QueryInvalid as refused:
            found, status = (), Status.INVALID
            log.info("not looked up", call=name, reference=reference, why=refused.explain())
        answer = write_answer(shape, status, found, reference=reference)
        return Response(answer, status_code=status, media_type=XML)
