"""`hanota home` against a running service, as an operator uses it; what changed stands after a kill."""

import json
from pathlib import Path

import pytest

from helpers.system import Service, hanota, running

MPAN, SUPPLIER_2 = "1234567890121", "90-B3-D5-1F-30-03-00-00"
PPMID, NEW = "00-DB-12-34-56-78-90-A4", "00-DB-12-34-56-78-9E-04"
CHF, GPF = "00-DB-12-34-56-78-9E-02", "00-DB-12-34-56-78-9E-03"


def test_homes_change_by_command_and_stay_changed(tmp_path: Path) -> None:
    service = Service(tmp_path / "home")
    with running(service):
        to = ("--to", service.url)
        done = hanota("home", "supplier", MPAN, SUPPLIER_2, *to)
        assert (done.returncode, done.stdout) == (0, f"{SUPPLIER_2} supplies meter point {MPAN} from now on\n")
        assert json.loads(hanota("home", "tenancy", "Home 1", "--json", *to).stdout)["changed"] is True
        assert hanota("home", "swap-device", PPMID, NEW, *to).returncode == 0
        assert hanota("home", "swap-hub", "Home 1", CHF, GPF, *to).returncode == 0
        again = hanota("home", "swap-hub", "Home 1", CHF, GPF, *to)
        assert (again.returncode, again.stdout) == (0, "it is so already: nothing has changed\n")
        service.kill()
        service.start()
        home = service.client().get("homes/Home 1")
        assert home["hub"] == CHF
        assert {device["device"]: device["status"] for device in home["devices"]}[NEW] == "Commissioned"


def test_what_the_service_refuses_is_told_with_its_code_and_remedy(tmp_path: Path) -> None:
    with running(Service(tmp_path / "home")) as service:
        done = hanota("home", "tenancy", "Nowhere", "--to", service.url)
        assert done.returncode == 1
        assert "HOTA-STORE-011" in done.stderr
        assert "Remedy: check the name" in done.stderr


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "no address"])
def test_without_a_service_it_says_so(address: str) -> None:
    done = hanota("home", "tenancy", "Home 1", "--to", address)
    assert done.returncode == 1
    assert "HOTA-CLI-103" in done.stderr
