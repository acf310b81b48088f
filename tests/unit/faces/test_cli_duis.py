"""`hanota duis explain`: fields, clauses and verdicts; one bad file does not hide the others."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.faces.cli.root import app
from hanota.supplier.send import prepare
from hanota.wire import duis, gbcs
from hanota.wire.smki import write_directory
from helpers.activation import activation, pre_command
from helpers.pki import small_pki
from helpers.requests import SUPPLIER, answer, request

run = CliRunner().invoke


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A request that its originator signed, one that was changed afterwards, an answer, and what is no document."""
    signed = prepare(request(), small_pki()).octets
    (tmp_path / "signed.xml").write_bytes(signed)
    (tmp_path / "changed.xml").write_bytes(signed.replace(b"0002012F", b"0002012E"))
    (tmp_path / "answer.xml").write_bytes(answer("E110401"))
    (tmp_path / "broken.xml").write_bytes(b"<a>\n<b>")
    (tmp_path / "other.xml").write_bytes(answer("I0").replace(b"ResponseCode>", b"Code>"))
    write_directory(tmp_path / "pki", small_pki())
    return tmp_path


def explain(folder: Path, *names: str) -> tuple[int, list[dict]]:
    files = [str(folder / f"{name}.xml") for name in names]
    done = run(app, ["duis", "explain", *files, "--certs", str(folder / "pki"), "--json"])
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()]


def test_a_signed_request_is_told_field_by_field_with_its_signer(folder: Path) -> None:
    code, (shown,) = explain(folder, "signed")
    assert (code, shown["kind"], shown["carries"]) == (0, "Request", "UpdatePPMIDFirmware")
    fields = {field["path"]: field for field in shown["fields"]}
    version = fields["Body/UpdatePPMIDFirmware/FirmwareVersion"]
    assert version["value"] == "0002012F"
    assert version["clause"].startswith("DUIS")
    assert shown["signature"]["verdict"] == "holds"
    assert shown["signature"]["signer"] == {"eui": str(SUPPLIER), "role": "XML_SIGN"}


def test_a_code_is_told_with_its_meaning(folder: Path) -> None:
    _, (shown,) = explain(folder, "answer")
    fields = {field["path"]: field for field in shown["fields"]}
    assert "Certified Product List" in fields["Header/ResponseCode"]["meaning"]
    assert shown["signature"]["verdict"] == "unsigned"


@pytest.mark.parametrize("bad", ["changed", "broken", "other"])
def test_a_bad_document_is_exit_code_1_and_the_rest_is_explained(folder: Path, bad: str) -> None:
    code, shown = explain(folder, "signed", bad, "answer")
    assert code == 1
    assert [Path(facts["source"]).stem for facts in shown] == ["signed", bad, "answer"]
    assert shown[2]["kind"] == "Response"


def test_malformed_input_points_at_line_and_element(folder: Path) -> None:
    _, (broken, other, changed) = explain(folder, "broken", "other", "changed")
    assert broken["error"]["facts"]["line"] == "2"
    assert other["problems"][0]["path"].startswith("/Response/Header")
    assert changed["signature"]["verdict"] == "does not hold"


def test_a_gbcs_message_within_is_explained_too(folder: Path) -> None:
    signer = small_pki().credential(SUPPLIER, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.SUPPLIER)
    header = activation(command_variant=5).header
    whole = duis.SignedPreCommand(header=header, gbcs=gbcs.sign_pre_command(pre_command(), signer))
    (folder / "critical.xml").write_bytes(duis.write_request(whole))
    code, (shown,) = explain(folder, "critical")
    (field,) = [field for field in shown["fields"] if "gbcs" in field]
    assert field["gbcs"]["use_case"]["name"] == "CS06"
    assert field["gbcs"]["signature"]["verdict"] == "holds"
    assert code == 0


def test_people_get_a_table_and_the_verdict(folder: Path) -> None:
    files = [str(folder / f"{name}.xml") for name in ("signed", "broken", "other")]
    done = run(app, ["duis", "explain", *files, "--certs", str(folder / "pki")], env={"COLUMNS": "200"})
    assert done.exit_code == 1
    for words in ("FirmwareVersion", "0002012F", "Signature: holds", "broken.xml:2: HOTA-DUIS-001", "Remedy: "):
        assert words in done.stdout
