"""The public key store: several keys for one use, looked up by number and by subject; what is wrong is named."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, Instant, parse_iso
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire.smki import KeyStore, read_certificate, read_directory, read_keystore, write_directory
from hanota.wire.smki.certificate import Credential
from hanota.wire.smki.errors import KeyMalformed, KeyMismatch, KeystoreMalformed
from hanota.wire.smki.issue import Validity, issue_authority, issue_certificate
from hanota.wire.smki.keystore import read_folder
from helpers.gbcs import ACB, PPMID, SUPPLIER
from helpers.keystore import reference_keys
from helpers.pki import small_pki

DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT
BROKER = CertificateRole.ACCESS_CONTROL_BROKER
YEAR_2020 = parse_iso("2020-01-01T00:00:00Z")
ISSUER = issue_authority(
    subject="CN=Z1,OU=07",
    key=ec.derive_private_key(5, ec.SECP256R1()),
    serial=1,
    validity=Validity(YEAR_2020, Instant(YEAR_2020 + 1000 * DAY)),
)


def made(serial: int, *, usage: KeyUsage = KA, days: int = 0, role: CertificateRole | None = BROKER) -> Credential:
    key = ec.derive_private_key(serial, ec.SECP256R1())
    begin = Instant(YEAR_2020 + days * DAY)
    certificate = issue_certificate(
        ISSUER,
        eui=ACB,
        role=role,
        usage=usage,
        public_key=key.public_key(),
        serial=serial,
        validity=Validity(begin, Instant(begin + 100 * DAY)),
    )
    return Credential(certificate, key)


OLD, NEW, PREPAYMENT, SIGNING = made(11), made(12, days=50), made(13, days=-10), made(14, usage=DS)
NAMES = {11: "Z1-broker-ka", 12: "Z1b-broker-ka", 13: "Z1-brokerPP-ka", 14: "Z1-broker-ds"}


def entry(held: Credential) -> dict[str, Any]:
    pem = x509.load_der_x509_certificate(held.certificate.der).public_bytes(Encoding.PEM).decode()
    key = held.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    role = held.certificate.role
    return {"certificate": pem, "privateKey": key, "name": NAMES[held.certificate.serial], "role": role and int(role)}


def store() -> dict[str, Any]:
    agreement = {str(held.certificate.serial): entry(held) for held in (PREPAYMENT, NEW, OLD)}
    return {ACB.octets.hex(): {"keyAgreement": agreement, "digitalSignature": {"14": entry(SIGNING)}}}


def written(folder: Path, held: object) -> Path:
    (folder / "keystore.json").write_text(json.dumps(held), "utf-8")
    return folder


def test_a_store_is_read_from_its_file_or_its_folder(tmp_path: Path) -> None:
    folder = written(tmp_path, store())
    for place in (folder, folder / "keystore.json"):
        held = read_keystore(place)
        assert {one.serial for one in held.certificates()} == {11, 12, 13, 14}
        assert held.unread == ()


def test_candidates_come_the_preferred_first(tmp_path: Path) -> None:
    held = read_keystore(written(tmp_path, store()))
    assert [one.serial for one in held.certificates_of(ACB, KA)] == [11, 12, 13]
    assert [one.certificate.serial for one in held.credentials_of(ACB, KA)] == [11, 12, 13]
    assert [one.serial for one in held.certificates_of(None, KA, BROKER)] == [11, 12, 13]
    assert held.certificates_of(SUPPLIER, KA) == ()
    assert held.certificates_of(ACB, KA, CertificateRole.SUPPLIER) == ()
    assert {one.certificate.serial for one in held.credentials()} == {11, 14}


def test_a_certificate_is_found_by_its_number(tmp_path: Path) -> None:
    held = read_keystore(written(tmp_path, store()))
    assert held.certificate("CN=Z1, OU=07", 12) == NEW.certificate
    assert held.credential("CN=Z1,OU=07", 12) == NEW
    assert held.certificate("CN=Z2,OU=07", 12) is None
    assert held.credential("CN=Z1,OU=07", 99) is None
    assert KeyStore(certificates=held.certificates()).credential("CN=Z1,OU=07", 12) is None


def test_two_stores_are_one_behind_the_other() -> None:
    both = KeyStore([NEW]).including(KeyStore([OLD], [SIGNING.certificate]))
    assert [one.serial for one in both.certificates_of(ACB, KA)] == [12, 11]
    assert both.certificate("CN=Z1,OU=07", 14) == SIGNING.certificate


def test_an_entry_that_is_not_readable_is_named_and_the_others_are_of_use(tmp_path: Path) -> None:
    held = store()
    held[ACB.octets.hex()]["keyAgreement"]["11"]["certificate"] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END"
    read = read_keystore(written(tmp_path, held))
    assert {one.serial for one in read.certificates()} == {12, 13, 14}
    ((place, reason),) = read.unread
    assert place.endswith(f"{ACB.octets.hex()}/keyAgreement/11")
    assert "certificate" in reason


def test_a_certificate_without_a_key_is_a_certificate(tmp_path: Path) -> None:
    held = store()
    del held[ACB.octets.hex()]["digitalSignature"]["14"]["privateKey"]
    read = read_keystore(written(tmp_path, held))
    assert read.certificates_of(ACB, DS)
    assert not read.credentials_of(ACB, DS)


def misplaced() -> dict[str, object]:
    other_eui, other_usage, other_serial, other_role = store(), store(), store(), store()
    uses = other_eui.pop(ACB.octets.hex())
    other_eui[SUPPLIER.octets.hex()] = uses
    other_usage[ACB.octets.hex()] = {"digitalSignature": {"11": entry(OLD)}}
    other_serial[ACB.octets.hex()]["keyAgreement"] = {"12": entry(OLD)}
    other_role[ACB.octets.hex()]["keyAgreement"]["11"]["role"] = 2
    return {
        "another subject": other_eui,
        "another usage": other_usage,
        "another number": other_serial,
        "another role": other_role,
        "not an object": [],
        "no uses": {ACB.octets.hex(): 1},
        "no serials": {ACB.octets.hex(): {"keyAgreement": []}},
        "no entry": {ACB.octets.hex(): {"keyAgreement": {"11": "x"}}},
        "no certificate": {ACB.octets.hex(): {"keyAgreement": {"11": {"privateKey": "x"}}}},
    }


@pytest.mark.parametrize("what", misplaced())
def test_what_is_no_key_store_is_refused_with_a_remedy(tmp_path: Path, what: str) -> None:
    with pytest.raises(KeystoreMalformed) as caught:
        read_keystore(written(tmp_path, misplaced()[what]))
    assert "dccboxed-keystore" in caught.value.as_dict()["remedy"]


def test_a_file_that_is_not_there_or_not_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeystoreMalformed):
        read_keystore(tmp_path)
    for text in (b"nonsense", b"\xff\xfe", b"[" * 100_000):
        (tmp_path / "keystore.json").write_bytes(text)
        with pytest.raises(KeystoreMalformed):
            read_keystore(tmp_path)


def test_a_key_that_is_none_or_another_s_is_refused(tmp_path: Path) -> None:
    held = store()
    held[ACB.octets.hex()]["keyAgreement"]["11"]["privateKey"] = "nonsense"
    with pytest.raises(KeyMalformed):
        read_keystore(written(tmp_path, held))
    held[ACB.octets.hex()]["keyAgreement"]["11"]["privateKey"] = entry(NEW)["privateKey"]
    with pytest.raises(KeyMismatch):
        read_keystore(written(tmp_path, held))
    p384 = ec.derive_private_key(3, ec.SECP384R1())
    text = p384.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    held[ACB.octets.hex()]["keyAgreement"]["11"]["privateKey"] = text
    with pytest.raises(KeyMalformed):
        read_keystore(written(tmp_path, held))


def test_a_folder_gives_certificates_of_both_encodings(tmp_path: Path) -> None:
    (tmp_path / "one.pem").write_text(entry(OLD)["certificate"])
    (tmp_path / "two.DER").write_bytes(NEW.certificate.der)
    (tmp_path / "issuer.crt").write_bytes(ISSUER.certificate.der)
    (tmp_path / "key.pem").write_text(entry(OLD)["privateKey"])
    (tmp_path / "notes.txt").write_text("nothing of that kind")
    held = read_folder(tmp_path)
    assert {one.serial for one in held.certificates()} == {11, 12}
    assert [place for place, _ in held.unread] == ["key.pem"]
    assert held.credentials() == ()


def test_a_key_directory_gives_its_private_keys_too(tmp_path: Path) -> None:
    write_directory(tmp_path, small_pki())
    held = read_folder(tmp_path)
    assert set(held.certificates()) == set(read_directory(tmp_path).certificates())
    assert held.credentials_of(PPMID, KA)
    assert held.certificates_of(PPMID, DS)


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeystoreMalformed):
        read_folder(tmp_path / "none")


def test_the_public_store_holds_the_keys_of_the_reference_messages() -> None:
    private = reference_keys()
    held = read_keystore(Path(os.environ["HANOTA_KEYSTORE"]))
    assert len(held.certificates()) + len(held.unread) == len(private)
    (first, *_) = held.credentials_of(SUPPLIER, KA)
    assert first.certificate.serial == 78705613441713544701898588866012598037
    assert held.credentials_of(ACB, KA)[0].certificate.serial == 74176869497284601865526639753608441552
    assert held.credentials_of(Eui64.parse("90-B3-D5-1F-30-01-00-00"), DS, CertificateRole.XML_SIGN)
    assert all(read_certificate(one.der) == one for one in held.certificates())
