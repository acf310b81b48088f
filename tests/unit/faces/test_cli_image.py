"""`hanota image build` and `inspect`, as a person at a terminal meets them."""

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from unittest import mock

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hanota.faces.cli import main
from hanota.wire.otaimage import Tail, read_image, signature_holds
from helpers.images import sample_esme, sample_ppmid
from helpers.shared import shared

KEY = ec.derive_private_key(51, ec.SECP256R1())
DESCRIPTION = """
manufacturer = 0x121D
image_type = 0x0084
file_version = "0002012F"
label = "PPMID firmware"
"""


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    exit_code: int
    stdout: str
    stderr: str


def run(*arguments: object) -> Ran:
    out, err = io.StringIO(), io.StringIO()
    command = ["hanota", "image", *map(str, arguments)]
    with mock.patch.object(sys, "argv", command), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
            code = 0
        except SystemExit as left:
            code = int(left.code or 0)
    return Ran(code, out.getvalue(), err.getvalue())


@pytest.fixture
def description(tmp_path: Path) -> Path:
    file = tmp_path / "image.toml"
    file.write_text(DESCRIPTION + "[payload]\noctets = 1000\nseed = 7\n")
    return file


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "key.pem"
    file.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


@pytest.fixture
def cert_file(tmp_path: Path) -> Path:
    nobody = x509.Name([])
    builder = x509.CertificateBuilder(nobody, nobody, KEY.public_key(), 1, datetime(2026, 1, 1), datetime(2036, 1, 1))
    certificate = builder.sign(KEY, hashes.SHA256())
    file = tmp_path / "cert.pem"
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    return file


def test_a_built_file_is_named_after_its_contents(
    description: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("build", description)
    (file,) = tmp_path.glob("121D-0084-0002012F-*.zigbee")
    image = read_image(file.read_bytes(), Tail.NONE)
    assert (result.exit_code, image.header.file_octets) == (0, 1056)
    assert image.manufacturer_hash.hex().upper() in file.name
    assert file.name in result.stdout


def test_a_file_or_folder_can_be_named(description: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    assert run("build", description, "-o", folder).exit_code == 0
    assert run("build", description, "-o", tmp_path / "mine.zigbee").exit_code == 0
    (named,) = folder.iterdir()
    assert named.read_bytes() == (tmp_path / "mine.zigbee").read_bytes()


def test_the_payload_is_found_beside_the_description(tmp_path: Path) -> None:
    (tmp_path / "firmware.bin").write_bytes(b"code")
    (tmp_path / "image.toml").write_text(DESCRIPTION + '[payload]\nfile = "firmware.bin"\n')
    assert run("build", tmp_path / "image.toml", "-o", tmp_path / "image").exit_code == 0
    assert read_image((tmp_path / "image").read_bytes(), Tail.NONE).manufacturer_image == b"code"


def test_a_signed_image_is_built_and_its_signatures_are_checked(
    tmp_path: Path, key_file: Path, cert_file: Path
) -> None:
    text = DESCRIPTION + 'maker = "00-DB-12-34-56-78-90-FF"\n[payload]\noctets = 9\nseed = 1\n[tail]\nkind = "signed"\n'
    (tmp_path / "image.toml").write_text(text)
    built = tmp_path / "image.zigbee"
    result = run("build", tmp_path / "image.toml", "-o", built, "--maker-key", key_file, "--supplier-key", key_file)
    assert result.exit_code == 0
    assert signature_holds(read_image(built.read_bytes(), Tail.SIGNED), KEY.public_key())

    result = run("inspect", built, "--json", "--maker-cert", cert_file, "--supplier-cert", cert_file)
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["tail"]["valid"], facts["maker"]["valid"]) == (0, True, True)
    assert facts["maker"]["signer"] == "00-DB-12-34-56-78-90-FF"


def test_a_signature_asked_for_that_does_not_hold_ends_with_1(tmp_path: Path, cert_file: Path) -> None:
    file = tmp_path / "esme"
    file.write_bytes(sample_esme())
    result = run("inspect", file, "--json", "--supplier-cert", cert_file)
    assert (result.exit_code, json.loads(result.stdout)["tail"]["valid"]) == (1, False)
    assert run("inspect", file, "--maker-cert", cert_file).exit_code == 1
    supplier = shared() / "vectors" / "certs" / "90b3d51f30010000-ds.pem"
    assert run("inspect", file, "--supplier-cert", supplier).exit_code == 0


def test_inspect_shows_every_field_to_people(tmp_path: Path) -> None:
    file = tmp_path / "esme"
    file.write_bytes(sample_esme())
    result = run("inspect", file)
    assert result.exit_code == 0
    for text in ("ACDCACDC", "121D", "I am a GFI ESME[] firmware image", "7542F475E3F12EAE", "361", "signed"):
        assert text in result.stdout


def test_inspect_takes_the_tail_that_it_is_told(tmp_path: Path) -> None:
    file = tmp_path / "esme"
    file.write_bytes(sample_esme())
    assert json.loads(run("inspect", file, "--json", "--tail", "none").stdout)["manufacturer_image"]["octets"] == 301
    assert run("inspect", file, "--tail", "long").exit_code == 2


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (lambda: sample_ppmid()[:-1], "HOTA-IMAGE-004: the file ends at offset 294, expected 295 octets"),
        (lambda: sample_ppmid() + b"x", "HOTA-IMAGE-005: the file has 296 octets, expected 295"),
        (lambda: b"PK\x03\x04" + sample_ppmid(), "file_identifier at offset 0 is 0x4034b50, expected 0xbeef11e"),
        (lambda: sample_ppmid()[:40], "header_octets at offset 6 is 60, expected at most the file's 40 octets"),
    ],
    ids=["truncated", "oversized", "wrong magic", "header beyond file"],
)
def test_a_bad_file_ends_with_1_and_the_precise_error(tmp_path: Path, octets: object, said: str) -> None:
    file = tmp_path / "bad"
    file.write_bytes(octets())
    result = run("inspect", file)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr


def test_a_bad_description_ends_with_1_and_names_the_key(tmp_path: Path) -> None:
    file = tmp_path / "image.toml"
    file.write_text("manufacturer = 70000\n")
    result = run("build", file)
    assert result.exit_code == 1
    assert "HOTA-IMAGE-010" in result.stderr
    assert "manufacturer" in result.stderr


def test_a_missing_payload_is_named(tmp_path: Path) -> None:
    (tmp_path / "image.toml").write_text(DESCRIPTION + '[payload]\nfile = "firmware.bin"\n')
    result = run("build", tmp_path / "image.toml")
    assert result.exit_code == 1
    assert "payload.file: No such file or directory" in result.stderr


def test_an_output_that_cannot_be_written_is_named(description: Path, tmp_path: Path) -> None:
    result = run("build", description, "-o", tmp_path / "no" / "such" / "folder")
    assert result.exit_code == 1
    assert "HOTA-CLI-102" in result.stderr


@pytest.mark.parametrize("content", [b"no key", ec.derive_private_key(1, ec.SECP384R1())])
def test_a_file_without_a_p256_key_is_refused(description: Path, tmp_path: Path, content: object) -> None:
    file = tmp_path / "key.pem"
    if isinstance(content, ec.EllipticCurvePrivateKey):
        content = content.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert isinstance(content, bytes)
    file.write_bytes(content)
    result = run("build", description, "--maker-key", file)
    assert (result.exit_code, "HOTA-CLI-101" in result.stderr) == (1, True)
    image = tmp_path / "image"
    image.write_bytes(sample_ppmid())
    result = run("inspect", image, "--maker-cert", file)
    assert (result.exit_code, "HOTA-CLI-101" in result.stderr) == (1, True)
