# Everything starts here: `make demo`, `make chat`, `make test`. Needs python3, pip and make; installs the rest into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MEMBERS := $(patsubst %/pyproject.toml,%,$(wildcard core/pyproject.toml plugins/*/pyproject.toml providers/*/pyproject.toml))
SOURCES := $(addsuffix /src,$(MEMBERS))
STAMP := $(VENV)/.installed
UV := UV_FIND_LINKS="$${UV_FIND_LINKS:-$$PIP_FIND_LINKS}" $(BIN)/uv

.DEFAULT_GOAL := help
.PHONY: help install demo chat test lint types tests fuzz bench format clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(STAMP)  ## Install every member and the development tools into .venv

# Byte code is compiled here because some environments switch writing it off, and then every process would pay.
$(STAMP): pyproject.toml constraints.txt $(addsuffix /pyproject.toml,$(MEMBERS))
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	$(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt --group dev $(addprefix --editable ,$(MEMBERS))
	$(BIN)/python -m compileall -q -x 'lib2to3|/tests/' $(VENV)/lib $(SOURCES) || true
	touch $(STAMP)

demo: install  ## Watch guarded answers stream, without a key or a network
	@$(BIN)/python docs/examples/demo.py

chat: install  ## Chat with the quickstart configuration
	@$(BIN)/handrail chat docs/examples/quickstart --streaming

test: lint types tests  ## Run ruff, mypy --strict and every test

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy $(SOURCES)

tests: install
	$(BIN)/pytest -q -n 2

bench: install  ## Measure, and print tables
	$(BIN)/python tests/bench/startup.py

format: install  ## Let ruff format and mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove what make has made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
