# Two commands do all their own set-up: `make restore [ARTICLE=path/to/article.txt]` and `make test`.
# Where pip's indexes have no CPU build of torch: make TORCH_INDEX=URL …

PYTHON ?= python3
ARTICLE ?= data/samples/ferry.spun.txt
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
NAME := $(basename $(notdir $(ARTICLE)))
TORCH_FROM := $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))

.PHONY: restore test check peers bench faults soak release audit clean

restore: $(VENV)/.installed
	@$(BIN)/unspin restore "$(ARTICLE)" --diff --output build/restored --html build/restored
	@echo "restored text: build/restored/$(notdir $(ARTICLE))"
	@echo "side by side:  build/restored/$(NAME).html"

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	mkdir -p build/types && ln -sfn ../.. build/types/unspin
	MYPYPATH=build/types $(BIN)/mypy -p unspin.data -p unspin.train -p unspin.infer -p unspin.cli

# Spinners that others wrote, in an environment of their own (2 GB), to be measured against.
peers: $(VENV)/.installed
	$(BIN)/python -m unspin.data.peers.setup $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))

# Ratios against what others do, measured in one run. Nothing else should be at work.
bench: peers
	$(BIN)/python -m unspin.data.bench
	$(BIN)/python -m unspin.infer.bench
	test -d build/data/default || $(BIN)/unspin build configs/data/default.yaml
	$(BIN)/python -m unspin.train.bench configs/train/default.yaml

# Kill -9 of a build, a training run and a batch restore, ten times each.
faults: $(VENV)/.installed-dev
	FAULTS=10 $(BIN)/python -m pytest tests/test_faults.py

# Hundreds of articles restored in one process, time and memory drawn (twelve minutes).
soak: $(VENV)/.installed
	$(BIN)/python -m unspin.infer.soak

# A wheel, and the list of all that an installation of it holds (CycloneDX).
release: $(VENV)/.installed-release
	rm -rf dist build/release
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(PYTHON) -m venv build/release
	build/release/bin/python -m pip install --quiet --constraint constraints.txt $(TORCH_FROM) torch
	build/release/bin/python -m pip install --quiet --constraint constraints.txt --find-links dist unspin
	$(BIN)/cyclonedx-py environment --output-reproducible --output-file dist/unspin.cdx.json build/release

# Known holes in what constraints.txt pins. Asks PyPI.
audit: $(VENV)/.installed-release
	$(BIN)/pip-audit --no-deps --disable-pip --requirement constraints.txt

clean:
	rm -rf $(VENV) build dist

# torch comes first and pinned: left to itself pip would take a build with gigabytes of CUDA.
$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "setting up (once, a few minutes)"
	@$(PYTHON) -c "import sys; assert (3, 11) <= sys.version_info < (3, 14), 'unspin needs Python 3.11 to 3.13: make PYTHON=python3.12 …'"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt $(TORCH_FROM) torch
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@

$(VENV)/.installed-release: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[release]"
	@touch $@
