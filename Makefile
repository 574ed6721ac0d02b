# The two commands of the README, and those of CONTRIBUTING. Each works alone: it makes its virtual environment first.

PYTHON ?= python3
VENV ?= .venv
DATA ?= ../shared/data
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEV_READY := $(VENV)/.ready-dev

.PHONY: demo test test-all lint bench wheel clean

demo: $(READY)  ## six fictional papers, answered and explained
	$(BIN)/quoth demo

test: $(DEV_READY)  ## the tests: under three minutes, offline
	$(BIN)/pytest -n 2 -m "not slow"

test-all: $(DEV_READY)  ## everything, with a real PostgreSQL and Chromium where they can be installed
	sh .ci/postgres.sh
	sh .ci/chromium.sh
	$(BIN)/pytest -n 2

lint: $(DEV_READY)  ## style, types, and which room imports which
	$(BIN)/ruff check src tests training benchmarks examples
	$(BIN)/ruff format --check src tests training benchmarks examples
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV_READY)  ## every figure of docs/benchmarks.md; DATA names the folder with papers/ and gold/
	$(BIN)/python benchmarks/bench.py $(DATA)
	$(BIN)/python benchmarks/planted_quotes.py $(firstword $(wildcard $(DATA)/papers) src/quoth/demo/papers)
	$(BIN)/python benchmarks/quorum.py
	if [ -f $(DATA)/human_variables.csv ]; then $(BIN)/python benchmarks/replication.py $(DATA); fi
	if [ -d $(DATA)/gold ]; then $(BIN)/python training/fit_reader.py $(DATA) --measure; fi

wheel: $(DEV_READY)  ## build the wheel into dist/
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) dist build quoth-demo .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(READY): $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $(READY)

$(DEV_READY): $(READY)
	$(BIN)/python -m pip install --quiet --group dev
	$(BIN)/python -m pip install --quiet --no-deps --group reference
	@touch $(DEV_READY)
