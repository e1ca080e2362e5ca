# The few commands of this project; `make` alone lists them.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

SEEDS := 1000

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-containers simulate lint format perf-core perf-memory perf-hop perf-rebalance perf-ceiling perf perf-smoke schemas lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## virtual environment, Kafka, models and corpus: later starts need no network
	@$(BIN)/alto setup

demo: $(STAMP) ## start everything, ask three questions, stop everything
	@$(BIN)/alto demo

test: setup ## run the tests, two files at a time
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-containers: $(STAMP) ## bring docker-compose.yml up and test it, where a Docker engine answers
	$(BIN)/python -m pytest -m containers -rs tests/containers

simulate: $(STAMP) ## a thousand simulated histories of every example: make simulate SEEDS=100000 for more
	$(BIN)/alto simulate --seeds $(SEEDS) tests.simulation.scripted tests.simulation.scripted:deadlines \
		$(addprefix examples.pipelines.,rag best_of_n peers writer three_streams multi_hop)

lint: $(STAMP) ## ruff and mypy
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(STAMP) ## let ruff format and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

perf-core: $(STAMP) ## what the core spends on one record, into perf/results/core.json: 10 seconds
	$(BIN)/python -m perf.core

perf-memory: $(STAMP) ## a million questions in one process, into perf/results/memory.json: half an hour
	$(BIN)/python -m perf.memory

perf-hop: $(STAMP) ## one hop beside plain Faust and bare librdkafka, into perf/results/hop.json: 8 minutes
	$(BIN)/python -m perf.hop

perf-rebalance: $(STAMP) ## a change of the group under each protocol, into perf/results/rebalance.json: 7 minutes
	$(BIN)/python -m perf.rebalance

perf-ceiling: $(STAMP) ## the orchestrator's own ceiling beside plain Faust's, into perf/results/ceiling.json: 15 minutes
	$(BIN)/python -m perf.ceiling

perf: $(STAMP) ## what streaming is worth, measured, into perf/results: three hours. QUESTIONS=FILE.jsonl.gz asks others
	$(BIN)/python -m perf.figure3 $(if $(QUESTIONS),--questions $(QUESTIONS))
	$(BIN)/python -m perf.table1 $(if $(QUESTIONS),--questions $(QUESTIONS))
	$(BIN)/python -m perf.critical_path $(if $(QUESTIONS),--file $(QUESTIONS))
	$(BIN)/python -m perf.trace.overhead
	$(BIN)/python -m perf.ceiling $(if $(QUESTIONS),--file $(QUESTIONS))

perf-smoke: $(STAMP) ## the benchmarks of what streaming is worth small, to see that they work
	$(BIN)/python -m pytest -n 2 --dist loadfile -m perf tests/perf

schemas: $(STAMP) ## generate the Python code of the .proto files
	$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. schemas/*.proto examples/pipelines/*.proto perf/peers/*/*.proto

lock: $(STAMP) ## resolve pyproject.toml into requirements.lock, and the images' share of it
	$(BIN)/uv pip compile --quiet --python-version 3.11 --extra dev --universal --generate-hashes \
		--custom-compile-command "make lock" --output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --python-version 3.11 --extra tracing --universal --generate-hashes --no-annotate \
		--constraint requirements.lock --custom-compile-command "make lock" \
		--output-file ops/images/requirements.lock pyproject.toml

clean: ## remove the virtual environment and what tools left; running stacks and downloads stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: no Python found. Mend: install Python 3.11 or later, or make PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is `"$(PYTHON)" -V 2>&1`, but 3.11 or later is needed. Mend: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "error: $(PYTHON) has no venv module. Mend: install it (on Debian: apt install python3-venv)" >&2; exit 1; }
	@echo "Setting up $(VENV) ..."
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
