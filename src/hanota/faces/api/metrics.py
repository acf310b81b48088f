"""`/metrics` for Prometheus: counted in the store as it is asked for, so it says the same at every process."""

from collections.abc import Callable, Iterator
from typing import Final

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from hanota.records.store.figures import Figures

ReadFigures = Callable[[], Figures]
_MS: Final = 1000


class _Service(Collector):
    """The figures of the store as families of metrics."""

    def __init__(self, read: ReadFigures) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Give each family with its samples."""
        found = self._read()
        requests = CounterMetricFamily("hanota_requests", "Service Requests answered, by ResponseCode", labels=["code"])
        for code, count in sorted(found.requests.items()):
            requests.add_metric([code], count)
        yield requests
        deliveries = GaugeMetricFamily("hanota_deliveries", "Deliveries by state", labels=["state"])
        for state, count in sorted(found.deliveries.items()):
            deliveries.add_metric([state], count)
        yield deliveries
        yield GaugeMetricFamily("hanota_open_work", "Devices with an open delivery", found.open_work)
        yield GaugeMetricFamily(
            "hanota_alert_lag_seconds", "How long the oldest message has been due", found.alert_lag_ms / _MS
        )
        due = GaugeMetricFamily("hanota_messages_due", "Messages that wait to be taken, by party", labels=["party"])
        for party, count in sorted(found.messages_due.items()):
            due.add_metric([str(party)], count)
        yield due
        yield GaugeMetricFamily("hanota_messages_dead", "Messages given up until replayed", found.messages_dead)
        yield GaugeMetricFamily("hanota_outbox_due", "Frames that wait to be handed to the WAN", found.outbox_due)
        yield from _wan(found)
        lanes = GaugeMetricFamily("hanota_lane_held", "Lanes held by a process that is alive", labels=["lane"])
        for lane in found.lanes:
            lanes.add_metric([lane], 1)
        yield lanes


def _wan(found: Figures) -> Iterator[Metric]:
    labels = ["region", "direction", "kind"]
    frames = CounterMetricFamily("hanota_wan_frames", "Frames over each region's network", labels=labels)
    octets = CounterMetricFamily("hanota_wan_octets", "Octets over each region's network", labels=labels)
    for use in found.carried:
        where = [use.region, use.direction, use.kind]
        frames.add_metric(where, use.frames)
        octets.add_metric(where, use.octets)
    yield frames
    yield octets


def metrics(read: ReadFigures) -> APIRouter:
    """Give the route at which `read` is asked and what it says is written for Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Service(read))
    router = APIRouter(tags=["health"])

    @router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
    def figures() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router
