"""DUIS documents: octets of requests and responses ⇄ values, in the order intake goes.

root = parse_safely(octets)          # xml.py
header = require_supported(root)     # or UnsupportedRequest, with the header to answer it by
require_schema(root)                 # schema.py
report = verify(root, find)          # signature.py
request = read_request(parse_safely(report.signed_octets))

A value is written in the version of DUIS that its `schema_version` names (`versions.py`).
"""

from typing import Final, cast, get_args

from lxml import etree

from hanota.base.errors import Fault, HanotaError
from hanota.wire.duis import versions
from hanota.wire.duis.alerts import DCC_ALERTS, StatusChange
from hanota.wire.duis.elements import SR, Nested, qualified, refuse
from hanota.wire.duis.errors import UnsupportedResponse
from hanota.wire.duis.headers import RequestHeader
from hanota.wire.duis.matrix import REQUESTS
from hanota.wire.duis.requests import REQUEST_BODIES, Request
from hanota.wire.duis.responses import RESPONSE_BODIES, RESPONSE_CONTENTS, Response
from hanota.wire.duis.schema import require_schema
from hanota.wire.duis.xml import DECLARATION, Element, canonical, local_name

_REQUEST: Final = f"{{{SR}}}Request"
_RESPONSE: Final = f"{{{SR}}}Response"
_ALERT: Final = "Body/DCCAlertMessage/DCCAlert"
_SUPPORTED: Final = (
    ("Body", frozenset(RESPONSE_BODIES)),
    ("Body/ResponseMessage", RESPONSE_CONTENTS),
    (_ALERT, frozenset(DCC_ALERTS)),
    (f"{_ALERT}/DeviceStatusChangeEvent/DeviceStatusChange", frozenset(get_args(StatusChange))),
)
"""Places in a response where the schema has more than hanota reads, and what it reads there."""


class UnsupportedRequest(HanotaError):
    """A service request that hanota doesn't serve; `header` is there to answer it."""

    code, fault = "HOTA-DUIS-020", Fault.REQUESTER
    what = "service request {srv} ({element}) is not served by hanota"
    remedy = f"send {', '.join(REQUESTS)} here, and other service requests to the system that serves them"

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

    Raises: UnsupportedRequest: another service; SchemaInvalid: no header, or a Body that isn't that of the service and
    its command variant.
    """
    return _supported(root)[0]


def _supported(root: Element) -> tuple[RequestHeader, str]:
    header = read_header(root)
    body = root.find(qualified("Body"))
    found = local_name(body[0]) if body is not None and len(body) else "nothing"
    row = REQUESTS.get(header.service_reference_variant)
    if row is None:
        raise UnsupportedRequest(srv=header.service_reference_variant, element=found, header=header)
    expected = row.carried(header.command_variant)
    if expected != found:
        as_variant = f" as command variant {header.command_variant}" if expected != row.element else ""
        refuse(root if body is None else body, f"{row.srv}{as_variant} carries {expected}, not {found}")
    return header, found


def read_request(root: Element) -> Request:
    """Read a service request.

    Raises: UnsupportedRequest, SchemaInvalid. A root that wasn't checked by `require_schema` is read or refused, too,
    but not checked against every rule of the schema.
    """
    _, body = _supported(root)
    return Nested(REQUEST_BODIES[body]).read(root)


def read_response(root: Element) -> Response:
    """Read an answer or an alert. Raises UnsupportedResponse: another kind; SchemaInvalid."""
    if root.tag != _RESPONSE:
        refuse(root, f"{local_name(root)} is not a response (sr:Response)")
    for path, known in _SUPPORTED:
        for child in root.iterfind(qualified(path) + "/*"):
            if local_name(child) not in known:
                raise UnsupportedResponse(kind=local_name(child))
    return Nested(Response).read(root)


def write_request(request: Request) -> bytes:
    """Write a request, unsigned.

    Raises: SchemaInvalid, BadValue: a value that the schema has no room for; UnsupportedRequest: a header of a service
    that isn't in the matrix.
    """
    root = _started(_REQUEST)
    Nested(type(request)).write(root, request)
    if root.find(qualified("Body")) is None:  # nothing to say but the request itself
        row = REQUESTS[request.header.service_reference_variant]
        etree.SubElement(etree.SubElement(root, qualified("Body")), qualified(row.element))
    require_supported(root)
    return _finished(root)


def write_response(response: Response) -> bytes:
    """Write an answer or an alert, unsigned, in its schema version. Raises SchemaInvalid, BadValue: no room for it."""
    root = _started(_RESPONSE)
    Nested(Response).write(root, response)
    versions.fit(root)
    return _finished(root)


def _started(tag: str) -> Element:
    return etree.Element(tag, nsmap={"sr": SR})


def _finished(root: Element) -> bytes:
    require_schema(root)
    return DECLARATION + canonical(root)
