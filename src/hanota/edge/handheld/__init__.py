"""A hand-held terminal in somebody's home: in no device log, and able to serve an image all the same (R25). Sans-IO."""

from hanota.edge.handheld.terminal import VISIT_MS, Handheld

__all__ = ["VISIT_MS", "Handheld"]
