# One environment in .venv, made once; every target below uses it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Tests side by side; each file's stay together, for what they share.
JOBS ?= 2

.PHONY: demo test test-long lint types bench bench-micro bench-smoke clean

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; name one with: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(STAMP)  ## solve instances/southwest-one, show the answer, write it to out/southwest-one
	$(BIN)/optimiser solve instances/southwest-one --out out/southwest-one

test: $(STAMP)  ## everything that runs in minutes
	$(BIN)/python -m pytest -m "not long" -n $(JOBS) --dist loadfile

test-long: $(STAMP)  ## what takes longer: the 500 random instances per solver and the like
	$(BIN)/python -m pytest -m long

lint: $(STAMP)
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy

bench: $(STAMP)  ## the pipe without any solver, at a million options
	$(BIN)/python -m benchmarks.pipe

bench-micro: $(STAMP)  ## what each stage costs on its own
	$(BIN)/python -m pytest tests/benchmarks/test_micro.py --benchmark-enable --benchmark-only

bench-smoke: $(STAMP)  ## a little of everything by every solver, in two minutes; fails on a wrong answer
	rm -f out/benchmarks/smoke.jsonl
	$(BIN)/python -m benchmarks run smoke --jobs 2

clean:
	rm -rf $(VENV) build dist out *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
