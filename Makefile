# What people and CI call. Everything is installed into .venv, once.
PYTHON ?= python3
BIN = .venv/bin
INSTALLED = .venv/.installed

.PHONY: install study test lint bench

install: $(INSTALLED)

# torch comes first and pinned: any other version would be a download of several gigabytes
$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train,parquet,dev]'
	touch $@

# A whole study on two cores: warm starts, runs, report. Stopped, it goes on where it was.
study: $(INSTALLED)
	$(BIN)/lessonplan study quick -o runs/quick

test: $(INSTALLED)
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# those that write shipped tables anew are run by hand
TABLES = benchmarks/guess_rates.py benchmarks/reasoning_gym_table.py
bench: $(INSTALLED)
	for file in $(filter-out $(TABLES), $(wildcard benchmarks/*.py)); do \
		echo "== $$file"; $(BIN)/python $$file || exit 1; \
	done
