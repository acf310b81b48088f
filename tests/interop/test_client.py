"""A client made of the industry's own packages talks to a real `hanota up` that has the public test keys.

Everything that hanota says to it is validated by the signing tool and read by the parser on the way.
"""

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import pytest

from hanota.base.vocabulary.parties import KeyUsage
from hanota.wire.gbcs import VersionRead, read_message, read_payload
from hanota.wire.smki import read_certificate
from helpers.interop import node_modules, run_node
from helpers.system import (
    DCC,
    FACTORY_VERSION,
    SUPPLIER_1,
    Home,
    Service,
    firmware,
    free_port,
    make_estate,
    running,
)

NEW = firmware(0x0002_012F)
HOME = Home(1)
FRESH = Home(2)  # its PPMID is announced, and in nobody's home
MANUFACTURER, MODEL = "121D", "00841111"
CLIENT_S_MAX = 180
SPEED = 200

Report = Mapping[str, Any]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    folder = tmp_path_factory.mktemp("client")
    keystore = node_modules() / "@smartdcc" / "dccboxed-keystore"
    options = ("--keystore", str(keystore), "--smki-port", str(free_port()))
    return Service(folder / "home", folder / "estate.toml", options=options)


@pytest.fixture(scope="module")
def report(service: Service) -> Report:
    """What the client tells after it has done everything."""
    port, folder = free_port(), service.home.parent
    estate = make_estate(folder / "estate.toml", [HOME], [NEW])
    party = f'eui = "{SUPPLIER_1}"\n'
    callback = f'callback = "http://127.0.0.1:{port}/smartdcc/duis"\n'
    estate.write_text(estate.read_text().replace(party, party + callback, 1))
    image = folder / "image.ota"
    image.write_bytes(NEW.octets)
    settings = folder / "settings.json"
    settings.write_text(
        json.dumps(
            {
                "gateway": service.url,
                "smki": f"http://127.0.0.1:{service.options[-1]}/",
                "port": port,
                "supplier": str(SUPPLIER_1),
                "dcc": str(DCC),
                "hub": str(HOME.hub),
                "ppmid": str(HOME.ppmid),
                "fresh": str(FRESH.ppmid),
                "image": str(image),
                "manufacturer": MANUFACTURER,
                "model": MODEL,
                "oldVersion": f"{FACTORY_VERSION:08X}",
                "newVersion": NEW.version,
            }
        )
    )
    with running(service, speed=SPEED):
        told: Report = run_node("client.cjs", settings, timeout_s=CLIENT_S_MAX)
    return told


def code(report: Report, step: str) -> str:
    return str(report["answers"][step]["header"]["responseCode"])


def alerts(report: Report, kind: str) -> list[dict[str, Any]]:
    found = (message["body"].get("DCCAlertMessage", {}).get("DCCAlert", {}) for message in report["messages"])
    return [alert[kind] for alert in found if kind in alert]


def test_a_device_is_announced_by_12_2(report: Report) -> None:
    assert code(report, "12.2") == "I0"


def test_the_inventory_of_a_home_is_read_by_8_2(report: Report) -> None:
    assert code(report, "8.2") == "I0"
    body = report["answers"]["8.2"]["body"]["ResponseMessage"]
    devices = {device["DeviceID"]: device for device in body["DSPInventory"]["Device"]}
    assert {str(HOME.hub), str(HOME.esme), str(HOME.gsme), str(HOME.ppmid)} <= devices.keys()
    assert str(FRESH.ppmid) not in devices
    assert devices[str(HOME.ppmid)]["DeviceFirmwareVersion"] == f"{FACTORY_VERSION:08X}"


def test_11_4_names_the_announced_device_as_not_commissioned_and_goes_on_with_the_other(report: Report) -> None:
    assert code(report, "11.4") == "W110401"
    body = report["answers"]["11.4"]["body"]["ResponseMessage"]
    assert body["DSPUpdatePPMIDFirmwareWarning"] == {"NotCommissionedDeviceIDList": str(FRESH.ppmid)}


def test_all_that_it_is_sent_is_signed_by_the_dccs_public_test_key(report: Report) -> None:
    """The tool verified each signature with the one key of the DCC that it holds."""
    sent = [*report["answers"].values(), *report["messages"]]
    assert len(sent) >= 8
    assert all(message["signed"] for message in sent)


def test_the_asynchronous_messages_tell_of_the_delivery_and_all_were_taken(report: Report) -> None:
    assert report["refused"] == []
    asked = report["answers"]["11.4"]["asked"]
    told = [alert["UpdateFirmwareRequestID"].lower() for alert in alerts(report, "CSPFirmwareDeliveryStatus")]
    assert told == [f"{asked['originatorId']}:{asked['targetId']}:{asked['counter']}"]
    (transfer,) = alerts(report, "CommsHubAlert")
    assert transfer["FirmwareTransferAlert"]["TransferResponseCode"] == "FileTransferSuccess"
    for alert in alerts(report, "PPMIDAlert"):
        upgrade = alert["PPMIDFirmwareUpgradeAlert"]
        assert (alert["DeviceID"], upgrade["FirmwareVersion"]) == (str(HOME.ppmid), NEW.version)
        assert upgrade["ActivateImageResultCode"] == "ActivationSuccess"


def test_the_device_itself_says_its_new_version_by_11_2(report: Report) -> None:
    assert code(report, "11.2") == "I99"
    asked = report["answers"]["11.2"]["asked"]
    (answer,) = (message for message in report["messages"] if message["header"].get("requestId") == asked)
    assert answer["header"]["responseCode"] == "I0"
    gbcs = read_message(b64decode(answer["body"]["ResponseMessage"]["GBCSPayload"]))
    read = read_payload(gbcs)
    assert gbcs.header.originator == HOME.ppmid
    assert isinstance(read, VersionRead)
    assert f"{read.file_version:08X}" == NEW.version


def test_the_certificate_of_a_device_is_found_at_our_smki_repository(service: Service, report: Report) -> None:
    (found,) = report["certificates"]
    certificate = read_certificate(b64decode(found["der"]))
    assert (certificate.eui, certificate.usage) == (HOME.ppmid, KeyUsage.KEY_AGREEMENT)
    assert certificate == service.keys().certificate(HOME.ppmid, KeyUsage.KEY_AGREEMENT)
