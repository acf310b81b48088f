# Everything happens in .venv, which this file makes from the hash-locked requirements. `make` alone lists the targets.

# The first Python of at least 3.11 that is found; override with `make PYTHON=/path/to/python demo`.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$python; break; fi; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
COVERAGE_REPORT := .coverage.json
ARGS ?=
# How many processes share the tests: one a core.
JOBS ?= auto

# Tests start hundreds of processes, each a third sooner where Python may keep what it compiled.
unexport PYTHONDONTWRITEBYTECODE

MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help demo up test bench lint format fuzz nightly tables lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  ARGS="…" is handed on, e.g. make demo ARGS="--loss 0.2"'

demo: $(VENV)/.runtime  ## one home, one signed request, one PPMID: followed until its new version is confirmed
	@$(BIN)/hanota demo $(ARGS)

up: $(VENV)/.runtime  ## gateway, REST, console and an emulated estate on this machine
	@$(BIN)/hanota up $(ARGS)

test: $(VENV)/.dev  ## all tests, and the coverage floors of the parts that must not be wrong
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --cov --cov-report=json:$(COVERAGE_REPORT) --coverage-gate=$(COVERAGE_REPORT) $(ARGS)

lint: $(VENV)/.dev  ## format, lint, types, import contracts
	@echo '- format'; $(BIN)/ruff format --check --quiet . || { echo 'run: make format'; exit 1; }
	@echo '- lint'; $(BIN)/ruff check --quiet .
	@echo '- types'; $(BIN)/mypy --no-error-summary && $(BIN)/mypy --no-error-summary tools/*.py \
		&& $(BIN)/mypy --no-error-summary packages/hanota-radio/src/hanota_radio
	@echo '- imports'; $(BIN)/lint-imports --no-logo > .lint-imports.txt || { cat .lint-imports.txt; exit 1; }

format: $(VENV)/.dev  ## put the code into the house's form
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --fix --quiet .

bench: $(VENV)/.dev  ## all measurements, a quarter of an hour, figures in var/bench; ARGS=--full: those that are promised
	@$(BIN)/python tools/measure.py $(ARGS)

fuzz: $(VENV)/.dev  ## half an hour against the parsers of DUIS, GBCS and images; HANOTA_FUZZ_S: seconds for each
	@HANOTA_FUZZ_S=$${HANOTA_FUZZ_S:-600} $(BIN)/python -m pytest -s tests/fuzz $(ARGS)

nightly: lint  ## the long run: many more examples and seeds, half an hour of fuzz, planted bugs, full figures
	@HANOTA_TEST_PROFILE=nightly HANOTA_FUZZ_S=600 $(MAKE) test ARGS='--ignore=tests/system/test_chaos.py'
	@HANOTA_TEST_PROFILE=nightly $(BIN)/python -m pytest -n0 -s tests/system/test_chaos.py
	@$(BIN)/hanota simulate --seeds 2000
	@$(BIN)/hanota simulate bugs --hunt
	@$(BIN)/hanota simulate cuts --full
	@$(MAKE) bench ARGS=--full

tables: $(VENV)/.dev  ## write the pages of docs/ that come from the code
	@$(BIN)/python tools/errors_table.py
	@$(BIN)/python tools/bugs_table.py

# Versions already pinned stay unless asked for: make lock ARGS=--upgrade
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --strip-extras \
	--custom-compile-command 'make lock' $(ARGS)
lock: $(VENV)/.lock  ## write the lock files anew from pyproject.toml
	@$(LOCK) requirements/lock.in -o requirements/lock.txt
	@$(LOCK) pyproject.toml requirements/build.in -o requirements/runtime.txt
	@$(LOCK) pyproject.toml requirements/build.in --extra dev -c requirements/runtime.txt -o requirements/dev.txt

clean:  ## forget caches, reports and .venv; var/, which holds your data, stays
	@rm -rf $(VENV) .cache .coverage* .hypothesis .import_linter_cache .lint-imports.txt .mypy_cache .pytest_cache \
		.ruff_cache build dist htmlcov src/*.egg-info packages/*/src/*.egg-info
	@find src tests tools packages -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'hanota needs Python 3.11 or newer and found none: install one, or say where it is:'; \
		echo '  make PYTHON=/path/to/python demo'; exit 1; }
	@echo "- making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(BIN)/python
	@echo '- installing what hanota needs (a minute or so, once)'
	@$(PIP) install --require-hashes -r requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo '- installing what the tests need'
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.lock: requirements/lock.txt | $(BIN)/python
	@$(PIP) install --require-hashes -r requirements/lock.txt
	@touch $@
