"""The key directory: look-ups, what it refuses, and what it leaves on disk."""

import dataclasses
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hanota.base.eui import Eui64
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire.smki.directory import KeyDirectory, read_directory, write_directory
from hanota.wire.smki.errors import (
    CertificateAmbiguous,
    CertificateMissing,
    CertificateTaken,
    CertificateUnissuable,
    KeyExposed,
    KeyMalformed,
    KeyMismatch,
    KeyMissing,
)
from hanota.wire.smki.issue import Validity, issue_authority
from helpers.gbcs import ACB, CHF, PPMID, SUPPLIER, certificates
from helpers.pki import NOW, small_pki

DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
STRANGER = Eui64(1)


def test_a_subject_with_one_certificate_needs_no_role() -> None:
    pki = small_pki()
    assert pki.credential(CHF, DS).certificate == pki.certificate(CHF, DS)
    assert pki.certificate(ACB, KA) == pki.certificate(ACB, KA, CertificateRole.ACCESS_CONTROL_BROKER)


def test_a_subject_with_several_roles_needs_one() -> None:
    pki = small_pki()
    with pytest.raises(CertificateAmbiguous):
        pki.credential(SUPPLIER, DS)
    assert pki.credential(SUPPLIER, DS, CertificateRole.XML_SIGN).certificate.role is CertificateRole.XML_SIGN


def test_what_is_not_held_is_missing() -> None:
    pki = small_pki()
    with pytest.raises(CertificateMissing):
        pki.certificate(STRANGER, DS)
    with pytest.raises(CertificateMissing):
        pki.certificate(CHF, DS, CertificateRole.SUPPLIER)
    with pytest.raises(CertificateMissing):
        pki.authority("CN=U1,OU=07")
    with pytest.raises(KeyMissing):
        pki.public().credential(CHF, DS)


def test_a_certificate_is_found_as_a_signature_names_it() -> None:
    pki = small_pki()
    held = pki.certificate(SUPPLIER, DS, CertificateRole.XML_SIGN)
    assert pki.find("CN=Z1,OU=07", held.serial) == held
    assert pki.find("CN=Z1, OU=07", held.serial) == held
    assert pki.find("CN=Z2,OU=07", held.serial) is None
    assert pki.find("CN=Z1,OU=07", held.serial + 1) is None


def test_a_certificate_given_twice_is_held_once() -> None:
    pki = small_pki()
    again = pki.including(pki.credentials(), pki.certificates())
    assert again.certificates() == pki.certificates()


def test_a_second_certificate_for_the_same_use_is_refused() -> None:
    renewed = [c for c in certificates() if (c.eui, c.usage) == (SUPPLIER, KA)]
    assert len(renewed) == 2
    with pytest.raises(CertificateTaken):
        KeyDirectory(certificates=renewed)


def test_two_certificates_of_one_serial_number_are_refused() -> None:
    pki = small_pki()
    held = pki.certificate(CHF, DS)
    with pytest.raises(CertificateTaken):
        pki.including(certificates=[dataclasses.replace(held, eui=STRANGER)])


def test_the_public_half_has_every_certificate_and_no_key() -> None:
    public = small_pki().public()
    assert public.certificates() == small_pki().certificates()
    assert public.credentials() == public.authorities() == ()


def test_a_directory_reads_back_as_written(tmp_path: Path) -> None:
    write_directory(tmp_path, small_pki())
    held = read_directory(tmp_path)
    assert set(held.certificates()) == set(small_pki().certificates())
    assert set(held.credentials()) == set(small_pki().credentials())
    assert set(held.authorities()) == set(small_pki().authorities())
    assert (tmp_path / "certs" / "90-B3-D5-1F-30-01-00-00-DS-87.pem").exists()
    assert (tmp_path / "keys" / "00-DB-12-34-56-78-90-A2-KA.pem").exists()


def test_a_directory_of_certificates_alone_has_no_keys(tmp_path: Path) -> None:
    write_directory(tmp_path, small_pki().public())
    held = read_directory(tmp_path)
    assert set(held.certificates()) == set(small_pki().certificates())
    assert held.credentials() == held.authorities() == ()


def test_an_absent_directory_is_empty(tmp_path: Path) -> None:
    assert read_directory(tmp_path / "absent").certificates() == ()


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    for _ in range(2):  # also when a file is replaced
        write_directory(tmp_path, small_pki())
        modes = {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "keys").iterdir()}
        assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_a_part_left_by_a_crash_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    part = tmp_path / "keys" / f"{CHF}-DS.part"
    part.write_bytes(b"half")
    write_directory(tmp_path, small_pki())
    assert not part.exists()
    assert read_directory(tmp_path).credential(CHF, DS)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    write_directory(tmp_path, small_pki())
    (tmp_path / "keys" / f"{CHF}-DS.pem").chmod(mode)
    with pytest.raises(KeyExposed) as caught:
        read_directory(tmp_path)
    assert f"chmod 600 {tmp_path}" in str(caught.value)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("octets", "error"),
    [
        (_pem(ec.derive_private_key(9, ec.SECP256R1())), KeyMismatch),
        (_pem(ec.derive_private_key(9, ec.SECP384R1())), KeyMalformed),
        (b"no key", KeyMalformed),
    ],
    ids=["another certificate's", "another curve", "not a key"],
)
def test_a_key_that_is_not_the_certificates_is_refused(tmp_path: Path, octets: bytes, error: type[Exception]) -> None:
    write_directory(tmp_path, small_pki())
    (tmp_path / "keys" / f"{PPMID}-KA.pem").write_bytes(octets)
    with pytest.raises(error):
        read_directory(tmp_path)


@pytest.mark.parametrize("subject", ["CN=../up,OU=07", "OU=07"])
def test_an_authority_whose_name_is_no_file_name_is_not_written(tmp_path: Path, subject: str) -> None:
    key = ec.derive_private_key(9, ec.SECP256R1())
    authority = issue_authority(subject=subject, key=key, serial=1, validity=Validity(NOW, NOW))
    with pytest.raises(CertificateUnissuable):
        write_directory(tmp_path, KeyDirectory(authorities=[authority]))
