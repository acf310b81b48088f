"""What people may ask and do, with access enforced: the only thing that faces call."""

from hanota.app.desk.desk import Desk, Reason
from hanota.app.desk.errors import NotAllowed, NotFound

__all__ = ["Desk", "NotAllowed", "NotFound", "Reason"]
