# Everything a newcomer needs: `make run` and `make test`. Both set up what they need first.
PORT ?= 8080
DATA_DIR ?= .data/demo
PYTHON ?= python3
# The tests wait more than they compute: for processes, databases and devices.
JOBS ?= 4

VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv pip
export UV_LINK_MODE ?= copy
# Compiled modules are kept, out of the source tree: without them each of the many processes compiles everything anew.
export PYTHONDONTWRITEBYTECODE :=
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/pycache

.DEFAULT_GOAL := help
.PHONY: help screenshots setup setup-test setup-bench assets run test en60839 lint format bench clean lock wheel

help:
	@echo "make run    set up and start Doorward with an example account (PORT=$(PORT) DATA_DIR=$(DATA_DIR))"
	@echo "make test   set up and run the whole test suite (JOBS=$(JOBS))"
	@echo "make lint   formatting, lint rules, types, import directions"
	@echo "make bench  side-by-side measurements; writes benchmarks/RESULTS.md"
	@echo "make screenshots  pictures of every page of the console, in build/screenshots"
	@echo "make setup  the set-up alone: $(VENV) with $(BIN)/doorward"
	@echo "make assets what the console's pages load, made of frontend/"
	@echo "make clean  remove everything the other targets made"

setup: $(VENV)/.runtime assets
setup-test: $(VENV)/.test node_modules/.installed $(VENV)/.browser $(VENV)/.mosquitto
setup-bench: $(VENV)/.bench

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Doorward needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "python3 cannot make a virtual environment: install the package python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/tools.lock

$(VENV)/.tools: requirements/tools.lock | $(BIN)/uv
	$(UV) install --quiet --python $(BIN)/python --require-hashes -r requirements/tools.lock
	@touch $@

# Node comes with the tools; whether anything is to be made, the sources' digest tells.
FRONTEND := $(shell find frontend -name node_modules -prune -o -type f -print)
ASSETS := src/doorward/console/static/manifest.json
assets: $(ASSETS)
$(ASSETS): hatch_build.py $(FRONTEND) $(VENV)/.tools
	$(BIN)/python hatch_build.py
	@touch $@

$(VENV)/.runtime: pyproject.toml requirements/runtime.lock $(VENV)/.tools | $(ASSETS)
	$(UV) install --quiet --python $(BIN)/python --require-hashes -r requirements/runtime.lock
	$(UV) install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: requirements/dev.lock $(VENV)/.runtime
	$(UV) install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.lock
	@touch $@

$(VENV)/.bench: requirements/bench.lock $(VENV)/.test
	$(UV) install --quiet --python $(BIN)/python --require-hashes -r requirements/bench.lock
	@touch $@

# The vendor's own client is our conformance peer; the tests that need it say so when Node is missing.
node_modules/.installed: package.json package-lock.json
	@if command -v npm >/dev/null; then npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; \
	else echo "npm was not found: install Node.js 18 or newer (Debian: apt-get install nodejs npm)" >&2; exit 1; fi
	@touch $@

# Some tests are done by a real browser.
$(VENV)/.browser: | $(BIN)/uv
	@if ! command -v chromium >/dev/null; then \
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	    echo "installing chromium"; \
	    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium; } \
	      >/dev/null || { echo "chromium could not be installed" >&2; exit 1; }; \
	  else echo "chromium was not found: install it (Debian: apt-get install chromium)" >&2; exit 1; fi; \
	fi
	@touch $@

# Boards behind an MQTT broker are tested with a real one. Tests start their own; Debian's service is neither used nor changed.
$(VENV)/.mosquitto: | $(BIN)/uv
	@if ! PATH="$$PATH:/usr/sbin:/usr/local/sbin" command -v mosquitto >/dev/null; then \
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	    echo "installing mosquitto"; \
	    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends mosquitto; } \
	      >/dev/null || { echo "mosquitto could not be installed" >&2; exit 1; }; \
	  else echo "mosquitto was not found: install it (Debian: apt-get install mosquitto)" >&2; exit 1; fi; \
	fi
	@touch $@

run: setup
	$(BIN)/doorward demo --port $(PORT) --data-dir $(DATA_DIR)

test: setup-test
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

# The page of what the tests show of EN 60839-11-1, written by the run itself.
en60839: setup-test
	$(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m en60839 --en60839=docs/reference/en60839.md tests

# Every page of the console, wide and on a phone, light and dark.
screenshots: setup-test
	$(BIN)/python -m tests.support.screenshots build/screenshots

lint: $(VENV)/.bench
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup-bench
	$(BIN)/python -m benchmarks

wheel: $(VENV)/.runtime
	$(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir dist .

# Neither `uv.lock` nor `pylock.toml` is kept: both record the index they were made from; these files do not.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
lock: | $(BIN)/uv
	$(LOCK) pyproject.toml --extra server --extra controller --output-file requirements/runtime.lock
	$(LOCK) pyproject.toml --extra controller --constraint requirements/runtime.lock --output-file requirements/controller.lock
	$(LOCK) pyproject.toml --extra server --extra controller --group dev --constraint requirements/runtime.lock --output-file requirements/dev.lock
	$(LOCK) pyproject.toml --extra server --extra controller --group bench --constraint requirements/dev.lock --output-file requirements/bench.lock
	$(LOCK) requirements/tools.in --output-file requirements/tools.lock

clean:
	rm -rf $(VENV) node_modules frontend/node_modules src/doorward/console/static dist build .data .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
