# Two commands do all their own set-up: `make restore [ARTICLE=path/to/article.txt]` and `make test`.
# If pip's default index has no CPU build of torch: make TORCH_INDEX=URL …
#
# Results are written under runs/ (runs/data, runs/train, runs/eval, runs/restored), scratch files under build/.
# `make clean` deletes the environment, build/ and dist/, but not runs/.

PYTHON ?= python3
ARTICLE ?= data/samples/ferry.spun.txt
TORCH_INDEX ?=
VENV := .venv
BIN := $(VENV)/bin
TORCH_FROM := $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt

.PHONY: restore test check peers bench faults soak release audit clean

restore: $(VENV)/.installed
	@$(BIN)/unspin restore "$(ARTICLE)" --diff --output runs/restored --html runs/restored
	@echo "restored text: runs/restored/$(notdir $(ARTICLE))"
	@echo "side by side:  runs/restored/$(notdir $(ARTICLE)).html"

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist worksteal

# mypy needs the package `unspin` as one folder: the content of core/, and the other packages as subfolders.
check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build/types
	mkdir -p build/types/unspin
	ln -s $(addprefix $(CURDIR)/,$(wildcard core/*) data infer evaluation train cli) build/types/unspin
	MYPYPATH=build/types:. $(BIN)/mypy -p unspin -p benchmarks

# Other people's spinners, to compare with, in an environment of their own (2 GB).
peers: $(VENV)/.installed-all
	$(BIN)/python -m unspin.evaluation.external.setup $(TORCH_FROM)

# Speed relative to other implementations, each pair timed in one run. Nothing else should be running.
bench: peers
	$(BIN)/python -m benchmarks.spinning
	$(BIN)/python -m benchmarks.restoring
	test -d runs/data/default || $(BIN)/unspin build configs/data/default.yaml
	$(BIN)/python -m benchmarks.training configs/train/default.yaml

# Kill a build, a training run and a batch restore, ten times each, and resume them.
faults: $(VENV)/.installed-dev
	FAULTS=10 $(BIN)/python -m pytest tests/test_faults.py

# Restore hundreds of articles in one process and plot time and memory to runs/soak (twelve minutes).
soak: $(VENV)/.installed-all
	$(BIN)/python -m benchmarks.soak

# Build a wheel, and a bill of materials (CycloneDX): a list of everything that installing the wheel installs.
# build/lib is removed first, since it may hold modules that no longer exist.
release: $(VENV)/.installed-release
	rm -rf dist build/release build/lib build/bdist.*
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(PYTHON) -m venv build/release
	build/release/bin/python -m pip install --quiet --constraint constraints.txt $(TORCH_FROM) torch
	build/release/bin/python -m pip install --quiet --constraint constraints.txt --find-links dist unspin
	$(BIN)/cyclonedx-py environment --output-reproducible --output-file dist/unspin.cdx.json build/release

# Look up known vulnerabilities of the versions in constraints.txt on PyPI.
audit: $(VENV)/.installed-release
	$(BIN)/pip-audit --no-deps --disable-pip --requirement constraints.txt

clean:
	rm -rf $(VENV) build dist

# torch is installed first and pinned: otherwise pip picks a build with gigabytes of CUDA.
$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "setting up (once, a few minutes)"
	@$(PYTHON) -c "import sys; \
		assert (3, 11) <= sys.version_info < (3, 14), 'unspin needs Python 3.11 to 3.13: make PYTHON=python3.12 …'"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) $(TORCH_FROM) torch
	@$(INSTALL) --editable .
	@touch $@

$(VENV)/.installed-%: $(VENV)/.installed
	@$(INSTALL) --editable ".[$*]"
	@touch $@
