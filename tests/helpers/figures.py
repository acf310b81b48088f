"""The service in made-up numbers."""

from hanota.base.eui import Eui64
from hanota.records.store.figures import Figures
from hanota.records.store.wan_use import Use

FIGURES = Figures(
    requests={"I0": 3, "E11": 1},
    deliveries={"CONFIRMED": 7},
    open_work=2,
    alert_lag_ms=1_500,
    messages_due={Eui64(0x90B3D51F30010000): 5},
    messages_dead=1,
    outbox_due=4,
    carried=(
        Use(region="North", direction="down", kind="image", frames=10, octets=4_000),
        Use(region="South", direction="up", kind="report", frames=3, octets=99),
    ),
    lanes=("north-1", "north-2"),
)
