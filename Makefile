# `make help` lists the targets. Works with GNU make 3.81 (macOS) and newer.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
APP_READY := $(VENV)/.requirements
DEV_READY := $(VENV)/.requirements-dev
BROWSER_READY := $(VENV)/.browser
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help app test test-all format lint type bench smoke precompute space resolve clean

help: ## List these targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

app: $(APP_READY) ## Install what the app needs and start it on http://127.0.0.1:7860
	@$(BIN)/python app.py

test: $(DEV_READY) $(BROWSER_READY) ## Install what the tests need, lint, check the types, run the quick tests
	@$(call CHECK,)

test-all: $(DEV_READY) $(BROWSER_READY) ## The same with every test that needs no internet
	@$(call CHECK,--run-slow)

# mypy needs one core for a minute: it runs beside the tests, and what it found comes after them.
define CHECK
$(BIN)/ruff check . && $(BIN)/ruff format --check . || exit 1; \
found=$$(mktemp) && trap 'rm -f "$$found"' EXIT || exit 1; \
$(BIN)/mypy >"$$found" 2>&1 & mypy=$$!; \
$(BIN)/pytest $(1) -n 3 --dist worksteal $(PYTEST_ARGS); tests=$$?; \
wait $$mypy || { cat "$$found"; exit 1; }; exit $$tests
endef

format: $(DEV_READY) ## Lay the code out and fix what ruff can fix
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

lint: $(DEV_READY) ## Look for mistakes with ruff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

type: $(DEV_READY) ## Check the types with mypy
	@$(BIN)/mypy

bench: $(DEV_READY) ## Measure latencies, start-up, memory and training speed
	@PYTHONPATH=.:tests/support $(BIN)/python tests/bench.py

smoke: $(DEV_READY) ## Try the app that runs at URL=...: its health, the README's program, one event of each tab
	@test -n "$(URL)" || { echo "Say which app: make smoke URL=http://127.0.0.1:7860" >&2; exit 1; }
	@$(BIN)/python tests/smoke.py "$(URL)"

precompute: $(APP_READY) ## Compute again the results that the tabs open on
	@$(BIN)/python app.py --precompute

space: $(APP_READY) ## Publish the app as a Space: make space SPACE=user/name ARGS="--create"
	@test -n "$(SPACE)" || { echo "Name the Space: make space SPACE=user/name" >&2; exit 1; }
	@HF_HUB_DISABLE_XET=1 $(BIN)/python -m models.hub "$(SPACE)" $(ARGS)

# What the platform adds to requirements.txt on every Space; MCP is always on there, and its extra caps pydantic.
resolve: $(APP_READY) ## Ask the package index whether all that a Space installs fits together; installs nothing
	@$(BIN)/python -m pip install --dry-run --ignore-installed --quiet --disable-pip-version-check -r requirements.txt \
		"gradio[oauth,mcp]==$$(sed -n 's/^sdk_version: //p' README.md)" uvicorn websockets spaces
	@echo "All that a Space installs fits together."

clean: ## Remove the virtual environment and the caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The rest makes the environment. Each stamp file is newer than the requirements it stands for.

define COMPILE
echo "Compiling UMAP (half a minute, once)"; \
$(BIN)/python -c 'from models.analysis import projection; projection.warm_up(); projection.wait_until_ready()'
endef

$(BIN)/python:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
		echo "No '$(PYTHON)' here: install Python 3.10 to 3.13, or name one: make app PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "Unlabeled runs on Python 3.10 to 3.13, and '$(PYTHON)' is another version: name one, as in make app PYTHON=python3.12" >&2; exit 1; }
	@echo "Making the virtual environment $(VENV)"
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(APP_READY): requirements.txt | $(BIN)/python
	@echo "Installing requirements.txt into $(VENV) (some minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(COMPILE)
	@touch $@

$(DEV_READY): requirements-dev.txt requirements.txt | $(BIN)/python
	@echo "Installing requirements-dev.txt into $(VENV) (some minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@$(COMPILE)
	@touch $(APP_READY) $@

$(BROWSER_READY): $(DEV_READY) tests/support/chromium.py
	@$(BIN)/python tests/support/chromium.py
	@touch $@
