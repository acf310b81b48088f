"""Settings of a process: defaults, then the environment, then what is said at the start."""

from pathlib import Path

import pytest

from hanota.app.keys import KeySources
from hanota.app.settings import (
    PolicyUnknown,
    Said,
    Serving,
    SettingUnusable,
    TlsFiles,
    read_policies,
    read_serving,
)
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


def test_nothing_said_of_serving_is_plain_http_and_our_own_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TLS__CERT", "KEYS__STORE", "SMKI_PORT"):
        monkeypatch.delenv(f"HANOTA_{name}", raising=False)
    assert read_serving(Said()) == Serving(tls=TlsFiles(), keys=KeySources(), smki_port=None)


def test_how_to_serve_is_read_from_the_environment_and_the_command_line_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "TLS__CERT": "env-cert.pem",
        "TLS__KEY": "env-key.pem",
        "TLS__CLIENT_CA": "env-ca.pem",
        "KEYS__DIRECTORY": "env-keys",
        "KEYS__STORE": "env-store",
        "SMKI_PORT": "8083",
    }.items():
        monkeypatch.setenv(f"HANOTA_{name}", value)
    found = read_serving(Said(tls_cert=Path("cert.pem"), pki=Path("keys"), smki_port=9000))
    assert found.tls == TlsFiles(cert=Path("cert.pem"), key=Path("env-key.pem"), client_ca=Path("env-ca.pem"))
    assert found.keys == KeySources(directory=Path("keys"), store=Path("env-store"))
    assert (found.smki_port, read_serving(Said()).smki_port) == (9000, 8083)


@pytest.mark.parametrize("value", ["many", "0", "65536"])
def test_a_port_in_the_environment_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HANOTA_SMKI_PORT", value)
    with pytest.raises(SettingUnusable, match="HANOTA_SMKI_PORT"):
        read_serving(Said())


def test_the_tests_own_variable_for_the_key_store_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANOTA_KEYSTORE", "somewhere")
    assert read_serving(Said()).keys == KeySources()
