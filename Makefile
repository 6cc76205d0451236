# make prints this help; every target works on a fresh machine with Python >= 3.11, make and the package index.
.DEFAULT_GOAL := help
.PHONY: help setup demo test chaos check serve lock clean
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready
PACKAGES := api catalog checkers contracts engine jobs tools

help: ## show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: $(STAMP) ## make .venv with everything pinned in requirements.lock

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	$(BIN)/python -m compileall -q $(PACKAGES)
	@touch $@

demo: setup ## run the whole chain on a simulated estate of three clouds
	$(BIN)/finops demo

test: setup ## run the tests
	$(BIN)/python -m pytest

chaos: setup ## kill, race and cut for half an hour; FINOPS_CHAOS_SEED=n repeats a round
	FINOPS_CHAOS_ROUNDS=full FINOPS_CHAOS_SEED=$${FINOPS_CHAOS_SEED:-$$(date +%s)} $(BIN)/python -m pytest tests/chaos --numprocesses 0

check: setup ## formatting, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(PACKAGES)
	$(BIN)/lint-imports

serve: setup ## serve the demo's release on http://127.0.0.1:8000
	$(BIN)/finops serve --config .demo/finops.toml

lock: setup ## pin the dependencies again
	$(BIN)/uv pip compile --quiet pyproject.toml --group dev --universal --no-emit-index-url --generate-hashes --no-annotate --no-header --output-file requirements.lock

clean: ## remove what the targets made
	rm -rf .venv .demo .stress .finops
