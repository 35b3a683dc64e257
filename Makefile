# The only list of developer commands: make help.
# One environment, .venv, serves them all: `make demo` puts the small core in it (no torch, seconds),
# the others add what tests and lint need. Stamp files make a second call instant.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# What make train and make pack-run take.
EXPERIMENT ?= renet-lite
MINUTES    ?= 60
RUN        ?= runs/$(EXPERIMENT)
PACK       ?= pack

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-slow lint types format docs bench faults results train pack-run clean check-python check-compiler check-data check-training-data

help: ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.stamp-demo ## enhance a recording that ships here and draw it before and after (no torch)
	@$(BIN)/python examples/demo.py

test: $(VENV)/.stamp-dev ## run the tests that take seconds
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

test-slow: $(VENV)/.stamp-dev ## run the tests that take minutes (fresh environments, trainings)
	$(BIN)/python -m pytest -m slow

lint: types ## check style, format, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo --no-cache

types: $(VENV)/.stamp-dev ## check types alone
	$(BIN)/mypy

format: $(VENV)/.stamp-dev ## bring the code into the house format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.stamp-dev ## draw and write the pages of docs that are made from the code
	$(BIN)/python docs/make_architecture.py

bench: $(VENV)/.stamp-dev ## measure speed, memory and size; writes docs/benchmarks*.md
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/files.py
	$(BIN)/python benchmarks/published.py
	$(BIN)/python benchmarks/evaluation.py
	$(BIN)/python benchmarks/training.py

faults: $(VENV)/.stamp-dev ## send thousands of damaged and odd files through; writes docs/robustness.md
	$(BIN)/python tests/faults/table.py

results: check-data $(VENV)/.stamp-dev ## score the models that ship on a data folder: make results DATA=FOLDER
	$(BIN)/python benchmarks/results.py "$(DATA)"

# One niced run after another goes on in the same folder until its minutes are spent. Threads that wait spin for a
# moment and then sleep (libgomp): sleeping at once costs a third of the pace, and spinning on stalls beside other work.
train: check-training-data $(VENV)/.stamp-dev ## train an experiment on a data folder: make train DATA=FOLDER [EXPERIMENT=renet-lite] [MINUTES=60] [RUN=runs/renet-lite]
	GOMP_SPINCOUNT=20000 nice -n 19 $(BIN)/rephase train $(EXPERIMENT) --data "$(DATA)" --run "$(RUN)" --minutes $(MINUTES) $(if $(wildcard $(RUN)/checkpoints/last.ckpt),--resume)

pack-run: check-training-data $(VENV)/.stamp-dev ## pack a run for a GPU machine without internet: make pack-run DATA=FOLDER [EXPERIMENT=renet-lite] [MINUTES=60] [PACK=pack]
	$(BIN)/python scripts/pack_run.py $(EXPERIMENT) --data "$(DATA)" --minutes $(MINUTES) --to "$(PACK)"

clean: ## remove caches, builds and the demo's output (keeps .venv)
	rm -rf build dist examples/output .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find src tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------- the environment
check-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "$(PYTHON) is missing or older than 3.11: install Python 3.11 or newer, or name one: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) has no venv module: install it (Debian: apt install python3-venv) and try again" >&2; exit 2; }

check-data:
	@test -n "$(DATA)" || { echo "DATA is missing: make results DATA=FOLDER, where FOLDER holds eval/eval.csv" >&2; exit 2; }
	@test -f "$(DATA)/eval/eval.csv" || { echo "no eval/eval.csv in $(DATA): name the data folder: make results DATA=FOLDER" >&2; exit 2; }

check-training-data:
	@test -n "$(DATA)" || { echo "DATA is missing: make train DATA=FOLDER, where FOLDER holds what the experiment hears, such as speech.csv and noise.csv" >&2; exit 2; }
	@test -d "$(DATA)" || { echo "no folder $(DATA): name the data folder: make train DATA=FOLDER" >&2; exit 2; }

# The metric PESQ is C code that pip compiles.
check-compiler:
	@command -v $(CC) >/dev/null || { \
	  echo "make test needs a C compiler, to build one metric (pesq): Debian: apt install build-essential python3-dev; macOS: xcode-select --install" >&2; exit 2; }
	@$(PYTHON) -c 'import pathlib, sys, sysconfig; sys.exit(not pathlib.Path(sysconfig.get_path("include"), "Python.h").exists())' || { \
	  echo "make test needs the headers of $(PYTHON), to build one metric (pesq): Debian: apt install python3-dev" >&2; exit 2; }

$(BIN)/python:
	@$(MAKE) --no-print-directory check-python
	$(PYTHON) -m venv $(VENV)

$(VENV)/.stamp-demo: pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[plot]'
	@touch $@

$(VENV)/.stamp-dev: pyproject.toml constraints.txt | $(BIN)/python
	@$(MAKE) --no-print-directory check-compiler
	$(PIP) --editable '.[dev]' --constraint constraints.txt
	@touch $@ $(VENV)/.stamp-demo
