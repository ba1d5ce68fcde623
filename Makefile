# What people and CI call. Everything is installed into .venv, once.
PYTHON ?= python3
BIN = .venv/bin
INSTALLED = .venv/.installed

.PHONY: install study test verl-test verifiers-test lint bench

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

# verl needs other transformers than TRL, so it has an environment of its own; older ones lie beside it
VERL = .venv-verl

$(VERL)/.installed: pyproject.toml constraints-verl.txt
	test -x $(VERL)/bin/python || $(PYTHON) -m venv $(VERL)
	$(VERL)/bin/python -m pip install --quiet torch==2.13.0
	$(VERL)/bin/python -m pip install --quiet --no-deps verl==0.9.1 --requirement constraints-verl.txt
	$(VERL)/bin/python -m pip install --quiet --no-deps --editable .
	for old in 0.7.1 0.8.0; do \
		$(VERL)/bin/python -m pip install --quiet --no-deps --upgrade --target $(VERL)/verl-$$old verl==$$old || exit 1; \
	done
	touch $@

verl-test: $(VERL)/.installed
	VERL_080=$(VERL)/verl-0.8.0 $(VERL)/bin/python -m pytest -q tests/verl
	PYTHONPATH=$(VERL)/verl-0.7.1 $(VERL)/bin/python -m pytest -q tests/verl

# the real verifiers brings some ninety packages: an environment of its own for each version
VERIFIERS_VERSION ?= 0.4.0
VERIFIERS = .venv-verifiers-$(VERIFIERS_VERSION)
verifiers-test:
	test -x $(VERIFIERS)/bin/python || $(PYTHON) -m venv $(VERIFIERS)
	$(VERIFIERS)/bin/python -m pip install --quiet 'verifiers==$(VERIFIERS_VERSION)' datasets hatchling pytest pytest-timeout hypothesis --editable .
	$(VERIFIERS)/bin/python -m pytest -q tests/generators/test_verifiers_out.py tests/generators/test_verifiers_tasks.py

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
