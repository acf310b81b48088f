"""REST under /api/rest/v1: what the console shows, as JSON."""

from hanota.faces.api.health import health
from hanota.faces.api.routes import rest

__all__ = ["health", "rest"]
