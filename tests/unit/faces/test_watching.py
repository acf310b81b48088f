"""What whoever watches the service can ask: liveness, readiness, figures; and what the open gateway leaves out."""

from fastapi import FastAPI

from hanota.faces.http import create_app, create_gateway, create_watch
from helpers.fake_desk import FakeDesk
from helpers.figures import FIGURES


def watched(_: FakeDesk, *, well: bool = True) -> FastAPI:
    return create_watch(look=lambda: "now", at_work=lambda: well, figures=lambda: FIGURES)


def test_figures_are_written_for_prometheus(make_client) -> None:
    answer = make_client(FakeDesk(), app=watched).get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    for line in (
        'hanota_requests_total{code="I0"} 3.0',
        'hanota_deliveries{state="CONFIRMED"} 7.0',
        "hanota_open_work 2.0",
        "hanota_alert_lag_seconds 1.5",
        'hanota_messages_due{party="90-B3-D5-1F-30-01-00-00"} 5.0',
        "hanota_messages_dead 1.0",
        "hanota_outbox_due 4.0",
        'hanota_wan_frames_total{direction="down",kind="image",region="North"} 10.0',
        'hanota_wan_octets_total{direction="up",kind="report",region="South"} 99.0',
        'hanota_lane_held{lane="north-2"} 1.0',
    ):
        assert line in lines


def test_a_host_with_a_process_missing_is_alive_and_not_ready(make_client) -> None:
    client = make_client(FakeDesk(), app=lambda desk: watched(desk, well=False))
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503


def test_the_gateway_that_anybody_reaches_has_nothing_that_asks_for_no_signature(make_client) -> None:
    def app(desk: FakeDesk) -> FastAPI:
        return create_gateway(desk, look=lambda: "now", at_work=lambda: True)

    client = make_client(FakeDesk(), app=app)
    assert client.get("/healthz", headers={"Host": "gateway.example"}).status_code == 200
    for path in ("/api/rest/v1/overview", "/api/rest/v1/deliveries", "/metrics", "/", "/api/openapi.json"):
        assert client.get(path).status_code == 404, path
    asked = client.post("/api/v1/serviceD", content=b"<x/>", headers={"Content-Type": "application/xml"})
    assert asked.status_code == 200


def test_the_whole_application_shows_figures_where_it_has_some(make_client) -> None:
    def app(desk: FakeDesk) -> FastAPI:
        return create_app(desk, now=desk.clock, console=False, figures=lambda: FIGURES)

    assert "hanota_open_work" in make_client(FakeDesk(), app=app).get("/metrics").text
    assert make_client(FakeDesk()).get("/metrics").status_code == 404
