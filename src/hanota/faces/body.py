"""Reading a body of XML: judged by its media type and its length before anything looks into it."""

from typing import Final

from fastapi import Request

from hanota.base.errors import require
from hanota.faces.problems import BodyTooLarge, NotXml

XML: Final = "application/xml"


async def read_body(request: Request, octets_max: int) -> bytes:
    """Read the body of a request, never holding more than `octets_max`. Raises NotXml, BodyTooLarge."""
    media_type = request.headers.get("content-type", "none").partition(";")[0].strip().lower()
    require(media_type == XML, NotXml, media_type=media_type)
    announced = request.headers.get("content-length", "0")
    _limit(int(announced) if announced.isdecimal() else 0, octets_max)
    body = bytearray()
    async for chunk in request.stream():
        _limit(len(body) + len(chunk), octets_max)
        body += chunk
    return bytes(body)


def _limit(octets: int, octets_max: int) -> None:
    require(octets <= octets_max, BodyTooLarge, octets_max=octets_max)
