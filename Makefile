# `make` alone lists the targets. Everything that is installed goes into .venv, pinned by hash in requirements.lock.

PORT ?= 8000

# The newest suitable Python, preferably one that can make a virtual environment; looked for once, when needed.
PYTHON ?= $(eval PYTHON := $$(shell $(FIND_PYTHON)))$(PYTHON)
FIND_PYTHON = for needs in sys,venv,ensurepip sys; do \
	for python in python3.14 python3.13 python3.12 python3.11 python3; do \
		$$$$python -c "import $$$$needs; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && echo $$$$python && exit; \
	done; done

VENV := .venv/bin
UV := $(VENV)/python -m uv pip
PIP := $(VENV)/python -m pip install --disable-pip-version-check --no-user --require-hashes

PYTEST := $(VENV)/python -m pytest -n auto --maxprocesses 4
# The core is covered whole, with its branches, by its own tests; of the shell nothing is asked.
CORE := app tests/scales tests/trajectories tests/reports tests/texts tests/charts
COVERED := $(PYTEST) --cov --cov-report= $(CORE)
CORE_COVERAGE := $(VENV)/python -m coverage report --fail-under=100 \
	--include='app/scales/*,app/trajectories/*,app/reports/*,app/texts/*,app/charts/*,app/errors.py'

.PHONY: help setup run test check lint bench evidence model-card lock
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

setup: .venv/ready ## prepare .venv with the project and its tools; starts nothing

run: setup ## start the service with demonstration data, on PORT (8000)
	@exec $(VENV)/spor run --port $(PORT)

test: lint ## run all the checks and all the tests, on a real PostgreSQL
	$(COVERED)
	$(CORE_COVERAGE)
	$(PYTEST) tests $(addprefix --ignore=,$(filter tests/%,$(CORE)))

check: lint ## run the checks alone: lint, the rules of the design, the interface's description, the core
	$(COVERED)
	$(CORE_COVERAGE)
	$(PYTEST) tests/test_rules.py tests/api/test_openapi.py

lint: setup ## run the checks that run nothing: lint, format, types, layers, spelling, dependencies
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/lint-imports
	$(VENV)/codespell
	$(VENV)/deptry .
	$(VENV)/hadolint Dockerfile
	$(VENV)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml

# WORK (one part), ROUNDS and SECONDS make a quick look, which writes nothing.
bench: setup ## measure beside the references, with wrk; writes benchmarks/README.md and results.json
	@$(VENV)/python -m benchmarks $(if $(WORK),--work $(WORK)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SECONDS),--seconds $(SECONDS))

evidence: setup ## run the long checks, or one (CHECK=memory), and keep what they show in docs/evidence.md
	$(VENV)/python -m tests.evidence $(CHECK)

model-card: setup ## measure the engine's targets; writes docs/model-card.md and its pictures
	$(VENV)/python -m tests.evidence.model_card

COMPILE = $(UV) compile --quiet --system-certs --universal --python-version 3.11 --generate-hashes --no-header

lock: setup ## write both locks anew from pyproject.toml; versions that still fit stay
	$(COMPILE) --extra embedded --group dev --output-file requirements.lock pyproject.toml
	$(COMPILE) --no-annotate --constraint requirements.lock --output-file requirements-runtime.lock pyproject.toml

# A set-up that was cut short has no `ready`, and is begun anew from an empty .venv. uv knows nothing of pip's
# settings (a company's mirror, say), so where it fails pip is tried, with the same lock.
.venv/ready: requirements.lock pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'Spor needs Python 3.11 or newer: install it, or name it, as in make PYTHON=/path/to/python3.' >&2; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { \
		echo 'This Python cannot make a virtual environment: install the package python3-venv.' >&2; exit 1; }
	@echo 'Preparing .venv: the first time takes about 15 seconds.'
	@if test -e $@ && $(VENV)/python -c ''; then rm $@; else "$(PYTHON)" -m venv --clear .venv; fi
	@awk '/^[^ ]/ { wanted = /^uv==/ } wanted' requirements.lock > .venv/uv.txt
	@$(PIP) --quiet --requirement .venv/uv.txt
	@$(UV) sync --quiet --system-certs --require-hashes --python $(VENV)/python requirements.lock || { \
		echo 'uv could not install the packages: trying pip.' >&2; $(PIP) --requirement requirements.lock; }
	@$(UV) install --quiet --no-deps --no-build-isolation --python $(VENV)/python --editable .
	@touch $@
