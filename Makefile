# Two commands do everything from a bare clone:
#   make demo    create the environment, ingest the demo corpora, serve them
#   make test    create the environment, run the tests; COVERAGE=1 measures branch coverage against its floor
# Both are quiet about what went well.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STORE  ?= .demo/store
PORT   ?= 8080
# The version that is tested. Any other in pyproject.toml's range:  make demo TORCH='torch==2.14.1'
TORCH  ?= torch==2.13.0
export KB_TOKEN ?= demo-token

.PHONY: demo test check smoke docs clean

demo: $(VENV)/.installed
	@$(BIN)/kbserver ingest corpora/broadband/docs --corpus broadband --store $(STORE)
	@$(BIN)/kbserver ingest corpora/clinic/docs --corpus clinic --store $(STORE)
	@echo "KB_TOKEN is '$$KB_TOKEN'; stop with Ctrl-C"
	@exec $(BIN)/kbserver serve --store $(STORE) --port $(PORT)

test: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest -n auto $(if $(COVERAGE),--cov --cov-report=term)

check: $(VENV)/.installed-dev
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

smoke: $(VENV)/.installed
	@bash .ci/smoke

# The reference of the command line comes from the program; the site stops at a link that leads nowhere.
docs: $(VENV)/.installed-docs
	@$(BIN)/python -m typer kbserver.cli utils docs --name kbserver --title "Command line" --output docs/cli.md >/dev/null
	@$(BIN)/zensical build --strict --clean

clean:
	rm -rf $(VENV) .demo site

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "kbserver needs Python 3.11 or newer; say which:  make demo PYTHON=python3.12" >&2; exit 1; }
	@echo "creating $(VENV) …"
	@$(PYTHON) -m venv $(VENV) || \
	    { echo "no venv module: on Debian and Ubuntu  apt install python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install -qq --upgrade 'pip>=25.1'

$(VENV)/.installed: pyproject.toml deploy/install_torch.sh | $(BIN)/python
	@echo "installing kbserver and what it needs (PyTorch among it; this takes minutes) …"
	@sh deploy/install_torch.sh $(BIN)/python '$(TORCH)'
	@$(BIN)/python -m pip install -qq --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(VENV)/.installed
	@echo "installing the test tools …"
	@$(BIN)/python -m pip install -qq --editable '.[all]' --group dev
	@touch $@

$(VENV)/.installed-docs: pyproject.toml $(VENV)/.installed
	@$(BIN)/python -m pip install -qq --group docs
	@touch $@
