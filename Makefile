# Everything lives in .venv, made with the standard library alone.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo up test test-slow test-all lint bench gate storm soak lock clean
.DEFAULT_GOAL := help

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: .venv/installed ## Replay real calls through the whole system and check the result
	$(BIN)/dispatch demo

up: .venv/installed ## Start everything on this machine, with embedded services
	$(BIN)/dispatch up

# Tests that start brokers and kill them run last, one at a time: beside others, a slow machine would look like a lost event.
test: .venv/installed ## Run the tests on two cores, without the slow ones (at most 12 minutes)
	$(BIN)/pytest -n 2 -m "not slow and not alone"
	$(BIN)/pytest -m "not slow and alone"

test-slow: .venv/installed ## Run the slow tests
	$(BIN)/pytest -n 2 -m "slow and not alone"
	$(BIN)/pytest -m "slow and alone"

test-all: .venv/installed ## Run all tests (at most 25 minutes)
	$(BIN)/pytest -n 2 -m "not alone"
	$(BIN)/pytest -m alone

lint: .venv/installed ## Check style, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/installed ## Measure speed and memory on this machine, and write docs/benchmarks.md
	$(BIN)/python -m tests.benchmarks

gate: .venv/installed ## Fail if a measure is worse than docs/benchmarks.json
	$(BIN)/python -m tests.benchmarks gate

storm: .venv/installed ## Inject one fault after another under load, on real Kafka, and check after each (half an hour)
	$(BIN)/python -m tests.storm

soak: .venv/installed ## Run thousands of random scripts, then measure the memory of all roles over an hour of load
	DISPATCH_RANDOM_RUNS=1500 $(BIN)/pytest -n 2 tests/random
	$(BIN)/python -m tests.benchmarks.soak --minutes 60

lock: ## Pin the newest dependencies that pyproject.toml allows
	@$(PYTHON) -m venv build/uv && build/uv/bin/pip install --quiet uv
	build/uv/bin/uv pip compile pyproject.toml --group dev --upgrade --generate-hashes --universal \
		--python-version 3.11 --no-emit-index-url --no-header --quiet -o requirements.lock

clean: ## Remove all generated files
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Renfort needs Python 3.11 or later: install it, or run make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Renfort needs Python's venv and pip: apt-get install python3-venv (Debian, Ubuntu)"; exit 1; }
	@echo "Setting up .venv (half a minute, once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
