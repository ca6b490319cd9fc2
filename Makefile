# Needs Debian's python3, python3-venv and make; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --no-cache-dir -q install
COMPILE := $(VENV)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml

.PHONY: demo test test-cluster chaos lint bench bench-live bench-cluster lock clean

demo: $(VENV)/.runtime ## all of Berth on this machine; Ctrl-C ends it
	@exec $(VENV)/bin/berth demo --parent $$PPID

test: $(VENV)/.dev ## every test
	@$(VENV)/bin/python -m pytest -n auto

test-cluster: $(VENV)/.dev ## the tests that a cluster is needed for, on a real one: KUBECONFIG's, or one that is started for them
	@$(VENV)/bin/python -m tests.machine.choose $(VENV)/bin/python -m pytest -n 2 --dist loadfile -o faulthandler_timeout=600 tests/cluster tests/crashes

chaos: $(VENV)/.dev ## ten minutes in which everything is killed at random; CHAOS="--seed 7 --minutes 2" chooses
	@$(VENV)/bin/python -m tests.chaos $(CHAOS)

lint: $(VENV)/.dev ## style and types
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy .

bench: $(VENV)/.dev ## ratios, measured in one run
	@$(VENV)/bin/python -m tests.bench

bench-live: $(VENV)/.dev ## live logs, beside floors in the same run
	@$(VENV)/bin/python -m tests.bench.live

bench-cluster: $(VENV)/.dev ## what Berth adds to kubectl, and 500 instances: on a real Kubernetes
	@BERTH_TEST_LOG_SIZE=100Mi $(VENV)/bin/python -m tests.machine.choose $(VENV)/bin/python -m tests.bench.cluster

lock: $(VENV)/.dev ## newest versions that pyproject.toml allows
	@$(COMPILE) --upgrade --group build --extra embedded -o requirements.lock
	@$(COMPILE) --upgrade --group build --extra embedded --extra dev -c requirements.lock -o requirements-dev.lock

clean: ## forget the virtual environment and the demo's data
	rm -rf $(VENV) var build dist .mypy_cache .ruff_cache .pytest_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Berth needs Python 3.11 or newer; name it: make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "Python's venv module is missing: apt install python3-venv" >&2; exit 1; }

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing what Berth needs into $(VENV) ..."
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@echo "Installing what the tests need into $(VENV) ..."
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@
