"""What people may ask and do, with access enforced: the only thing that faces call."""

from hanota.app.desk.desk import Desk, Reason
from hanota.app.desk.errors import NotAllowed, NotFound, NotHeld
from hanota.app.desk.operating import Acts

__all__ = ["Acts", "Desk", "NotAllowed", "NotFound", "NotHeld", "Reason"]
