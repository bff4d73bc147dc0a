# Two commands: `make ask Q="..."` and `make test`. Each does all the set-up that it needs, once.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(firstword $(foreach name,python3.13 python3.12 python3.11 python3 python,$(shell $(name) -c 'import sys; sys.version_info[:2] in [(3, 11), (3, 12), (3, 13)] and print("$(name)")' 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
export MUTDA_DATA_DIR ?= $(CURDIR)/.mutda
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUTF8 := 1
# As it was typed: "$100" in a question is a price.
override Q := $(value Q)
export Q

.PHONY: help indexed ask chat studio set-up test servers gate record lint lock clean

help:
	@echo 'make ask Q="연차 휴가는 며칠인가요?"   set up once, then ask the sample documents'
	@echo 'make chat                              the same, as a conversation'
	@echo 'make studio                            serve the graph to LangGraph Studio'
	@echo 'make test                              set up once, then run all tests'
	@echo 'make set-up                            what the tests need, without running them'
	@echo 'make servers                           build a real Ollama for the tests, where none is on PATH and Go is'
	@echo 'make gate                              measure again what has a baseline, and compare'
	@echo 'make record                            record the model'"'"'s replies again, after a prompt changed'
	@echo 'make lint | lock | clean               check style and types | renew the locks | remove what make made'

ask: indexed
	@$(BIN)/mutda ask "$$Q"

chat: indexed
	@$(BIN)/mutda chat

studio: indexed
	LANGGRAPH_CLI_NO_ANALYTICS=1 $(BIN)/langgraph dev --no-reload --n-jobs-per-worker 10

set-up: $(VENV)/.test $(VENV)/.weights $(VENV)/.st

test: set-up servers
	$(BIN)/python -m pytest

# Says in one line what is missing, and then the tests against a real server are skipped.
servers:
	@servers/ollama/build .servers

gate: $(VENV)/.core $(VENV)/.weights
	$(BIN)/python -m evals.gate --model embedded:

record: $(VENV)/.core $(VENV)/.weights
	$(BIN)/python -m evals.recording

lint: $(VENV)/.test
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo 'Mutda needs Python 3.11, 3.12 or 3.13: install one, or name it with PYTHON=...' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The locks are complete: without dependency resolution pip is faster, and nothing unlocked slips in. Said to be
# quiet, pip shows no bar either.
$(VENV)/.core: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --progress-bar on --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: requirements-dev.lock $(VENV)/.core
	$(BIN)/python -m pip install --progress-bar on --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

# sentence-transformers brings torch, 5.9 GB on Linux: added for the tests where there is room for it.
ST_FREE_KIB := 20000000
$(VENV)/.st: requirements-st.lock $(VENV)/.test
	@free=$$(df -Pk . | awk 'NR == 2 { print $$4 }'); \
	if [ "$${MUTDA_TEST_ST:-1}" = 0 ]; then echo 'st: left out, MUTDA_TEST_ST=0; its real test will be skipped'; \
	elif [ "$$free" -lt $(ST_FREE_KIB) ]; then echo "st: left out, $$free KiB of disk are free and $(ST_FREE_KIB) are needed; its real test will be skipped"; \
	else echo 'st: installing sentence-transformers and torch for its tests (MUTDA_TEST_ST=0 leaves them out)'; \
	$(BIN)/python -m pip install --progress-bar on --require-hashes --no-deps -r requirements-st.lock \
	|| echo 'st: could not be installed; its real test will be skipped'; fi
	@touch $@

$(VENV)/.weights: $(VENV)/.core
	$(BIN)/mutda models pull
	@touch $@

# With another adapter of the embedder the vectors are others, and all are made anew. The shell looks at the stamp:
# a name of make's cannot hold a space, and the path of a checkout may.
INDEXED := samples $(VENV)/.core $(VENV)/.weights
indexed: $(VENV)/.core $(VENV)/.weights
	@stamp="$$MUTDA_DATA_DIR/.samples"; anew=yes; newer=; \
	if [ -e "$$stamp" ]; then \
	newer=$$(find $(INDEXED) -newer "$$stamp"); anew=$$(find app/models/e5_embedder.gguf -newer "$$stamp"); \
	fi; \
	if [ ! -e "$$stamp" ] || [ -n "$$newer$$anew" ]; then \
	$(BIN)/mutda ingest samples --prune $${anew:+--rebuild} && touch "$$stamp"; fi

lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet --upgrade --output-file requirements.lock
	uv pip compile pyproject.toml --group dev --constraint requirements.lock --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet --output-file requirements-dev.lock
	uv pip compile pyproject.toml --extra st --group st-test --constraint requirements.lock --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet --output-file requirements-st.lock

clean:
	rm -rf $(VENV) .servers .mutda .langgraph_api .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
