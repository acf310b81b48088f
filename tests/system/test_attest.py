"""`hanota attest` against a running `hanota up` (R26)."""

import json
from pathlib import Path

from helpers.system import Service, hanota, running

SUPPLIER, PPMID = "90-B3-D5-1F-30-01-00-00", "00-DB-12-34-56-78-90-A4"
LISTED = "872ced6bc99d278bd454bb40231fd541c5e50fd4eef5ef951f51a8cb7182073c"


def attest(service: Service, *more: str) -> list[object]:
    stated = ["--as", SUPPLIER, "--device", PPMID, "--version", "0002012F", "--at", "2025-06-01T10:00:00Z"]
    return ["attest", *stated, "--to", service.url, "--pki", service.home / "pki", *more]


def test_a_supplier_states_a_local_upgrade(tmp_path: Path) -> None:
    service = Service(tmp_path / "home", policies=("local_upgrade.mode=attested",))
    with running(service):
        told = hanota(*attest(service, "--hash", LISTED, "--json"))
        assert json.loads(told.stdout)["explained"] is False, told.stderr
        refused = hanota(*attest(service, "--hash", "00" * 32, "--json"))
        assert refused.returncode == 1
        assert "image_not_listed" in json.loads(refused.stdout)["error"]["message"]
        assert hanota(*attest(service)).returncode == 2


def test_under_a_ban_none_is_taken(tmp_path: Path) -> None:
    service = Service(tmp_path / "home")
    with running(service):
        refused = hanota(*attest(service, "--hash", LISTED))
        assert refused.returncode == 1
        assert "local_upgrades_banned" in refused.stderr
