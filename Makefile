# Each target works as the first command in a fresh clone: it needs Python 3.11 or newer, make and a package index.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.installed-runtime
DEV_STAMP := $(VENV)/.installed-development
DOCS_STAMP := $(VENV)/.installed-docs
PACKAGES := certs connector_sim maco_client maco_http maco_lab maco_net maco_wire mailserver_sim
CODE := $(PACKAGES) tests benchmarks examples
PYTEST_ARGS ?=
# Test processes: more than two cores' worth, since many tests wait for a peer or a process.
WORKERS ?= 3
# Each begins with a run of whole modules, which share what their tests need, and at the end takes from the others' rest.
SHARE := --dist worksteal
QUICK ?=

define LOOKS
$(BIN)/ruff format --check $(CODE)
$(BIN)/ruff check $(CODE)
$(BIN)/lint-imports
endef

# A lab is several processes, and tests start hundreds: where Python may not keep what it compiled, each of them compiles
# the whole project again, and pytest rewrites every test module in every worker.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: up down demo test test-real lint check bench bench-mail bench-maco docs clean help
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(RUN_STAMP) ## Run the whole landscape in the foreground; Ctrl-C ends it
	@$(BIN)/maco-lab up

down: ## End a landscape that runs in the background
	@if [ -x $(BIN)/maco-lab ]; then $(BIN)/maco-lab down; else echo "nothing is installed, so nothing runs"; fi

demo: $(RUN_STAMP) ## Fetch a mail both ways and show where TLS ended
	@$(BIN)/maco-lab demo

test: $(DEV_STAMP) ## Run all tests that need only Python, fast and slow
	$(BIN)/pytest -m "not real" -n $(WORKERS) $(SHARE) $(PYTEST_ARGS)

test-real: $(DEV_STAMP) ## Run the tests with real programs; those that are not installed are skipped and named
	$(BIN)/pytest -m "real" -n $(WORKERS) --dist loadgroup $(PYTEST_ARGS)

lint: $(DEV_STAMP) ## Format, lint, types and import contracts
	$(LOOKS)
	$(BIN)/mypy

check: $(DEV_STAMP) ## The same and the fast tests: what to run before a commit
	$(LOOKS)
	@# The tests leave mypy enough of the processor: it runs beside them, and answers below them.
	@$(BIN)/mypy >$(VENV)/types 2>&1 & types=$$!; \
	$(BIN)/pytest -q -m "not slow and not real" -n $(WORKERS) $(SHARE) $(PYTEST_ARGS); tests=$$?; \
	wait $$types; types=$$?; echo "mypy:"; cat $(VENV)/types; exit $$((tests + types))

bench: $(DEV_STAMP) ## Measure the relay beside its peers, start, imports, plugin, mappings, administration; QUICK=1 takes three minutes
	$(BIN)/python -m benchmarks.relay $(if $(QUICK),--quick,--page docs/performance.md)
	$(BIN)/python -m benchmarks.start $(if $(QUICK),--runs 1)
	$(BIN)/python -m benchmarks.plugin $(if $(QUICK),--runs 1)
	$(BIN)/python -m benchmarks.mappings
	$(BIN)/python -m benchmarks.taps $(if $(QUICK),--pairs 50,--page docs/performance.md)
	$(BIN)/python -m benchmarks.administration $(if $(QUICK),,--page docs/performance.md)

bench-mail: $(DEV_STAMP) ## Measure the mail server beside Dovecot; QUICK=1 takes two minutes
	$(BIN)/python -m benchmarks.mailserver $(if $(QUICK),--quick,--page docs/performance.md)

bench-maco: $(DEV_STAMP) ## Measure MaCo beside mbsync, both through the lab from Dovecot; QUICK=1 takes a minute
	$(BIN)/python -m benchmarks.fetching $(if $(QUICK),--quick,--page docs/performance.md)

docs: $(DOCS_STAMP) ## Build the documentation into docs/_build
	$(BIN)/sphinx-build -W -q docs docs/_build/html

clean: ## Remove the virtual environment and everything that was built or kept
	rm -rf $(VENV) .maco-lab build dist docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or newer is needed, and none was found (set PYTHON=/path/to/python)"; exit 1; fi
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: install its venv package (Debian, Ubuntu: apt install python3-venv)"; \
		exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements/runtime.txt pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "installing into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEV_STAMP): requirements/development.txt $(RUN_STAMP)
	@echo "installing what tests and checks need into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/development.txt
	@touch $@

$(DOCS_STAMP): requirements/docs.txt $(DEV_STAMP)
	@echo "installing what the documentation needs into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/docs.txt
	@touch $@
