"""REST under /api/rest/v1: what the console shows, as JSON."""

from hanota.faces.api.health import health
from hanota.faces.api.metrics import metrics
from hanota.faces.api.routes import rest
from hanota.faces.api.statements import statements

__all__ = ["health", "metrics", "rest", "statements"]
