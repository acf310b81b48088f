"""A town of homes behind one WAN port: its description, its nodes, its own durable file."""

from hanota.edge.estate.description import (
    EstateDescription,
    builtin_description,
    read_description,
)
from hanota.edge.estate.estate import Estate, Observed, PowerCut
from hanota.edge.estate.memory import EstateFile
from hanota.edge.estate.tables import DescriptionWrong

__all__ = [
    "DescriptionWrong",
    "Estate",
    "EstateDescription",
    "EstateFile",
    "Observed",
    "PowerCut",
    "builtin_description",
    "read_description",
]
