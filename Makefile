# make demo   fit a space on drawn faces and write demo/ (pictures, a gif, a report)
# make test   everything that must hold: lint, types, tests
# make fast   what can be tested in three minutes, for daily work: no browser, no training
# make web    the studio's page, built from web/ (the other two do it too)
# All start from nothing but Python >= 3.11 and make their own .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
SIDE   := -n auto --maxprocesses 4 --dist loadfile  # files of tests side by side

.PHONY: demo test fast lint web browser notebook chromium bench clean help
help:
	@sed -n 's/^# //p' Makefile

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Liminal needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "could not make $(VENV): on Debian and Ubuntu, apt-get install python3-venv"; exit 2; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

web: $(VENV)/.installed
	$(BIN)/python scripts/web.py

# the studio in a real browser, on a real server (some minutes; wants chromium)
browser: web
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/web.py browser

# the widget in a real JupyterLab with a real kernel (some minutes; wants chromium), in an environment beside the other one
LAB := build/lab
$(LAB)/.installed: $(VENV)/.dev
	$(BIN)/python -m venv $(LAB)
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > $$($(LAB)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/lent.pth
	$(LAB)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt jupyterlab anywidget
	@touch $@

notebook: $(LAB)/.installed web
	JUPYTER="$(CURDIR)/$(LAB)/bin/jupyter" PYTHONPATH="$(CURDIR)/src" $(BIN)/python scripts/web.py notebook

demo: $(VENV)/.installed web
	$(BIN)/python scripts/demo.py $(ARGS)

test: $(VENV)/.dev lint web chromium
	$(BIN)/python -m pytest $(SIDE) $(ARGS)

# without what trains, drives a browser, starts servers or runs the documentation
fast: $(VENV)/.dev
	$(BIN)/ruff check -q
	$(BIN)/python -m pytest -m "not slow" $(SIDE) $(ARGS)

# the browser that the studio is tested in: installed on Debian and Ubuntu by root, else its test says what is missing
chromium:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	    echo "installing chromium"; apt-get -qq update >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y chromium >/dev/null; \
	fi || true
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	echo "chromium is missing, so the studio is not tested in a browser: install it (as root: apt-get install chromium)"

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/.dev
	$(BIN)/python -m bench $(ARGS)

clean:
	rm -rf $(VENV) demo build dist
