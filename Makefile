# make demo     the whole way on a simulated log, then the service on port 8000 (SERVE=0 stops before)
# make test     every check: formatting, lint, types, tests
# make test-system   what tests need from the operating system (Debian, as root)

PYTHON ?= python3
SERVE ?= 1
PORT ?= 8000
BIN := .venv/bin
# tests in parallel; each worker trains small models on its own
WORKERS ?= 2

.PHONY: demo test lint types tests test-system clean

demo: .venv/.train
	$(BIN)/clickthrough demo --port $(PORT) $(if $(filter 0,$(SERVE)),--no-serve,--serve)

test: lint types tests

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev
	$(BIN)/mypy

tests: .venv/.dev
	$(BIN)/pytest -n $(WORKERS) --dist loadfile

test-system:
	@echo "no test needs more than Python yet"

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv .venv

# torch is pinned: an unpinned one may bring gigabytes of GPU libraries
.venv/.train: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[train]'
	@touch $@

.venv/.dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ .venv/.train
