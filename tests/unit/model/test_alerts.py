"""The table of alerts: what each kind is called in DUIS, and who gets it."""

import pytest

from hanota.app.messages import _BODIES
from hanota.base.vocabulary.duis import DccAlertCode
from hanota.model.alerts import ALERTS, VERDICTS, AlertKind, Audience


def test_every_kind_has_its_row_and_its_message() -> None:
    assert set(ALERTS) == set(AlertKind) == set(_BODIES)


@pytest.mark.parametrize("kind", AlertKind)
def test_a_row_has_a_known_code_and_plain_words(kind: AlertKind) -> None:
    assert ALERTS[kind].code.known
    assert len(ALERTS[kind].text.split()) >= 4


def test_only_what_stands_for_the_same_shares_a_code() -> None:
    of_activation = {AlertKind.ACTIVATION, AlertKind.ACTIVATION_FAILURE, AlertKind.CONFIRMED}
    of_transfer = {AlertKind.TRANSFER, AlertKind.REFUSED}  # a refusal is told as CCS08 code 1 is (ADR 10)
    for code in DccAlertCode:
        kinds = {kind for kind, row in ALERTS.items() if row.code is code}
        assert len(kinds) <= 1 or kinds in (of_activation, of_transfer)


def test_the_other_suppliers_hear_of_the_request_and_of_the_verdict() -> None:  # R18, R22
    told = {kind for kind, row in ALERTS.items() if row.audience is not Audience.SENDER}
    assert told == VERDICTS | {AlertKind.UPGRADE_REQUESTED, AlertKind.REFUSED}
    assert ALERTS[AlertKind.UPGRADE_REQUESTED].audience is Audience.OTHERS
    assert {ALERTS[kind].audience for kind in VERDICTS} == {Audience.ALL}
