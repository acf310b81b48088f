"""The folder of keys of a world: whenever the process dies while it writes, the next start works."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from hanota.app.pki import ISSUER_NAME
from hanota.app.world import _keys
from hanota.base.eui import Eui64
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.edge.estate import EstateDescription, builtin_description
from hanota.wire.smki import KeyDirectory, directory, read_directory
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
    return _keys(folder, description, Random(seed), NOW)


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
