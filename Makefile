# Everything sets itself up: `make demo` and `make test` work on a fresh checkout.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := .var/peers
# On all cores; what needs a broker runs one test at a time.
QUICK := $(BIN)/pytest -q -n logical tests/unit tests/property
GITLEAKS := github.com/zricethezav/gitleaks/v8@v8.30.1

.PHONY: setup demo test chaos chaos-short soak check bench bench-docs peers names lock schemas extras clean

setup: $(READY)  ## the virtual environment with the locked dependencies

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=…") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $(READY)

demo: $(READY)  ## raw jobs in, what OpenAI was sent, restored answers out, and the sweep
	$(BIN)/veil demo

test: $(READY)  ## all tests, on a real broker
	$(QUICK)
	$(BIN)/pytest tests/integration tests/chaos

chaos: $(READY)  ## faults under load, with figures, in under an hour; CHAOS='--faults kill-completer --rounds 1' plays a part
	$(BIN)/python -m tests.chaos $(CHAOS)

chaos-short: $(READY)  ## the most telling faults, one round each, in under six minutes; part of `make test`
	$(BIN)/pytest tests/chaos

soak: $(READY)  ## ten minutes at full load: does any worker grow?
	$(BIN)/python -m tests.chaos.soak

check: $(READY)  ## what every commit must pass, in a minute and a half on two cores
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(QUICK)

bench: $(READY)  ## speed as ratios and quality of detection, measured in one run; BENCH='--part quality' runs a part
	$(BIN)/python -m tests.benchmark $(BENCH)

bench-docs: $(READY)  ## the tables of docs/detection.md anew
	$(BIN)/python -m tests.benchmark --part detection --part quality --part peers --write-docs

peers: $(PEERS)/.ready  ## what detection is compared with, in an environment of its own; trains a names model for 12 minutes

$(PEERS)/.ready: tests/benchmark/peers/requirements.txt
	mkdir -p $(PEERS) && chmod 700 $(PEERS)
	$(PYTHON) -m venv $(PEERS)/venv
	$(PEERS)/venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	if command -v go >/dev/null; then GOBIN=$(CURDIR)/$(PEERS)/bin go install $(GITLEAKS); fi
	if [ -d ../shared/data ]; then $(PEERS)/venv/bin/python tests/benchmark/peers/train_ner.py; fi
	@touch $@

EXTRAS := .venv-extras

extras:  ## the adapters of Presidio, transformers and GLiNER, and a compatible server, in an environment of their own (3 GB)
	test -d $(EXTRAS) || $(PYTHON) -m venv $(EXTRAS)
	$(EXTRAS)/bin/pip install --quiet --disable-pip-version-check '.[presidio,transformers,gliner,interop]' \
	  pytest pytest-asyncio pytest-timeout
	$(EXTRAS)/bin/python -m pytest -q --confcutdir tests/extras -W default -m extras tests/extras

NAMES := .var/names

names: $(NAMES)/.ready  ## train the names model anew, in an environment of its own (about a quarter of an hour on one core)
	$(NAMES)/venv/bin/python -m infra.names.train
	$(NAMES)/venv/bin/python -m infra.names.evaluate pipeline/detection/names/model.npz

$(NAMES)/.ready: infra/names/requirements.txt infra/names/texts.txt
	mkdir -p $(NAMES)
	$(PYTHON) -m venv $(NAMES)/venv
	$(NAMES)/venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r infra/names/requirements.txt
	$(NAMES)/venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r infra/names/texts.txt
	@touch $@

lock:  ## resolve requirements.lock anew, with hashes and without index addresses (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --quiet -o requirements.lock
	cd infra/names && for list in requirements texts; do uv pip compile $$list.in --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --quiet $$(test $$list = texts && echo --no-deps) -o $$list.txt; done

schemas: $(READY)  ## JSON Schema and AsyncAPI from the Structs
	$(BIN)/python -m schemas.export

clean:
	rm -rf $(VENV) $(EXTRAS) .var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache infra/kafka/target bench.json
