"""NATS JetStream as the network between workers of the head end and agents of hubs (ADR 14).

It carries and does not remember: what matters is in the sender's own store and is sent again until the other end has
answered. Needs the extra `[nats]`; whoever uses this package imports it when it is wanted. Raises NatsMissing.
"""

from hanota.wan.port import NatsMissing

try:
    import nats as _nats
except ImportError as cause:
    raise NatsMissing(cause=cause) from cause

from hanota.wan.jetstream.head_end import NatsHeadEndWan
from hanota.wan.jetstream.link import State
from hanota.wan.jetstream.places import Limits
from hanota.wan.jetstream.premises import NatsPremisesWan

__all__ = ["Limits", "NatsHeadEndWan", "NatsPremisesWan", "State"]
del _nats
