"""Where things are on the server: subjects, streams, consumers and the bucket of images, with their limits (ADR 14)."""

import contextlib
import re
from dataclasses import dataclass
from typing import Any, Final

from nats.js import JetStreamContext, api, errors

BUCKET: Final = "hanota-images"
OBJECT_STREAM: Final = f"OBJ_{BUCKET}"
WORKERS: Final = "workers"
"""The consumer that all workers of the head end share: each envelope up goes to one of them."""

ACK_WAIT_S: Final = 30.0
ACK_PENDING_MAX: Final = 256
"""Envelopes that a consumer has out and not acknowledged: what bounds the memory of who receives."""

_MIB: Final = 1024 * 1024
_DIFFERENT: Final = 10058  # err_code: a stream of that name exists with another configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one region's streams and the images may take on each server, and for how long they are kept.

    `replicas` None: three where at least three servers are named, else one.
    """

    stream_octets: int = 256 * _MIB
    images_octets: int = 1024 * _MIB
    envelope_age_s: float = 60 * 60
    image_age_s: float = 7 * 24 * 60 * 60
    dedupe_s: float = 2 * 60
    agent_age_s: float = 24 * 60 * 60
    replicas: int | None = None


def token(region: str) -> str:
    """Give a region's name as it stands in subjects and names of streams."""
    return re.sub(r"[^a-z0-9]+", "-", region.lower()).strip("-") or "none"


def down_subject(region: str) -> str:
    """Where envelopes for hubs of a region go."""
    return f"hanota.down.{token(region)}"


def up_subject(region: str) -> str:
    """Where envelopes from hubs of a region go."""
    return f"hanota.up.{token(region)}"


def down_stream(region: str) -> str:
    """The stream that keeps envelopes for hubs of a region."""
    return f"HANOTA-DOWN-{token(region)}"


def up_stream(region: str) -> str:
    """The stream that keeps envelopes from hubs of a region."""
    return f"HANOTA-UP-{token(region)}"


async def ensure_region(js: JetStreamContext, region: str, limits: Limits, replicas: int) -> None:
    """Make both streams of a region unless they are there; how an operator has set them up stands.

    Down, agents of one region read the same envelopes, each at its own pace: kept for a time, the oldest go first if
    there is no room. Up, an envelope is for one worker and is gone once acknowledged; without room new ones are
    refused, and hubs keep what they have to say.
    """
    common: dict[str, Any] = {
        "max_bytes": limits.stream_octets,
        "max_age": limits.envelope_age_s,
        "duplicate_window": limits.dedupe_s,
        "storage": api.StorageType.FILE,
        "num_replicas": replicas,
    }
    down = api.StreamConfig(
        name=down_stream(region),
        subjects=[down_subject(region)],
        retention=api.RetentionPolicy.LIMITS,
        discard=api.DiscardPolicy.OLD,
        **common,
    )
    up = api.StreamConfig(
        name=up_stream(region),
        subjects=[up_subject(region)],
        retention=api.RetentionPolicy.WORK_QUEUE,
        discard=api.DiscardPolicy.NEW,
        **common,
    )
    await _ensure(js, down)
    await _ensure(js, up)


async def ensure_images(js: JetStreamContext, limits: Limits, replicas: int) -> None:
    """Make the bucket of images unless it is there."""
    config = api.ObjectStoreConfig(ttl=int(limits.image_age_s), max_bytes=limits.images_octets, replicas=replicas)
    try:
        await js.create_object_store(BUCKET, config)
    except errors.BadRequestError as refusal:
        if refusal.err_code != _DIFFERENT:
            raise


async def ensure_consumer(js: JetStreamContext, stream: str, name: str, *, unused_s: float | None = None) -> None:
    """Make a durable pull consumer of a stream unless it is there; one that nobody uses any more goes after a time."""
    with contextlib.suppress(errors.NotFoundError):
        await js.consumer_info(stream, name)
        return
    await js.add_consumer(
        stream,
        api.ConsumerConfig(
            durable_name=name,
            ack_policy=api.AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT_S,
            max_ack_pending=ACK_PENDING_MAX,
            inactive_threshold=unused_s,
        ),
    )


async def _ensure(js: JetStreamContext, config: api.StreamConfig) -> None:
    try:
        await js.add_stream(config)
    except errors.BadRequestError as refusal:
        if refusal.err_code != _DIFFERENT:
            raise
