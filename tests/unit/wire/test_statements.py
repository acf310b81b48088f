"""Statements about local upgrades as XML: what is written is read again, and anything else is refused (R26)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hanota.base.eui import Eui64
from hanota.base.instant import Instant
from hanota.wire.duis import parse_safely
from hanota.wire.statements import LocalUpgradeStatement, StatementMalformed, read_statement, write_statement
from helpers.premises import NOW

STATEMENT = LocalUpgradeStatement(
    party=Eui64.parse("90-B3-D5-1F-30-01-00-00"),
    device=Eui64.parse("00-DB-12-34-56-78-90-A4"),
    version=0x0002012F,
    manufacturer_hash=bytes(range(32)),
    done_at=NOW,
    done_by="J. Smith & daughter",
    reason="no radio <here>",
)
texts = st.text(st.characters(min_codepoint=33, max_codepoint=0xD7FF), min_size=1, max_size=400)
statements = st.builds(
    LocalUpgradeStatement,
    party=st.integers(0, (1 << 64) - 1).map(Eui64),
    device=st.integers(0, (1 << 64) - 1).map(Eui64),
    version=st.integers(0, (1 << 32) - 1),
    manufacturer_hash=st.binary(min_size=32, max_size=32),
    done_at=st.integers(0, 4_000_000_000_000).map(Instant),
    done_by=texts,
    reason=texts,
)


@given(statements)
def test_what_is_written_is_read_again(statement: LocalUpgradeStatement) -> None:
    try:
        octets = write_statement(statement)
    except StatementMalformed:
        assert any(ord(sign) < 0xA0 and ord(sign) >= 0x7F for sign in statement.done_by + statement.reason)
        return
    assert read_statement(parse_safely(octets)) == statement


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"LocalUpgradeStatement", b"Upgrade"),
        (b"urn:hanota:local-upgrade:1", b"urn:hanota:local-upgrade:2"),
        (b"<Reason>no radio &lt;here&gt;</Reason>", b""),
        (b"<Reason>", b"<Reason a='1'>"),
        (b"no radio ", b"<b/>"),
        (b"</Reason>", b"</Reason>stray"),
        (b"<Party>", b"stray<Party>"),
        (b"0002012F", b"0002012"),
        (b"0002012F", b"0x02012F"),
        (b"0001020304", b"00010203"),
        (b"90-B3-D5-1F-30-01-00-00", b"90-B3"),
        (b"no radio &lt;here&gt;", b""),
        (b"no radio &lt;here&gt;", b"x" * 401),
    ],
)
def test_what_is_no_statement_is_refused(old: bytes, new: bytes) -> None:
    octets = write_statement(STATEMENT)
    assert old in octets
    with pytest.raises(StatementMalformed):
        read_statement(parse_safely(octets.replace(old, new)))


def test_fields_have_one_order() -> None:
    octets = write_statement(STATEMENT)
    party = octets[octets.index(b"<Party>") : octets.index(b"<Device>")]
    with pytest.raises(StatementMalformed):
        read_statement(parse_safely(octets.replace(party, b"").replace(b"<DoneBy>", party + b"<DoneBy>")))
