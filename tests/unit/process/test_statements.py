"""Whose statement about a local upgrade is believed, and what it explains (R26, I3, I5)."""

from dataclasses import replace
from typing import Any

import pytest

from hanota.base.eui import Eui64
from hanota.base.instant import DAY, HOUR, Instant
from hanota.base.vocabulary.devices import CplStatus
from hanota.base.vocabulary.parties import CertificateRole, KeyUsage
from hanota.model.policies import LocalUpgradePolicy, Policies
from hanota.model.statements import STATEMENT_REFUSALS, StatementReason
from hanota.process.statements import StatementRefused
from hanota.records.registry.certificates import revoke
from hanota.records.store import schema as t
from hanota.wire import duis
from hanota.wire.statements import LocalUpgradeStatement, write_statement
from helpers import world
from helpers.premises import NEW, OLD
from helpers.world import HUB, PPMID, PPMID_3, READER, STRANGER, SUPPLIER_1, SUPPLIER_2, Bench, image, keys, product_of

pytestmark = pytest.mark.usefixtures("each_store")

_R = StatementReason
ATTESTED = Policies(local_upgrade=LocalUpgradePolicy(mode="attested"))
HASH = product_of(image()).manufacturer_hash


def statement(**changes: Any) -> LocalUpgradeStatement:
    facts: dict[str, Any] = {
        "party": SUPPLIER_1,
        "device": PPMID,
        "version": NEW,
        "manufacturer_hash": HASH,
        "done_at": Bench().now,
        "done_by": "an engineer",
        "reason": "no radio",
    }
    return LocalUpgradeStatement(**(facts | changes))


def signed(
    stated: LocalUpgradeStatement, signer: Eui64 | None = None, role: CertificateRole = CertificateRole.XML_SIGN
) -> bytes:
    credential = keys().credential(signer or stated.party, KeyUsage.DIGITAL_SIGNATURE, role)
    return duis.sign(write_statement(stated), credential)


@pytest.fixture
def bench() -> Bench:
    return Bench(ATTESTED)


def why(bench: Bench, octets: bytes) -> StatementReason:
    with pytest.raises(StatementRefused) as caught:
        bench.pipeline.attest(octets, bench.now)
    assert bench.rows(t.statement) == []
    return caught.value.reason


def test_every_reason_says_what_to_do() -> None:
    assert list(STATEMENT_REFUSALS) == list(StatementReason)
    assert all(row.text and row.remedy for row in STATEMENT_REFUSALS.values())
    assert "hanota attest" in str(StatementRefused())


def test_under_a_ban_no_statement_is_taken() -> None:  # R25
    assert why(Bench(), signed(statement())) is _R.LOCAL_UPGRADES_BANNED


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"<a", _R.NOT_A_STATEMENT),
        (b"<a/>", _R.UNSIGNED),
        (b" " * 20_000, _R.NOT_A_STATEMENT),
        (write_statement(statement()), _R.UNSIGNED),
        (signed(statement()).replace(b"no radio", b"no radius"), _R.SIGNATURE_BROKEN),
        (signed(statement()).replace(b"X509SerialNumber>", b"X509SerialNumber>1", 1), _R.SIGNER_UNKNOWN),
        (signed(statement(), role=CertificateRole.SUPPLIER), _R.SIGNER_NOT_XML_SIGNER),
        (signed(statement(), SUPPLIER_2), _R.SIGNER_NOT_PARTY),
        (signed(statement(done_at=Instant(Bench().now + DAY))), _R.NOT_DONE_YET),
        (signed(statement(device=STRANGER)), _R.DEVICE_UNKNOWN),
        (signed(statement(party=STRANGER)), _R.NOT_RESPONSIBLE),
        (signed(statement(party=READER)), _R.NOT_RESPONSIBLE),
        (signed(statement(done_at=Instant(0))), _R.NOT_RESPONSIBLE),
        (signed(statement(party=SUPPLIER_2, device=PPMID_3)), _R.NOT_RESPONSIBLE),
        (signed(statement(manufacturer_hash=bytes(32))), _R.IMAGE_NOT_LISTED),
        (signed(statement(version=NEW + 1)), _R.IMAGE_NOT_LISTED),
    ],
)
def test_what_is_not_believed_is_refused_with_its_reason(bench: Bench, octets: bytes, reason: StatementReason) -> None:
    assert why(bench, octets) is reason


def test_a_signed_request_is_no_statement(bench: Bench) -> None:
    assert why(bench, world.signed(world.request())) is _R.NOT_A_STATEMENT


def test_a_signer_out_of_date_or_revoked_is_refused(bench: Bench) -> None:
    octets = signed(statement())
    bench.now = Instant(bench.now + 20 * 365 * DAY)
    assert why(bench, octets) is _R.SIGNER_OUT_OF_DATE
    bench = Bench(ATTESTED)
    held = keys().certificate(SUPPLIER_1, KeyUsage.DIGITAL_SIGNATURE, CertificateRole.XML_SIGN)
    with bench.store.writing() as connection:
        assert revoke(connection, held.issuer, held.serial, bench.now)
    assert why(bench, octets) is _R.SIGNER_REVOKED


def test_an_image_withdrawn_from_the_list_explains_nothing(bench: Bench) -> None:
    bench.certify(image(), status=CplStatus.WITHDRAWN)
    assert why(bench, signed(statement())) is _R.IMAGE_NOT_LISTED


@pytest.mark.parametrize("party", [SUPPLIER_1, SUPPLIER_2])
def test_any_responsible_supplier_may_state_and_the_device_has_the_last_word(bench: Bench, party: Eui64) -> None:
    octets = signed(statement(party=party))
    assert not bench.pipeline.attest(octets, bench.now)
    assert (bench.device().version, bench.device().version_origin) == (OLD, "declared")  # I5
    bench.tell("version_seen", None, reporter=HUB, version=NEW, result=0)
    assert (bench.device().version, bench.device().version_origin) == (NEW, "reported, attested")
    assert bench.rows(t.message) == []
    assert bench.row(t.statement).octets == octets


def test_a_statement_after_the_report_explains_it_at_once_and_again_if_repeated(bench: Bench) -> None:
    bench.tell("version_seen", None, reporter=HUB, version=NEW, result=0)
    assert bench.device().version_origin == "reported, unexplained"
    bench.now = Instant(bench.now + HOUR)
    octets = signed(statement())
    assert bench.pipeline.attest(octets, bench.now)
    assert bench.pipeline.attest(octets, bench.now)
    assert bench.device().version_origin == "reported, attested"
    kinds = [row.kind for row in bench.rows(t.event)]
    assert (kinds.count("local_upgrade_stated"), kinds.count("local_upgrade_explained")) == (1, 1)


def test_two_statements_of_one_upgrade_explain_it_once(bench: Bench) -> None:
    bench.tell("version_seen", None, reporter=HUB, version=NEW, result=0)
    assert bench.pipeline.attest(signed(statement()), bench.now)
    assert not bench.pipeline.attest(signed(replace(statement(), reason="said twice")), bench.now)
