# Each target only wraps what you would type by hand; README.md shows the same commands without make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test lint clean

demo: $(INSTALLED)  ## the fibers of ten real digits, as one page: runs/demo/report.html
	$(BIN)/fiberscope demo --out runs/demo --force

test: $(INSTALLED)  ## every claim this project makes
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(INSTALLED)  ## style, types, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) runs .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $(INSTALLED)
