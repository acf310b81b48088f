"""The header that all service requests share (domain 2.1)."""

from typing import Final

from hanota.base.ids import RequestId
from hanota.wire.duis import codecs, versions
from hanota.wire.duis.elements import attribute, element, message

SCHEMA_VERSION: Final = versions.LATEST


@message
class RequestHeader:
    """Header of a service request (domain 2.1). `schema_version` stands in the root's attribute."""

    request_id: RequestId = element("Header/RequestID", codecs.REQUEST_ID)
    first_in_sequence: bool | None = element("Header/FirstInSequence", codecs.BOOLEAN, default=None)
    preceding: RequestId | None = element("Header/PrecedingServiceRequestID", codecs.REQUEST_ID, default=None)
    command_variant: int = element("Header/CommandVariant", codecs.NUMBER)
    service_reference: str = element("Header/ServiceReference", codecs.TEXT)
    service_reference_variant: str = element("Header/ServiceReferenceVariant", codecs.TEXT)
    schema_version: str = attribute("schemaVersion", default=SCHEMA_VERSION, tidy=versions.plain)
