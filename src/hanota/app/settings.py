"""Settings of a process: policies from the environment and the command line, the later one winning.

HANOTA_POLICIES__CHECK__VERSION_MATCHES_HEADER=warn      in the environment, or
--policy check.version_matches_header=warn               on the command line
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from hanota.base.errors import Fault, HanotaError, require
from hanota.model.policies import Policies


class PolicyUnknown(HanotaError):
    """A policy that does not exist, or a value that it does not take."""

    code, fault = "HOTA-APP-006", Fault.OPERATOR
    what = "policy {text}: {problem}"
    remedy = "write NAME=VALUE with a name and value of the policy table, e.g. check.version_matches_header=warn"


class Settings(BaseSettings):
    """What the environment says."""

    model_config = SettingsConfigDict(env_prefix="HANOTA_", env_nested_delimiter="__", extra="ignore")

    policies: Policies = Policies()


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
