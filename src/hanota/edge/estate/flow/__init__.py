"""Homes by the million behind the same port as `Estate`: no frame on the air, but what hubs say, and when.

State is columns, what is going to happen is a queue of columns by time; the durations are drawn from a model that is
fitted to the homes of `Estate`, frame by frame (`hanota bench flow` prints the difference).
"""

from hanota.edge.estate.flow.estate import FlowEstate
from hanota.edge.estate.flow.homes import FLOW_TYPES, FlowHomes
from hanota.edge.estate.flow.journal import FlowJournal
from hanota.edge.estate.flow.timing import Spread, Timing
from hanota.edge.estate.flow.told import BRIEF, WHOLE, Told

__all__ = [
    "BRIEF",
    "FLOW_TYPES",
    "WHOLE",
    "FlowEstate",
    "FlowHomes",
    "FlowJournal",
    "Spread",
    "Timing",
    "Told",
]
