"""The test PKI: its shape, its chain, and that one seed gives one PKI."""

import random
import secrets

import pytest

from hanota.app.pki import ISSUER_NAME, Party, add_devices, add_suppliers, draw_key, make_pki
from hanota.base.eui import Eui64
from hanota.base.instant import DAY, Instant
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.wire.smki.directory import KeyDirectory
from hanota.wire.smki.errors import CertificateMissing, CertificateTaken
from helpers.gbcs import ACB, CHF, SUPPLIER
from helpers.pki import NOW, small_pki

DS, KA = KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_AGREEMENT


@pytest.mark.parametrize(
    ("eui", "uses"),
    [
        (ACB, {(DS, 4), (KA, 4), (DS, 0x89)}),
        (SUPPLIER, {(DS, 2), (KA, 2), (DS, 0x87)}),
        (CHF, {(DS, None), (KA, None)}),
    ],
    ids=["DCC", "supplier", "hub"],
)
def test_each_subject_is_certified_for_its_uses(eui: Eui64, uses: set[tuple[KeyUsage, int | None]]) -> None:
    assert {(held.usage, held.role) for held in small_pki().certificates() if held.eui == eui} == uses


def test_every_certificate_chains_to_the_issuing_authority_and_holds_now() -> None:
    pki = small_pki()
    issuing = pki.authority(ISSUER_NAME).certificate
    for held in pki.certificates():
        assert held.issued_by(issuing)
        assert held.valid_at(NOW)
        assert pki.credential(held.eui, held.usage, held.role).certificate == held


def test_a_clock_that_is_slow_accepts_new_certificates() -> None:
    assert all(held.valid_at(Instant(NOW - DAY)) for held in small_pki().certificates())


def test_a_signing_certificate_names_its_supplier_and_a_seed_gives_one_pki() -> None:
    def make() -> KeyDirectory:
        return make_pki(dcc=ACB, suppliers=[Party(SUPPLIER, "S")], devices=[CHF], rng=random.Random(4), now=NOW)

    assert make().certificates() == make().certificates()
    assert make().certificates() != small_pki().certificates()
    assert b"DCC" not in make().certificate(SUPPLIER, DS, CertificateRole.SUPPLIER).der


def test_the_systems_own_randomness_gives_other_keys_each_time() -> None:
    rng = secrets.SystemRandom()
    assert draw_key(rng).public_key() != draw_key(rng).public_key()


def test_subjects_can_join_later() -> None:
    rng = random.Random(2)
    pki = make_pki(dcc=ACB, rng=rng, now=NOW)
    grown = add_devices(add_suppliers(pki, [Party(SUPPLIER, "S")], rng=rng, now=NOW), [CHF], rng=rng, now=NOW)
    assert set(pki.certificates()) < set(grown.certificates())
    assert grown.credential(CHF, KA).certificate.issued_by(pki.authority(ISSUER_NAME).certificate)
    assert grown.credential(SUPPLIER, KA)


def test_a_subject_joins_once() -> None:
    with pytest.raises(CertificateTaken):
        add_devices(small_pki(), [CHF], rng=random.Random(2), now=NOW)
    with pytest.raises(CertificateTaken):
        make_pki(dcc=ACB, devices=[CHF, CHF], rng=random.Random(2), now=NOW)


def test_nothing_is_issued_without_the_authority() -> None:
    with pytest.raises(CertificateMissing):
        add_suppliers(small_pki().public(), [Party(SUPPLIER, "S")], rng=random.Random(2), now=NOW)
