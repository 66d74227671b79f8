# Everything runs in a virtual environment of its own: `make explain` and `make test` are all a fresh machine needs.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: explain web test test-oldest test-newest test-floors fuzz lint lock docs figures notebooks release bench bench-methods bench-memory bench-gpu clean

explain: $(VENV)/explain.stamp  ## explain a bundled scene with the bundled model: out/
	$(BIN)/whylight explain --out out

web: $(VENV)/web.stamp  ## the web app on the bundled model: http://127.0.0.1:8000
	$(BIN)/whylight web

test: $(VENV)/dev.stamp  ## the whole suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

# The whole range of versions, each end in an environment of its own (.venv-oldest, .venv-newest; 6 GB each with torch's
# CUDA libraries). TESTS chooses: make test-oldest TESTS=tests/models
test-oldest: $(BIN)/uv  ## the suite at the lowest versions that pyproject.toml allows
	$(call in-range,oldest,lowest-direct)

test-newest: $(BIN)/uv  ## the suite at the newest versions there are
	$(call in-range,newest,highest)

define in-range
	$(BIN)/uv venv --quiet --seed --allow-existing --python $(PYTHON) .venv-$(1)
	$(BIN)/uv pip install --quiet --python .venv-$(1) --resolution $(2) --upgrade --editable ".[test]"
	$(BIN)/uv pip list --python .venv-$(1)
	OMP_NUM_THREADS=1 .venv-$(1)/bin/python -m pytest -n 2 $(TESTS)
endef

# What CI has time for: the lowest versions of the libraries that models come from (40 MB), before .venv's torch.
FLOORS := open_clip_torch|timm|transformers|tokenizers|accelerate|peft|safetensors|captum|typer|rich|regex
FLOOR_TESTS := tests/attention/test_recording.py $(addprefix tests/models/test_,forward.py door.py sizes.py swin.py \
	configurations.py) tests/models/text tests/models/transformers

test-floors: .venv-floors/stamp  ## model and method tests with the lowest versions of the models' libraries
	OMP_NUM_THREADS=1 PYTHONPATH=.venv-floors $(BIN)/python -m pytest -n 2 $(FLOOR_TESTS)

.venv-floors/stamp: $(VENV)/dev.stamp pyproject.toml
	rm -rf .venv-floors && mkdir .venv-floors
	grep -oE '"($(FLOORS))>=[0-9.]+"' pyproject.toml | tr -d '"' | sed 's/>=/==/' | sort -u > .venv-floors/floors.txt
	echo 'huggingface-hub<1' >> .venv-floors/floors.txt  # the lowest transformers takes no later one
	$(BIN)/python -m pip install --quiet --no-deps --target .venv-floors -r .venv-floors/floors.txt
	touch $@

fuzz: $(VENV)/dev.stamp  ## 10,000 damaged, foreign and mad inputs
	$(BIN)/python benchmarks/fuzz.py

lint: $(VENV)/dev.stamp  ## ruff and strict mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict src/whylight

lock: $(BIN)/uv  ## the newest versions there are, for CI: .ci/versions.txt (run make test-newest first)
	echo "# What CI installs, the versions that the suite passed with last: written by \`make lock\`, for Python 3.10 and later." > .ci/versions.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --extra dev --extra docs --no-annotate --no-header \
		pyproject.toml >> .ci/versions.txt

bench: $(VENV)/dev.stamp  ## Whylight beside other libraries: benchmarks/results.md
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/python benchmarks/against_peers.py

bench-methods: $(VENV)/dev.stamp  ## time the methods against a plain forward pass
	$(BIN)/python benchmarks/methods.py

bench-memory: $(VENV)/dev.stamp  ## peak memory against tokens: benchmarks/memory.md
	$(BIN)/python benchmarks/memory.py

bench-gpu: $(VENV)/dev.stamp  ## LeGrad on a CUDA GPU: benchmarks/gpu.md
	$(BIN)/python -m pip install --quiet --no-deps --target $(VENV)/legrad_torch legrad_torch==1.1 open_clip_torch==2.23.0
	$(BIN)/python benchmarks/gpu.py --peer $(VENV)/legrad_torch

docs: $(VENV)/docs.stamp  ## the site: docs/_build/index.html; a warning or a broken link ends it
	$(BIN)/python -W ignore -m sphinx -q -W --keep-going -b html docs docs/_build
	$(BIN)/python docs/check_links.py docs/_build

figures: $(VENV)/dev.stamp  ## the pictures of the site
	$(BIN)/python docs/figures/make_figures.py
	$(BIN)/python docs/figures/make_methods_figure.py
	$(BIN)/python docs/figures/make_randomized_figure.py
	$(BIN)/python docs/figures/make_audit_figure.py

notebooks: $(VENV)/docs.stamp  ## run the notebooks and store what they show
	$(BIN)/python -W ignore notebooks/execute.py

release: $(VENV)/release.stamp  ## wheel and sdist, checked, and the wheel tried in a fresh environment: dist/
	$(BIN)/python deploy/release.py

clean:
	rm -rf $(VENV) .venv-oldest .venv-newest .venv-floors out

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(BIN)/uv: $(BIN)/python
	$(BIN)/python -m pip install --quiet uv

$(VENV)/explain.stamp: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/web.stamp: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[web]"
	touch $@ $(VENV)/explain.stamp

$(VENV)/dev.stamp: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@ $(VENV)/explain.stamp

$(VENV)/release.stamp: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[release]"
	touch $@ $(VENV)/explain.stamp

$(VENV)/docs.stamp: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ".[docs,transformers,run]"
	touch $@ $(VENV)/explain.stamp
