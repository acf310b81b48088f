"""Who asks over HTTP.

The service listens on loopback only, so whoever reaches it runs it: the operator, who sees everything.
`?as=EUI` narrows the view to one party's. Nothing in a request can widen it.
"""

from typing import Annotated

from fastapi import Depends, Query, Request

from hanota.base.errors import require
from hanota.base.eui import Eui64
from hanota.faces.problems import FromElsewhere
from hanota.model.access import Caller

As = Annotated[
    str | None,
    Query(
        alias="as",
        description="Show only what this party may see (EUI-64); left out: the operator's view",
        examples=["90-B3-D5-1F-30-01-00-00"],
    ),
]


def caller_as(party: str | None) -> Caller:
    """Give the caller whose view is asked for. Raises BadValue where `party` is no EUI-64."""
    return Caller(Eui64.parse(party) if party else None)


def _caller(party: As = None) -> Caller:
    return caller_as(party)


Asking = Annotated[Caller, Depends(_caller)]


def _acting(request: Request, party: As = None) -> Caller:
    """Who acts. A browser says from which site a page asks; any page may make it ask, so another's is refused."""
    origin = request.headers.get("origin")
    own = f"{request.url.scheme}://{request.headers.get('host')}"
    require(origin in (None, own), FromElsewhere, origin=origin)
    return caller_as(party)


Acting = Annotated[Caller, Depends(_acting)]
