"""The folder of keys of a world: whenever the process dies while it writes, the next start works."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from structlog.testing import capture_logs

from hanota.app.keys import KeySources, NoCertificates, open_keys
from hanota.app.pki import ISSUER_NAME, Party, make_pki
from hanota.app.world import World, WorldSettings
from hanota.base.eui import Eui64
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.estate import EstateDescription, builtin_description
from hanota.records.registry.certificates import find_certificate
from hanota.wire.smki import KeyDirectory, directory, read_directory, read_keystore
from helpers.keystore import keystore_folder
from helpers.premises import DCC, NOW

DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT


class Killed(BaseException):
    """The process is gone."""


def kill_after(files: int, monkeypatch: pytest.MonkeyPatch) -> None:
    write, left = directory._write, [files]

    def dying(path: Path, octets: bytes, mode: int = 0o644) -> None:
        if not left[0]:
            path.with_suffix(".part").write_bytes(octets[:10])
            raise Killed
        left[0] -= 1
        write(path, octets, mode)

    monkeypatch.setattr(directory, "_write", dying)


def small() -> EstateDescription:
    found = builtin_description()
    home = found.premises[0]
    return replace(found, parties=found.parties[:1], premises=(replace(home, devices=home.devices[:1]),))


def larger() -> EstateDescription:
    found = builtin_description()
    home = found.premises[0]
    return replace(found, parties=found.parties[:2], premises=(replace(home, devices=home.devices[:2]),))


def start(folder: Path, description: EstateDescription, seed: int) -> KeyDirectory:
    return open_keys(folder, KeySources(), description, Random(seed), NOW).directory


def check(keys: KeyDirectory, folder: Path, description: EstateDescription) -> None:
    held = read_directory(folder / "pki")
    assert set(held.certificates()) == set(keys.certificates())
    assert set(held.credentials()) == set(keys.credentials())
    issuing = held.authority(ISSUER_NAME).certificate
    assert held.credential(DCC, DS, CertificateRole.DSP_XML_SIGN)
    for party in description.parties:
        for usage, role in (
            (DS, CertificateRole.SUPPLIER),
            (KA, CertificateRole.SUPPLIER),
            (DS, CertificateRole.XML_SIGN),
        ):
            assert held.credential(party.eui, usage, role).certificate.issued_by(issuing)
    for device in description.nodes():
        for usage in (DS, KA):
            assert held.credential(device, usage).certificate.issued_by(issuing)


def die_everywhere(run: Callable[[Path], None], folder: Path, prepare: Callable[[Path], None]) -> int:
    """Let `run` be killed after each number of files in turn, until it gets to its end. Returns: how often it died."""
    for files in range(1000):
        home = folder / str(files)
        home.mkdir()
        prepare(home)
        with pytest.MonkeyPatch.context() as patch:
            kill_after(files, patch)
            try:
                run(home)
            except Killed:
                continue
        return files
    raise AssertionError("it never ended")


def test_killed_after_any_file_of_the_first_write_the_next_start_works(tmp_path: Path) -> None:
    deaths = die_everywhere(lambda home: void(start(home, small(), 1)), tmp_path, lambda _: None)
    assert deaths == 2 * (2 + 3 + 3 + 3 * 2)  # authorities, DCC, supplier, hub and one device: a key and a certificate
    for files in range(deaths):
        assert not (tmp_path / str(files) / "pki").exists()
        check(start(tmp_path / str(files), small(), 2), tmp_path / str(files), small())


def test_killed_after_any_file_of_an_addition_the_next_start_works_and_keeps_what_there_was(tmp_path: Path) -> None:
    first: set[object] = set()

    def prepare(home: Path) -> None:
        first.update(start(home, small(), 1).certificates())

    deaths = die_everywhere(lambda home: void(start(home, larger(), 2)), tmp_path, prepare)
    assert deaths == 2 * (2 + 3 + 2 * 3 + 4 * 2)
    for files in range(deaths):
        again = start(tmp_path / str(files), larger(), 3)
        assert first < set(again.certificates())
        check(again, tmp_path / str(files), larger())


def void(_: object) -> None:
    """Take no interest in a value."""


def test_of_a_subject_that_has_some_of_its_certificates_the_others_are_made(tmp_path: Path) -> None:
    keys = start(tmp_path, small(), 1)
    hub: Eui64 = small().premises[0].hub.chf
    (tmp_path / "pki" / "certs" / f"{hub}-KA.pem").unlink()
    again = start(tmp_path, small(), 2)
    check(again, tmp_path, small())
    assert again.credential(hub, DS) == keys.credential(hub, DS)
    assert again.credential(hub, KA) != keys.credential(hub, KA)
    assert len(again.certificates()) == len(keys.certificates())
    assert set(start(tmp_path, small(), 3).certificates()) == set(again.certificates())


# --- what is lent ------------------------------------------------------------------------------------------------


def lent(folder: Path) -> KeyDirectory:
    """Another PKI, with the DCC and one supplier, in a folder of its own."""
    supplier = small().parties[0]
    made = make_pki(dcc=DCC, suppliers=[Party(supplier.eui, supplier.name)], rng=Random(9), now=NOW)
    directory.write_directory(folder, made)
    return made


def stored(home: Path) -> set[bytes]:
    return {file.read_bytes() for file in (home / "pki").rglob("*.pem")}


def test_lent_keys_go_before_our_own_and_what_is_lacking_is_made(tmp_path: Path) -> None:
    given = lent(tmp_path / "given")
    keys = open_keys(tmp_path / "home", KeySources(directory=tmp_path / "given"), small(), Random(1), NOW).directory
    for credential in given.credentials():
        held = credential.certificate
        assert keys.credential(held.eui, held.usage, held.role) == credential
    for device in small().nodes():
        assert keys.credential(device, KA).certificate.issued_by(keys.authority(ISSUER_NAME).certificate)


def test_of_what_is_lent_nothing_is_written(tmp_path: Path) -> None:
    lent(tmp_path / "given")
    theirs = {file.read_bytes() for file in (tmp_path / "given").rglob("*.pem")}
    for _ in range(2):
        open_keys(tmp_path / "home", KeySources(directory=tmp_path / "given"), small(), Random(1), NOW)
        assert not theirs & stored(tmp_path / "home")


def test_our_own_keys_stay_through_a_start_with_lent_ones(tmp_path: Path) -> None:
    before = start(tmp_path / "home", small(), 1)
    lent(tmp_path / "given")
    open_keys(tmp_path / "home", KeySources(directory=tmp_path / "given"), small(), Random(2), NOW)
    assert set(start(tmp_path / "home", small(), 3).certificates()) == set(before.certificates())


def test_a_lent_certificate_of_an_organisation_is_known_besides_and_one_of_our_devices_is_not(tmp_path: Path) -> None:
    given = lent(tmp_path / "given")
    device = small().nodes()[0]
    also = make_pki(dcc=DCC, devices=[device, Eui64(7)], rng=Random(8), now=NOW)
    plain = tmp_path / "plain"
    plain.mkdir()
    for number, certificate in enumerate([*given.certificates(), *also.certificates()]):
        (plain / f"{number}.pem").write_bytes(directory._pem(certificate))
    opened = open_keys(tmp_path / "home", KeySources(directory=plain), small(), Random(1), NOW)
    assert {found.eui for found in opened.known} == {DCC, small().parties[0].eui, Eui64(7)}
    assert opened.directory.certificate(DCC, KA) not in opened.known
    assert set(also.certificates()) & set(opened.directory.certificates()) == set()


def test_of_a_plain_folder_keys_and_authorities_are_left_alone(tmp_path: Path) -> None:
    given = lent(tmp_path / "given")
    plain = tmp_path / "plain"
    plain.mkdir()
    for folder in ("certs", "keys", "authorities"):
        for file in (tmp_path / "given" / folder).iterdir():
            (plain / f"{folder}-{file.name}").write_bytes(file.read_bytes())
    opened = open_keys(None, KeySources(directory=plain), small(), Random(1), NOW)
    assert set(opened.known) == set(given.certificates())


def test_a_folder_without_certificates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoCertificates, match="hanota pki init"):
        open_keys(None, KeySources(directory=tmp_path), small(), Random(1), NOW)


def test_a_certificate_that_can_not_be_read_is_told_and_left_out(tmp_path: Path) -> None:
    given = lent(tmp_path / "given")
    folder = tmp_path / "given" / "certs"
    (folder / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with capture_logs() as told:
        opened = open_keys(None, KeySources(directory=folder), small(), Random(1), NOW)
    assert set(opened.known) == set(given.certificates())
    assert [line["place"] for line in told] == ["broken.pem"]


# --- the industry's public test key store -------------------------------------------------------------------------


def test_with_the_public_store_the_dcc_and_suppliers_have_its_keys(tmp_path: Path) -> None:
    store = keystore_folder()
    opened = open_keys(tmp_path, KeySources(store=store), builtin_description(), Random(1), NOW)
    public = read_keystore(store)
    supplier = Eui64.parse("90-B3-D5-1F-30-01-00-00")
    for eui, usage, role in (
        (DCC, DS, CertificateRole.ACCESS_CONTROL_BROKER),
        (DCC, KA, CertificateRole.ACCESS_CONTROL_BROKER),
        (DCC, DS, CertificateRole.DSP_XML_SIGN),
        (supplier, DS, CertificateRole.SUPPLIER),
        (supplier, KA, CertificateRole.SUPPLIER),
        (supplier, DS, CertificateRole.XML_SIGN),
    ):
        assert opened.directory.credential(eui, usage, role) == public.credentials_of(eui, usage, role)[0]
    assert {(held.issuer, held.serial) for held in public.certificates()} <= {
        (held.issuer, held.serial) for held in (*opened.directory.certificates(), *opened.known)
    }


def test_of_the_public_store_no_key_is_written(tmp_path: Path) -> None:
    store = keystore_folder()
    for _ in range(2):
        open_keys(tmp_path, KeySources(store=store), builtin_description(), Random(1), NOW)
    theirs = [held.key.private_numbers() for held in read_keystore(store).credentials()]
    ours = [held.key.private_numbers() for held in read_directory(tmp_path / "pki").credentials()]
    assert ours
    assert [numbers for numbers in ours if numbers in theirs] == []


def test_known_certificates_stand_in_the_registry(tmp_path: Path) -> None:
    given = lent(tmp_path / "given")
    plain = tmp_path / "plain"
    plain.mkdir()
    for number, certificate in enumerate(given.certificates()):
        (plain / f"{number}.pem").write_bytes(directory._pem(certificate))
    world = World(
        WorldSettings(description=builtin_description(), keys=KeySources(directory=plain)), now=NOW, rng=Random(1)
    )
    with world.store.reading() as connection:
        for certificate in given.certificates():
            assert find_certificate(connection, certificate.issuer, certificate.serial) is not None
    world.close()
