# `make demo` runs the main job, `make test` passes the tests; both install what they need.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
LOCK := .requirements.lock
READY := $(VENV)/.ready
LABEXTENSIONS := $(VENV)/share/jupyter/labextensions
BROWSER := tests/browser/node_modules/.ready
GATEWAY := .gateway-venv/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help install gateway chromium postgres npm labextension typescript demo test lint bench docs labforms \
	messages lock clean

help:
	@echo "make demo    run the data-quality notebook as a flow, and wait for your approval"
	@echo "             (DEMO_AUTO=1 make demo approves by itself, through the real link)"
	@echo "make test    lint, types, and all tests"
	@echo "make labextension  build what JupyterLab and Notebook load; reload the page to see it"
	@echo "make bench   the benchmarks, beside their peers"
	@echo "make docs    print the state diagram into docs/architecture.md"
	@echo "make labforms write the lab's form of the flow options from their schema"
	@echo "make messages gather the pages' texts for translators (LANGUAGE=fr begins French)"
	@echo "make lock    write the lock file anew from pyproject.toml (UPGRADE=1: the newest versions)"

$(READY): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "jupyter_flows needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || \
		{ echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement $(LOCK) || \
		{ echo "The packages of $(LOCK) could not be installed: is a package index in reach?"; exit 1; }
	$(BIN)/pip install --quiet --no-deps --editable .
	@mkdir -p $(LABEXTENSIONS) && ln -sfn $(CURDIR)/jupyter_flows/labextension $(LABEXTENSIONS)/jupyter-flows
	$(BIN)/python -m bash_kernel.install --sys-prefix
	@touch $@

install: $(READY)

# A Jupyter Enterprise Gateway for the tests, in an environment of its own: its packages of Jupyter are
# older than ours.
$(GATEWAY): .gateway-requirements.lock
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --requirement .gateway-requirements.lock || \
		{ echo "The packages of .gateway-requirements.lock could not be installed: is a package index in reach?"; exit 1; }
	@touch $@

gateway: $(GATEWAY)

chromium:
	@command -v chromium >/dev/null && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing chromium for the browser tests"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null \
			|| { echo "chromium could not be installed"; exit 1; }; \
	else \
		echo "chromium is missing and may not be installed from here: install the package chromium"; \
		exit 1; \
	fi

# The tests begin a PostgreSQL of their own; whatever the package begins is left alone.
postgres:
	@command -v initdb >/dev/null && exit 0; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing PostgreSQL for the tests"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null \
			|| { echo "PostgreSQL could not be installed"; exit 1; }; \
	else \
		echo "PostgreSQL is missing and may not be installed from here: install the package postgresql"; \
		exit 1; \
	fi

npm:
	@command -v npm >/dev/null || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing node and npm for the labextension and the browser tests"; \
			apt-get update -qq; export DEBIAN_FRONTEND=noninteractive; \
			apt-get install -y -qq nodejs >/dev/null; \
			command -v npm >/dev/null || apt-get install -y -qq npm >/dev/null; \
		fi; }
	@command -v npm >/dev/null || \
		{ echo "npm is missing and may not be installed from here: install the package npm"; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || \
		{ echo "The labextension is built by node 20.19 or newer; this is $$(node --version)"; exit 1; }

# What the browser tests need besides Chromium; the lock file names no place to get it from. (npm's
# own --prefix would make it look past the machine's settings.)
$(BROWSER): tests/browser/package.json tests/browser/package-lock.json tests/browser/.npmrc | npm
	cd tests/browser && npm ci --loglevel=error --ignore-scripts || \
		{ echo "The packages of tests/browser could not be installed: is npm's registry in reach?"; exit 1; }
	@touch $@

# Does nothing where it is built of these very sources.
labextension: install npm
	$(BIN)/python labextension/hatch_build.py || \
		{ echo "The labextension could not be built: is npm's registry in reach?"; exit 1; }

typescript: labextension
	cd labextension && npm run --silent lint && npm run --silent test

demo: install
	@mkdir -p .demo
ifeq ($(DEMO_AUTO),1)
	@JUPYTER_FLOWS_DATA_DIR=$(CURDIR)/.demo/flows $(BIN)/python notebooks/demo.py .demo/data_quality.ipynb
else
	@echo "The run will wait for you: open the approval page that it prints, or type in a second terminal:"
	@echo "  JUPYTER_FLOWS_DATA_DIR=$(CURDIR)/.demo/flows $(BIN)/jupyter flows approve last"
	@JUPYTER_FLOWS_DATA_DIR=$(CURDIR)/.demo/flows \
		$(BIN)/jupyter flows run notebooks/data_quality.ipynb --output .demo/data_quality.ipynb
endif
	@echo "The executed notebook: .demo/data_quality.ipynb"

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: install gateway chromium postgres $(BROWSER) lint typescript
	@$(BIN)/python -m tests.parts

bench: install
	$(BIN)/python -m benchmarks

docs: install
	$(BIN)/python -m jupyter_flows.core.diagram --write docs/architecture.md

labforms: install
	$(BIN)/python -m jupyter_flows.core.options_form --write labextension/schema/options.json

messages: install
	$(BIN)/python -m jupyter_flows.web.messages $(LANGUAGE)

# Run it on purpose, never in CI. What is locked stays as it is; with UPGRADE=1 it takes the newest
# versions that pyproject.toml allows.
lock:
	$(PYTHON) -m venv .lock-venv
	.lock-venv/bin/pip install --quiet uv
	.lock-venv/bin/uv pip compile --quiet --no-header --no-annotate --universal \
		--python-version 3.11.0 --extra charts --extra examples --extra test $(if $(UPGRADE),--upgrade) \
		pyproject.toml --output-file $(LOCK)
	.lock-venv/bin/uv pip compile --quiet --no-header --no-annotate --universal \
		--python-version 3.11.0 $(if $(UPGRADE),--upgrade) \
		.gateway-requirements.in --output-file .gateway-requirements.lock
	rm -rf .lock-venv

clean:
	rm -rf $(VENV) .gateway-venv tests/browser/node_modules labextension/node_modules labextension/lib \
		labextension/build jupyter_flows/labextension .servers-tests.log .kernels-tests.log .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
