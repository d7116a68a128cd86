# Everything lives in .venv, made with the standard library alone.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo up test lint bench gate storm soak lock clean
.DEFAULT_GOAL := help

help: ## Show what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 8

demo: .venv/installed ## Replay real calls through the whole system and check the outcome
	$(BIN)/dispatch demo

up: .venv/installed ## Start everything on this machine, with embedded services
	$(BIN)/dispatch up

# Tests that start brokers and kill them go last and alone: beside others, slowness would look like a loss.
HEAVY := tests/kafka tests/stories/test_kills.py

test: .venv/installed ## Run all tests, on two cores
	$(BIN)/pytest -n 2 --dist loadgroup $(HEAVY:%=--ignore=%)
	$(BIN)/pytest $(HEAVY)

lint: .venv/installed ## Check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/installed ## Measure speed and size on this machine, and write docs/benchmarks.md
	$(BIN)/python -m tests.benchmarks

gate: .venv/installed ## Fail where something fell back against docs/benchmarks.json
	$(BIN)/python -m tests.benchmarks gate

storm: .venv/installed ## Break one thing after another under load, on real Kafka, and look after each (half an hour)
	$(BIN)/python -m tests.storm

soak: .venv/installed ## Play thousands of random scripts, then watch the memory of all roles over an hour of storm
	DISPATCH_RANDOM_RUNS=1500 $(BIN)/pytest -n 2 tests/random
	$(BIN)/python -m tests.benchmarks.soak --minutes 60

lock: ## Pin the newest dependencies that pyproject.toml allows
	@$(PYTHON) -m venv build/uv && build/uv/bin/pip install --quiet uv
	build/uv/bin/uv pip compile pyproject.toml --group dev --upgrade --generate-hashes --universal \
		--python-version 3.11 --no-emit-index-url --no-header --quiet -o requirements.lock

clean: ## Remove everything that was made
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Renfort needs Python 3.11 or later: install it, or say make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Renfort needs Python's venv and pip: apt-get install python3-venv (Debian, Ubuntu)"; exit 1; }
	@echo "Setting up .venv (half a minute, once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
