"""The import contracts of pyproject.toml hold; each is broken on purpose once, so that we know it bites."""

from copy import deepcopy
from typing import Any

import grimp
import importlinter.cli  # noqa: F401  (importing it is what configures the library)
import pytest
from importlinter.application import use_cases
from importlinter.domain.contract import registry

from helpers.source import PACKAGE, ROOT

OPTIONS = use_cases.read_user_options(str(ROOT / "pyproject.toml"))
use_cases._register_contract_types(OPTIONS)
CONTRACTS: dict[str, dict[str, Any]] = {contract["id"]: contract for contract in OPTIONS.contracts_options}

BREAKING = [
    ("layers", "hanota.base.eui", "hanota.model.profiles"),
    ("layers", "hanota.wire.layout", "hanota.model.profiles"),
    ("layers", "hanota.process.check", "hanota.edge.effects"),
    ("layers", "hanota.records.store", "hanota.wan.port"),
    ("layers", "hanota.app.desk", "hanota.faces.cli"),
    ("records", "hanota.edge.effects", "hanota.records.store"),
    ("stages", "hanota.process.check", "hanota.process.intake"),
    ("stages", "hanota.process.deliver", "hanota.records.store"),
    ("pure", "hanota.wire.zcl", "socket"),
    ("pure", "hanota.model.profiles", "time"),
    ("pure", "hanota.edge.hub", "random"),
    ("pure", "hanota.edge.devices", "asyncio"),
    ("pure", "hanota.process.schedule", "secrets"),
    ("wire-rows", "hanota.wire.duis", "polars"),
    ("sql", "hanota.edge.estate", "sqlalchemy"),
    ("sql", "hanota.app.desk", "sqlalchemy"),
    ("licence", "hanota.edge.han", "zigpy"),
]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("hanota", include_external_packages=True, cache_dir=None)


def kept(contract: dict[str, Any], graph: grimp.ImportGraph) -> bool:
    rule = registry.get_contract_class(contract["type"])(contract["name"], OPTIONS.session_options, contract)
    return rule.check(graph=graph, verbose=False).kept


@pytest.mark.parametrize("name", CONTRACTS)
def test_contract_is_kept(name: str, graph: grimp.ImportGraph) -> None:
    assert kept(CONTRACTS[name], deepcopy(graph)), "run `make lint` to see the chain of imports"


@pytest.mark.parametrize(("name", "importer", "imported"), BREAKING)
def test_contract_bites(name: str, importer: str, imported: str, graph: grimp.ImportGraph) -> None:
    world = deepcopy(graph)
    for module in (importer, imported):
        parts = module.split(".")
        for name_of_part in (".".join(parts[:depth]) for depth in range(1, len(parts) + 1)):
            if name_of_part not in world.modules:
                world.add_module(name_of_part, is_squashed=parts[0] != "hanota")
    world.add_import(importer=importer, imported=imported)
    assert not kept(CONTRACTS[name], world)


def test_every_part_of_the_tree_is_in_a_layer() -> None:
    layers = {part.strip(" ()") for row in CONTRACTS["layers"]["layers"] for part in row.split("|")}
    present = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    assert present <= layers
