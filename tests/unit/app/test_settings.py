"""Policies of a process: defaults, then the environment, then what is said at the start."""

import pytest

from hanota.app.settings import PolicyUnknown, read_policies
from hanota.model.policies import Policies, Strictness


def test_nothing_said_is_the_table_of_the_requirements() -> None:
    assert read_policies() == Policies()


def test_the_environment_counts_and_the_command_line_counts_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANOTA_POLICIES__HAN__BLOCK_OCTETS", "40")
    monkeypatch.setenv("HANOTA_POLICIES__CHECK__VERSION_MATCHES_HEADER", "warn")
    found = read_policies(["han.block_octets=30", " han.min_block_period_ms = 10 "])
    assert (found.han.block_octets, found.han.min_block_period_ms) == (30, 10)
    assert found.check.version_matches_header is Strictness.WARN
    assert found.image == Policies().image


@pytest.mark.parametrize(
    "text",
    [
        "",
        "han",
        "han=1",
        "han.block_octets",
        "han.=1",
        ".=1",
        "han.no_such=1",
        "no_such.block_octets=1",
        "han.block_octets=0",
        "han.block_octets=x",
    ],
)
def test_a_policy_that_is_none_is_refused_by_its_text(text: str) -> None:
    with pytest.raises(PolicyUnknown) as caught:
        read_policies([text])
    assert caught.value.facts["text"] == text


def test_an_environment_that_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANOTA_POLICIES__HAN__BLOCK_OCTETS", "many")
    with pytest.raises(PolicyUnknown, match="in the environment"):
        read_policies()
