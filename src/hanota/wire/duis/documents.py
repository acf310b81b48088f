"""DUIS documents: octets of requests and responses ⇄ values, in the order intake goes.

root = parse_safely(octets)          # xml.py
header = require_supported(root)     # or UnsupportedRequest, with the header to answer it by
require_schema(root)                 # schema.py
report = verify(root, find)          # signature.py
request = read_request(parse_safely(report.signed_octets))
"""

from typing import Final, cast

from lxml import etree

from hanota.base.errors import Fault, HanotaError
from hanota.wire.duis.elements import SR, Nested, qualified, refuse
from hanota.wire.duis.errors import UnsupportedResponse
from hanota.wire.duis.matrix import REQUESTS
from hanota.wire.duis.messages import DCC_ALERTS, RESPONSE_BODIES, FirmwareRequest, RequestHeader, Response
from hanota.wire.duis.schema import require_schema
from hanota.wire.duis.xml import DECLARATION, Element, canonical, local_name

_REQUEST: Final = f"{{{SR}}}Request"
_RESPONSE: Final = f"{{{SR}}}Response"
_WARNINGS: Final = {row.warning for row in REQUESTS.values()}


class UnsupportedRequest(HanotaError):
    """A service request that hanota doesn't serve; `header` is there to answer it."""

    code, fault = "HOTA-DUIS-020", Fault.REQUESTER
    what = "service request {srv} ({element}) is not served by hanota"
    remedy = "send 11.1 or 11.4 here, and other service requests to the system that serves them"

    @property
    def header(self) -> RequestHeader:
        """The request's header: an answer names its RequestID and service reference."""
        return cast(RequestHeader, self.facts["header"])


def read_header(root: Element) -> RequestHeader:
    """Read the header of any service request, supported or not. Raises SchemaInvalid."""
    if root.tag != _REQUEST:
        refuse(root, f"{local_name(root)} is not a service request (sr:Request)")
    return Nested(RequestHeader).read(root)


def require_supported(root: Element) -> RequestHeader:
    """Give the header of a request that hanota serves.

    Raises: UnsupportedRequest: another service; SchemaInvalid: no header, or a Body that isn't that of the service.
    """
    header = read_header(root)
    body = root.find(qualified("Body"))
    carried = local_name(body[0]) if body is not None and len(body) else "nothing"
    row = REQUESTS.get(header.service_reference_variant)
    if row is None:
        raise UnsupportedRequest(srv=header.service_reference_variant, element=carried, header=header)
    if row.element != carried:
        refuse(root if body is None else body, f"{row.srv} carries {row.element}, not {carried}")
    return header


def read_request(root: Element) -> FirmwareRequest:
    """Read a firmware request, 11.1 or 11.4.

    Raises: UnsupportedRequest, SchemaInvalid. A root that wasn't checked by `require_schema` is read or refused, too,
    but not checked against every rule of the schema.
    """
    require_supported(root)
    return Nested(FirmwareRequest).read(root)


def read_response(root: Element) -> Response:
    """Read an answer or an alert. Raises UnsupportedResponse: another kind; SchemaInvalid."""
    if root.tag != _RESPONSE:
        refuse(root, f"{local_name(root)} is not a response (sr:Response)")
    for path, known in (
        ("Body", RESPONSE_BODIES),
        ("Body/ResponseMessage", {"ServiceReference", "ServiceReferenceVariant", *_WARNINGS}),
        ("Body/DCCAlertMessage/DCCAlert", DCC_ALERTS),
    ):
        for child in root.iterfind(qualified(path) + "/*"):
            if local_name(child) not in known:
                raise UnsupportedResponse(kind=local_name(child))
    return Nested(Response).read(root)


def write_request(request: FirmwareRequest) -> bytes:
    """Write a request, unsigned. Raises SchemaInvalid, BadValue: a value that the schema has no room for."""
    return _write(_REQUEST, request)


def write_response(response: Response) -> bytes:
    """Write an answer or an alert, unsigned. Raises SchemaInvalid, BadValue: as `write_request`."""
    return _write(_RESPONSE, response)


def _write(tag: str, value: FirmwareRequest | Response) -> bytes:
    root = etree.Element(tag, nsmap={"sr": SR})
    Nested(type(value)).write(root, value)
    require_schema(root)
    return DECLARATION + canonical(root)
