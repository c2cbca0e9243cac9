# Five commands: install, run, test, check, fix. The first of them on a fresh machine makes .venv.
# More for a command: make run ARGS='--port 0', make test ARGS='-k cursor', make bench ARGS=--json

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable
ARGS ?=

.PHONY: install run test check fix bench screenshots
.DEFAULT_GOAL := run

install: $(VENV)/.for-work

run: $(VENV)/.for-use
	@$(BIN)/formicary serve --demo --data-dir .data $(ARGS)

test: $(VENV)/.for-work
	$(BIN)/pytest $(ARGS)

check: $(VENV)/.for-work
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache
	$(BIN)/formicary schema | diff -u src/schema/schema.graphql -

fix: $(VENV)/.for-work
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/formicary schema > $(VENV)/schema.graphql && cp $(VENV)/schema.graphql src/schema/schema.graphql

bench: $(VENV)/.for-work
	$(BIN)/python -m tests.bench $(ARGS)

screenshots: $(VENV)/.for-work
	$(BIN)/python -m tests.web.screenshots

$(VENV)/.for-use: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@echo "Installing into $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) '.[server]'
	@touch $@

$(VENV)/.for-work: $(VENV)/.for-use
	@echo "Installing the tools for work on it …"
	@$(INSTALL) '.[dev]'
	@touch $@
