"""`hanota gbcs explain`: many messages in one go, every one explained, the exit code for scripts."""

import base64
import json
import shutil
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner

from hanota.base.vocabulary.devices import AlertCode, TransferResponseCode
from hanota.base.vocabulary.parties import KeyUsage
from hanota.faces.cli.gbcs import app
from hanota.wire.gbcs import TransferAlert, transfer_alert
from hanota.wire.smki import write_directory
from helpers.gbcs import ACB, CHF, PPMID
from helpers.pki import NOW, small_pki

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "gbcs"
SIGNED = transfer_alert(
    TransferAlert(
        alert_code=AlertCode.FIRMWARE_TRANSFER_SUCCEEDED,
        at=NOW,
        device=PPMID,
        file_version=1,
        result=TransferResponseCode.FILE_TRANSFER_SUCCESS,
    ),
    hub=small_pki().credential(CHF, KeyUsage.DIGITAL_SIGNATURE),
    recipient=ACB,
    counter=4000,
)
FORGED = SIGNED[:-1] + bytes((SIGNED[-1] ^ 1,))


def explain(*arguments: object) -> tuple[int, list[dict]]:
    told = CliRunner().invoke(app, ["explain", *map(str, arguments), "--json"])
    return told.exit_code, [json.loads(line) for line in told.stdout.splitlines()]


@pytest.fixture
def certs(tmp_path: Path) -> Path:
    held = small_pki().certificate(CHF, KeyUsage.DIGITAL_SIGNATURE)
    folder = tmp_path / "certs-only"
    folder.mkdir()
    pem = x509.load_der_x509_certificate(held.der).public_bytes(Encoding.PEM)
    (folder / "hub.pem").write_bytes(pem)
    return folder


def test_a_message_is_taken_as_hex_base64_octets_or_file(tmp_path: Path) -> None:
    octets, text = tmp_path / "octets", tmp_path / "text.hex"
    octets.write_bytes(SIGNED)
    text.write_text(SIGNED.hex(" ") + "\n")
    code, told = explain(SIGNED.hex(), base64.b64encode(SIGNED).decode(), octets, text)
    assert code == 0
    assert [facts["source"] for facts in told[2:]] == [str(octets), str(text)]
    for facts in told:
        del facts["source"]
    assert told == [told[0]] * 4
    assert told[0]["use_case"]["name"] == "CCS08"
    assert told[0]["payload"]["device"] == str(PPMID)


def test_a_signature_is_judged_by_the_certificates_given(certs: Path) -> None:
    assert explain(SIGNED.hex())[1][0]["signature"]["verdict"] == "can't be checked"
    code, (good, bad) = explain(SIGNED.hex(), FORGED.hex(), "--certs", certs)
    assert code == 1
    assert (good["signature"]["verdict"], bad["signature"]["verdict"]) == ("holds", "does not hold")
    assert good["originator"] == {"eui": str(CHF), "name": "device"}
    assert explain(SIGNED.hex(), "--certs", certs)[0] == 0


def test_a_mac_is_judged_with_the_private_keys_of_a_key_directory(tmp_path: Path) -> None:
    from hanota.base.vocabulary.devices import DeviceType
    from hanota.wire.gbcs import read_version_command

    pki = small_pki()
    write_directory(tmp_path / "keys", pki)
    command = read_version_command(
        device_type=DeviceType.PPMID,
        acb=pki.credential(ACB, KeyUsage.KEY_AGREEMENT),
        device=pki.certificate(PPMID, KeyUsage.KEY_AGREEMENT),
        counter=1,
        user=CHF,
        user_counter=2,
    )
    code, (facts,) = explain(command.hex(), "--certs", tmp_path / "keys")
    assert (code, facts["mac"]["verdict"]) == (0, "holds")


def test_what_makes_no_sense_is_pointed_at_and_the_rest_is_explained() -> None:
    code, told = explain("no-such-file.hex", SIGNED[:50].hex(), SIGNED.hex())
    assert code == 1
    assert [facts["error"] and facts["error"]["code"] for facts in told] == ["HOTA-GBCS-008", "HOTA-GBCS-003", None]
    assert told[1]["error"]["offset"] <= 50
    assert told[0].keys() == told[1].keys() == told[2].keys()


def test_every_document_has_the_same_keys_and_many_files_make_one_run() -> None:
    files = sorted(VECTORS.glob("*.hex"))
    code, told = explain(*files, "--certs", VECTORS / "certs")
    assert code == 0
    assert [facts["source"] for facts in told] == [str(file) for file in files]
    assert len({tuple(facts) for facts in told}) == 1


def test_for_people_a_message_is_a_table_and_a_summary(certs: Path) -> None:
    told = CliRunner().invoke(app, ["explain", SIGNED.hex(), "DF09", "--certs", str(certs)], env={"COLUMNS": "200"})
    assert told.exit_code == 1
    assert "0128 CCS08 how a firmware transfer ended alert, counter 4000" in told.stdout
    assert "Signature: holds" in told.stdout
    assert "originator counter" in told.stdout
    assert "DF09: HOTA-GBCS-003 at 2:" in told.stdout


def test_files_that_are_no_certificates_are_named(certs: Path) -> None:
    shutil.copy(Path(__file__), certs / "no.pem")
    told = CliRunner().invoke(app, ["explain", SIGNED.hex(), "--certs", str(certs), "--json"])
    assert "no.pem" in told.stderr
    assert json.loads(told.stdout)["signature"]["verdict"] == "holds"
