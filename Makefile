# The two commands of a newcomer: `make demo` and `make test`. Both set everything up first.
#
#   make demo [DATA=folder]  the whole batch layer; simulated sky, or the real sets in DATA
#   make test                all tests
#   make check               ruff, mypy
#   make bench               the published figures, with DATA if there is one
#   make kafka               a broker on 127.0.0.1:9092, data in warehouse/kafka; make kafka-stop
#   make setup               only the set-up; [MAVEN_MIRROR=url] [JARS=folder] [KAFKA_JARS=folder]
#                            [S3=1] [RAPIDS=1]
#   make status              the state of the alert stream as a page: warehouse/stream.html
#   make chaos               the long form of the tests that kill the alert stream
#   make notebook            the quick start as a notebook, run and kept as HTML
#   make clean               removes what the above made
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
WAREHOUSE ?= warehouse
DATA ?=
export LAMBDASKY_JARS := $(abspath $(or $(JARS),.jars/spark))
export LAMBDASKY_KAFKA_JARS := $(abspath $(or $(KAFKA_JARS),.jars/kafka))

.PHONY: demo test check bench kafka kafka-stop status chaos notebook setup clean

demo: setup
	@deploy/demo.sh "$(WAREHOUSE)" "$(DATA)"

# Two at a time, file by file: Spark leaves cores idle while it plans and commits. In the order of the
# folders, the long ones first: by number of tests, the longest file would come last and alone.
test: setup
	@$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

check: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: setup
	@benchmarks/run.sh "$(WAREHOUSE)" "$(DATA)"

notebook: setup
	@PATH="$(abspath $(BIN)):$$PATH" python notebooks/run.py notebooks/quick_start.py \
		--set warehouse=$(WAREHOUSE)/quick_start --output $(WAREHOUSE)/quick_start.html

kafka: setup
	@deploy/kafka/start.sh --work-dir "$(WAREHOUSE)/kafka"

kafka-stop:
	@deploy/kafka/stop.sh --work-dir "$(WAREHOUSE)/kafka"

status: setup
	@$(BIN)/spark-submit jobs/stream_status.py --warehouse "$(WAREHOUSE)" \
		--output "$(WAREHOUSE)/stream.html"

chaos: setup
	@LAMBDASKY_CHAOS=long $(BIN)/pytest tests/chaos -o log_cli=true -o log_cli_level=INFO

setup:
	@PYTHON="$(PYTHON)" VENV="$(VENV)" MAVEN_MIRROR="$(MAVEN_MIRROR)" S3="$(S3)" \
		RAPIDS="$(RAPIDS)" deploy/setup.sh

clean:
	rm -rf $(VENV) .jars $(WAREHOUSE) build *.egg-info
