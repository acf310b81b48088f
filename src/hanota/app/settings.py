"""Settings of a process, from the environment and the command line; what the command line says wins.

HANOTA_POLICIES__CHECK__VERSION_MATCHES_HEADER=warn      --policy check.version_matches_header=warn
HANOTA_TLS__CERT=FILE HANOTA_TLS__KEY=FILE               --tls-cert FILE --tls-key FILE
HANOTA_TLS__CLIENT_CA=FILE                               --client-ca FILE
HANOTA_KEYS__DIRECTORY=DIR HANOTA_KEYS__STORE=PATH       --pki DIR --keystore PATH
HANOTA_SMKI_PORT=8083                                    --smki-port 8083
HANOTA_DATABASE=postgresql://… HANOTA_NATS=nats://…      --database URL --nats URL
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from hanota.app.keys import KeySources
from hanota.base.errors import Fault, HanotaError, require
from hanota.model.policies import Policies


class PolicyUnknown(HanotaError):
    """A policy that does not exist, or a value that it does not take."""

    code, fault = "HOTA-APP-006", Fault.OPERATOR
    what = "policy {text}: {problem}"
    remedy = "write NAME=VALUE with a name and value of the policy table, e.g. check.version_matches_header=warn"


class SettingUnusable(HanotaError):
    """A setting in the environment that has no meaning."""

    code, fault = "HOTA-APP-011", Fault.OPERATOR
    what = "setting {name} in the environment: {problem}"
    remedy = "correct or unset the variable; the names are those of `hanota up --help`, e.g. HANOTA_TLS__CERT"


class TlsFiles(BaseModel):
    """PEM files for TLS; `client_ca`: who signs the certificates that clients must have. None: no TLS, no such."""

    model_config = ConfigDict(frozen=True)

    cert: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None


class KeyPlaces(BaseModel):
    """Where keys are lent from, see `hanota.app.keys.KeySources`."""

    model_config = ConfigDict(frozen=True)

    directory: Path | None = None
    store: Path | None = None


class Settings(BaseSettings):
    """What the environment says."""

    model_config = SettingsConfigDict(env_prefix="HANOTA_", env_nested_delimiter="__", extra="ignore")

    policies: Policies = Policies()
    tls: TlsFiles = TlsFiles()
    keys: KeyPlaces = KeyPlaces()
    smki_port: int | None = Field(default=None, ge=1, le=65_535)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the command line says of how to serve; None where it says nothing."""

    tls_cert: Path | None = None
    tls_key: Path | None = None
    client_ca: Path | None = None
    pki: Path | None = None
    keystore: Path | None = None
    smki_port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """How to serve, and by which keys."""

    tls: TlsFiles
    keys: KeySources
    smki_port: int | None


def read_serving(said: Said) -> Serving:
    """Give how to serve: each setting as `said`, else as the environment has it. Raises SettingUnusable."""
    try:
        found = Settings()
    except ValidationError as error:
        place = "__".join(map(str, error.errors()[0]["loc"])).upper()
        raise SettingUnusable(name=f"HANOTA_{place}", problem=_first(error)) from None
    return Serving(
        tls=TlsFiles(
            cert=said.tls_cert or found.tls.cert,
            key=said.tls_key or found.tls.key,
            client_ca=said.client_ca or found.tls.client_ca,
        ),
        keys=KeySources(
            directory=said.pki or found.keys.directory,
            store=said.keystore or found.keys.store,
        ),
        smki_port=said.smki_port or found.smki_port,
    )


def read_policies(texts: Iterable[str] = ()) -> Policies:
    """Give the policies in force: defaults, then the environment, then `texts` of the form `hub.slots=as_set`.

    Raises: PolicyUnknown.
    """
    try:
        values: dict[str, Any] = Settings().policies.model_dump()
    except ValidationError as error:
        raise PolicyUnknown(text="in the environment", problem=_first(error)) from None
    for text in texts:
        name, equals, value = text.partition("=")
        group, _, field = name.strip().partition(".")
        known = bool(equals) and isinstance(values.get(group), Mapping) and field in values[group]
        require(known, PolicyUnknown, text=text, problem="there is no such policy")
        values[group][field] = value.strip()
        try:
            values = Policies.model_validate(values).model_dump()
        except ValidationError as error:
            raise PolicyUnknown(text=text, problem=_first(error)) from None
    return Policies.model_validate(values)


def _first(error: ValidationError) -> str:
    return str(error.errors()[0]["msg"])
