# Each target only wraps what you would type by hand; README.md shows the same commands without make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEV_INSTALLED := $(VENV)/.installed-dev
FACES_INSTALLED := $(VENV)/.installed-faces
LOWEST := .venv-lowest
LOWEST_PYTHON ?= python3.11
LOWEST_INSTALLED := $(LOWEST)/.installed
# What reaches into every package that has a bound, in a few minutes.
LOWEST_TESTS := tests/test_building.py tests/data tests/gallery tests/report/test_page.py tests/cli/test_help.py \
  tests/cli/test_terminal.py tests/models/test_doors.py tests/models/test_hugging_face.py tests/models/test_onnx.py \
  tests/survey/test_records.py tests/survey/test_live.py tests/explorer/test_server.py
BENCH := .venv-bench
BENCH_INSTALLED := $(BENCH)/.installed

.PHONY: demo demo-faces explore test test-slow lint lowest bench clean

demo: $(INSTALLED)  ## the fibers of ten real digits, as one page: runs/demo/report.html
	$(BIN)/fiberscope demo --out runs/demo --force

demo-faces: $(FACES_INSTALLED)  ## what a face embedding ignores, eight people as one page: runs/faces/report.html; fetches 15 MB once
	$(BIN)/fiberscope data fetch faces
	$(BIN)/fiberscope models fetch face-embedding
	$(BIN)/fiberscope faces --quick --out runs/faces --force

explore: $(INSTALLED)  ## the same live: drag, morph and paint in your browser
	$(BIN)/fiberscope explore

test: $(DEV_INSTALLED)  ## every claim this project makes, but for those that take minutes
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m 'not slow'

test-slow: $(DEV_INSTALLED)  ## the others: clusters, long kills, whole pages
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m slow

lint: $(DEV_INSTALLED)  ## style, types, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lowest: $(LOWEST_INSTALLED)  ## the quick tests with the lowest versions that pyproject.toml allows; torch is the pinned one
	$(LOWEST)/bin/python -m pytest -n 2 --dist loadfile -m 'not slow' -W ignore::DeprecationWarning -W ignore::FutureWarning $(LOWEST_TESTS)

bench: $(BENCH_INSTALLED)  ## how fast it is beside its peers, half an hour on two free cores; QUICK=1 for a few minutes of it, into runs/speed
	$(BENCH)/bin/python -m benchmarks.speed $(if $(QUICK),--quick)

clean:
	rm -rf $(VENV) $(BENCH) $(LOWEST) runs .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[explore,survey]'
	touch $(INSTALLED)

$(FACES_INSTALLED): $(INSTALLED)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[onnx]'
	touch $(FACES_INSTALLED)

$(DEV_INSTALLED): $(INSTALLED)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(DEV_INSTALLED)

$(LOWEST_INSTALLED): pyproject.toml constraints.txt .ci/lower_bounds.py
	$(LOWEST_PYTHON) -m venv $(LOWEST)
	$(LOWEST_PYTHON) .ci/lower_bounds.py > $(LOWEST)/lowest.txt
	$(LOWEST)/bin/pip install --quiet --disable-pip-version-check --only-binary :all: --constraint $(LOWEST)/lowest.txt --editable '.[dev]'
	touch $(LOWEST_INSTALLED)

$(BENCH_INSTALLED): pyproject.toml constraints.txt benchmarks/requirements.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt --requirement benchmarks/requirements.txt --editable .
	touch $(BENCH_INSTALLED)
