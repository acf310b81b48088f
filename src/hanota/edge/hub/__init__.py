"""The Communications Hub Function: image slots, OTA server, alert relay and its own outbox. Sans-IO."""

from hanota.edge.hub.hub import CommsHub
from hanota.edge.hub.identity import HubIdentity

__all__ = ["CommsHub", "HubIdentity"]
