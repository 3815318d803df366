# `make help` lists the targets.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# More of them than cores would make the tests of slow answers wait too long.
WORKERS ?= 2
MINUTES ?= 60
# Of `make crash`, over both engines: 500 take about twenty minutes.
KILLS ?= 100
# How many histories `make simulate` plays.
SEEDS ?= 1000
SUDO   := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: help setup machine test check lint unit demo demo-processes bench simulate reconcile-proof weekend crash fuzz mutants format clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP) ## make the virtual environment

machine: ## install what the tests want of a Debian machine: a MariaDB server; without it its tests are skipped
	@command -v mariadbd >/dev/null || { $(SUDO) apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends mariadb-server >/dev/null; }

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

check: $(STAMP) ## format, lint, types, layers, unit tests; under a minute
	@SYNCGATE_TEST_EXAMPLES=few $(MAKE) --no-print-directory -j2 lint unit

test: $(STAMP) lint ## all tests, on SQLite and on a real PostgreSQL
	$(BIN)/python -m pytest tests -n $(WORKERS) --dist worksteal

lint: $(STAMP) ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(STAMP) ## unit tests
	$(BIN)/python -m pytest tests/unit -n 2 --dist worksteal

demo: $(STAMP) ## play the example city against hostile systems, then read every system and compare
	$(BIN)/python -m syncgate --site . demo

demo-processes: $(STAMP) ## the same with the gate as five processes on PostgreSQL, its workers killed all the while
	$(BIN)/python -m syncgate --site . demo --processes

bench: $(STAMP) ## measure the gate beside Celery with Redis; what the systems hold is compared with what was accepted
	@command -v redis-server >/dev/null || { $(SUDO) apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends redis-server >/dev/null; }
	$(BIN)/python -m tests.bench

simulate: $(STAMP) ## play SEEDS histories of the whole engine in virtual time, each with its own faults; tell what broke
	$(BIN)/python -m tests.simulation --seeds $(SEEDS)

weekend: $(STAMP) ## 20,000 cases while a system is away for 62 hours, in virtual time: parked, told, order, drain
	$(BIN)/python -m tests.weekend

reconcile-proof: $(STAMP) ## plant differences at the systems of a large city, have them found and mended; takes a while
	$(BIN)/python -m tests.reconcile_proof

crash: $(STAMP) ## kill real gates under load on SQLite and PostgreSQL, cut their networks, then read every system
	$(BIN)/python -m tests.crash --kills $(KILLS)

fuzz: $(STAMP) ## hostile input for every parser, MINUTES=60 of it; what is found is kept and tried ever after
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES)

mutants: $(STAMP) ## break each promise on purpose, and show which test notices
	$(BIN)/python -m tests.mutants

format: $(STAMP) ## format the code and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what the targets made
	rm -rf $(VENV) .bench .demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
