"""Documents of every kind that hanota writes, drawn by the same strategies as in the tests of the codecs."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any, get_args

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from hanota.wire.duis import Content, DccAlert, Request, Response
from hanota.wire.duis.responses import ResponseBody
from unit.wire.duis import strategies

BATCH, BATCHES_MAX = 100, 100


@cache
def requests() -> tuple[Request, ...]:
    """Requests of every kind, in the version of DUIS that is drawn for each."""
    return tuple(_drawn(strategies.requests, {*get_args(Request)}))


@cache
def responses() -> tuple[Response, ...]:
    """Answers and alerts of every kind."""
    return tuple(_drawn(strategies.responses, {*get_args(ResponseBody), *get_args(Content), *get_args(DccAlert)}))


def requests_in(version: str) -> list[Request]:
    return [replace(request, header=replace(request.header, schema_version=version)) for request in requests()]


def responses_in(version: str) -> list[Response]:
    return [strategies.in_version(response, version) for response in responses()]


def _kinds(value: Request | Response) -> Iterator[type]:
    if not isinstance(value, Response):
        yield type(value)
        return
    yield type(value.body)
    for part in ("content", "alert"):
        if getattr(value.body, part, None) is not None:
            yield type(getattr(value.body, part))


def _drawn(strategy: st.SearchStrategy[Any], wanted: set[type]) -> list[Any]:
    """Draw batch after batch until every kind was drawn: how often each is, is not in our hands."""
    found: list[Any] = []
    for number in range(BATCHES_MAX):

        @seed(number)
        @settings(max_examples=BATCH, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(strategy)
        def draw(value: Any) -> None:
            found.append(value)

        draw()
        if wanted <= {kind for value in found for kind in _kinds(value)}:
            return found
    raise AssertionError(f"not drawn: {wanted - {kind for value in found for kind in _kinds(value)}}")
