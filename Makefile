# Two commands on a fresh machine: `make demo` and `make test`. `make help` lists the rest.

VENV    ?= .venv
PORT    ?= 8000
ARGS    ?=
APPS    ?=
PARALLEL ?= 2
export MATT_TEST_EXHAUSTIVE = $(EXHAUSTIVE)
PIP     := $(VENV)/bin/uv pip
RUN     := $(VENV)/bin/python
export UV_PYTHON = $(VENV)/bin/python
export UV_CUSTOM_COMPILE_COMMAND = make lock
export UV_NO_PROGRESS = 1
export NO_MKDOCS_2_WARNING = 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS = 1

# The tests of the named contrib apps alone; everything where none is named.
TESTS    = $(wildcard $(APPS:%=tests/contrib/%))
E2E      = $(wildcard $(APPS:%=tests/e2e/%))
# Folders whose every test starts servers; naming them spares the time to read them.
QUICK   := --ignore=tests/e2e --ignore=tests/examples --ignore=tests/projects --ignore=tests/sign_in

# What the editable install was built from: a change of one of these installs again, and so rebuilds the extension.
SOURCES := pyproject.toml $(wildcard setup.py) $(wildcard django_matt/serialization/encoder.py django_matt/serialization/_encoder_c.pxd django_matt/rows/_rows_c.pyx)

# Compiled: .so, .pyd.
EXTENSION := django_matt/rows/_rows_c.*[od]

.DEFAULT_GOAL := help
.PHONY: help demo test test-quick test-sign-in test-sqlite test-servers test-projects test-next test-newest check format encoder bench docs peers upstream dist lock clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---- environments: demo is a subset of test, test of dev; bench has its own ------------------------------------------

$(VENV)/bin/uv:
	@python="$(PYTHON)"; \
	for candidate in $${python:-python3.13 python3.12 python3.11 python3}; do \
		"$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		.ci/during "Creating $(VENV) with $$("$$candidate" --version)" \
			sh -c '"$$0" -m venv $(VENV) && $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check uv' "$$candidate"; \
		exit; \
	done; \
	echo "Python 3.11 or newer with venv and pip is needed (make PYTHON=/path/to/python names one)." >&2; exit 1

# The extension is compiled while packages are downloaded, and only where it is older than its sources.
define install
	@rm -f $(VENV)/.demo $(VENV)/.test $(VENV)/.dev $(VENV)/.torch
	@what="Installing requirements/$(1).txt into $(VENV)"; again=; \
	if [ ! -e $(VENV)/.built ] || [ -n "$$(find $(SOURCES) -newer $(VENV)/.built)" ] || ! ls $(EXTENSION) >/dev/null 2>&1; then \
		what="$$what and compiling Django Matt"; again="--reinstall-package django-matt"; touch $(VENV)/.building; \
	fi; \
	echo "-e ." | .ci/during "$$what" $(PIP) sync --quiet $$again requirements/$(1).txt - || exit 1; \
	[ -z "$$again" ] || mv $(VENV)/.building $(VENV)/.built
	@touch $(foreach set,$(1) $(2),$(VENV)/.$(set))
endef

$(VENV)/.demo: requirements/demo.txt $(SOURCES) | $(VENV)/bin/uv
	$(call install,demo)
$(VENV)/.test: requirements/test.txt $(SOURCES) | $(VENV)/bin/uv
	$(call install,test,demo)
$(VENV)/.dev: requirements/dev.txt $(SOURCES) | $(VENV)/bin/uv
	$(call install,dev,test demo)
# By pip, and pinned: other ways find a build for GPUs of several gigabytes. It is in no lock, so that `install` removes it again.
$(VENV)/.torch: | $(VENV)/.dev
	@.ci/during "Installing torch into $(VENV)" $(RUN) -m pip install --quiet --disable-pip-version-check torch==2.13.0 onnx "tritonclient[http]==2.73.0"
	@touch $@
$(VENV)/.bench: requirements/bench.txt $(SOURCES) | $(VENV)/bin/uv
	$(call install,bench)
$(VENV)/.bolt: requirements/bolt.txt $(SOURCES) | $(VENV)/bin/uv
	$(call install,bolt)

.PHONY: $(VENV)/.compiled
$(VENV)/.compiled: $(VENV)/.test
	@$(compile)

# Sets `found` to a Python of one of `minors` that can make an environment: on the PATH, or one of pyenv's.
define find_python
found=""; for minor in $$minors; do \
	for candidate in python3.$$minor $$(ls -d "$$HOME"/.pyenv/versions/3.$$minor.*/bin/python 2>/dev/null | sort -rV); do \
		"$$candidate" -c 'import venv, ensurepip' 2>/dev/null || continue; \
		found="$$candidate"; break 2; \
	done; \
done
endef

# Tests start hundreds of processes. Without compiled modules each takes three times as long to start, and uv compiles none.
compile = $(RUN) -m compileall -qq -j 2 $(wildcard $(VENV)/lib/python3.*/site-packages) django_matt tests benchmarks || true

# ---- what people run -------------------------------------------------------------------------------------------------

demo: $(VENV)/.demo ## Serve the example shop with demo data on 127.0.0.1 (PORT=8000)
	@exec $(RUN) examples/shop/manage.py demo --port $(PORT)

# Every suite runs, also after one that failed; the lines of all of them close the output.
test: $(VENV)/.test ## Run the tests on SQLite with a second Python where there is one, and on PostgreSQL (ARGS=…, APPS="crud …", EXHAUSTIVE=yes)
	@$(compile)
	@rm -f $(VENV)/.closing; MAKE="$(MAKE)" $(RUN) -m tests.suites; code=$$?; \
	echo; cat $(VENV)/.closing; exit $$code

# A pipe would hide pytest's colours and its exit code, so pytest itself writes the closing line (tests/closing.py).
CLOSING ?= $(VENV)/.closing
PYTEST   = MATT_CLOSING=$(CLOSING) $(RUN) -m pytest -q -p tests.closing --durations=10 --durations-min=1 $(TESTS)

test-sqlite: $(VENV)/.test ## Run the tests on SQLite only
	@MATT_TEST_DATABASE=sqlite $(PYTEST) $(ARGS)

# Where the kind of database matters; ONLY=database runs what uses one there.
SQL := $(addprefix tests/,contrib docs errors extending forms rows scopes serialization) $(addprefix tests/test_,asgi.py atomic_requests.py \
	bounds.py cursors.py database_checks.py limits.py model_controllers.py operations.py pagination.py parameters.py peer_faults.py streams.py)

# Python's caches make the first answer come sooner. They go into the environment, even where the shell forbids them.
test-quick: $(VENV)/.test ## Run the tests that start no server, in parallel, in under a minute (DATABASE=postgres)
	@export MATT_TEST_DATABASE=$(or $(DATABASE),sqlite) PYTHONPYCACHEPREFIX=$(abspath $(VENV))/pycache; \
	unset PYTHONDONTWRITEBYTECODE; \
	$(PYTEST) -p no:schemathesis $(if $(ONLY),$(SQL)) -m "not once$(ONLY:%= and %)" -n $(PARALLEL) --dist worksteal $(QUICK) $(ARGS)

# Each app in a process with that app alone; all of them at the end.
test-sign-in: $(VENV)/.test ## Run the tests of the apps that sign users in (DATABASE=postgres, ARGS=tokens)
	@export MATT_TEST_DATABASE=$(or $(DATABASE),sqlite) MATT_CLOSING=$(CLOSING) PARALLEL=$(PARALLEL); \
	$(RUN) -m tests.sign_in -q -p tests.closing -p no:schemathesis -m "not once" --durations=5 --durations-min=1 \
		$(notdir $(wildcard $(APPS:%=tests/sign_in/%))) $(ARGS)

# Two halves, which `make test` runs beside each other.
NODE         := tests/contrib/typescript tests/openapi/test_typescript.py tests/forms/test_rjsf.py tests/contrib/admin_api/test_providers.py tests/contrib/events/test_asyncapi.py
HALF_node    := $(NODE)
HALF_servers := $(NODE:%=--ignore=%)

test-servers: $(VENV)/.test ## Run the tests that start servers and browsers (HALF=node: compilers and Node, HALF=servers: the others)
	@MATT_TEST_DATABASE=sqlite $(PYTEST) $(E2E) $(HALF_$(HALF)) -m "once and not projects" $(ARGS)

test-projects: $(VENV)/.test ## Run the tests that generate projects
	@MATT_TEST_DATABASE=sqlite $(PYTEST) -m "once and projects" $(ARGS)

test-next: $(VENV)/.test ## Run the tests on SQLite with the other line of Python and Django; with this one if no other is found
	@this=$$($(RUN) -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	[ "$$this" = 3.11 ] && minors="13 12" || minors="11"; \
	$(find_python); \
	environment=.venv-next; \
	[ -n "$$found" ] || { echo "No second Python found." | tee -a $(CLOSING); environment=$(VENV); }; \
	[ -z "$$found" ] || $(MAKE) --no-print-directory VENV=.venv-next PYTHON="$$found" .venv-next/.test .venv-next/.compiled || exit 1; \
	exec $(MAKE) --no-print-directory --keep-going VENV=$$environment CLOSING=$(CLOSING) test-quick test-sign-in

# Without `--editable .` in the same command, uv does not look at the caps of pyproject.toml.
UPSTREAM := django django-ninja django-ninja-extra pydantic
test-newest: ## Run the tests with the newest Ninja, Ninja Extra, pydantic and Django (CAPS=no: whatever pyproject.toml allows)
	@$(MAKE) --no-print-directory VENV=.venv-newest .venv-newest/.test
	@export UV_PYTHON=.venv-newest/bin/python; set -e; \
	[ "$(CAPS)" = no ] && wanted="--upgrade $(UPSTREAM)" || wanted="$(UPSTREAM:%=--upgrade-package %) --editable ."; \
	.venv-newest/bin/uv pip install --quiet $$wanted; \
	.venv-newest/bin/uv pip freeze | grep -E "^($(subst $() ,|,$(UPSTREAM)))=="; \
	exec $(MAKE) --no-print-directory --keep-going VENV=.venv-newest CLOSING=$(CLOSING) test-quick test-sign-in

# All of them run, also after one that failed.
check: $(VENV)/.dev ## Lint, format, types (mypy strict, pyright), import contracts, documentation
	@failed=""; attempt() { echo "$$*"; "$$@" || failed="$$failed $${1##*/}"; }; \
	attempt $(VENV)/bin/ruff check .; \
	attempt $(VENV)/bin/ruff format --check .; \
	attempt $(VENV)/bin/mypy django_matt tests; \
	attempt $(VENV)/bin/pyright --pythonpath $(RUN); \
	attempt $(VENV)/bin/lint-imports --no-logo; \
	attempt $(VENV)/bin/mkdocs build --strict --quiet; \
	[ -z "$$failed" ] || { echo "Failed:$$failed" >&2; exit 1; }

format: $(VENV)/.dev ## Fix what ruff can fix
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

encoder: | $(VENV)/bin/uv ## Write the fingerprints of what is compiled and build it in place
	@test -e $(VENV)/.test || $(MAKE) --no-print-directory $(VENV)/.test
	@$(RUN) -m tests.serialization.fingerprint
	@$(RUN) -c 'from setuptools import setup; setup()' --quiet build_ext --inplace --force

bench: ## Measure MattAPI beside its peers and hand-written Django (ARGS="--postgres --write")
	@$(MAKE) --no-print-directory VENV=.venv-bench .venv-bench/.bench
	@minors="13 12"; $(find_python); \
	[ -n "$$found" ] || { echo "django-bolt is not measured: it needs Python 3.12 or newer, and none was found."; exit; }; \
	$(MAKE) --no-print-directory VENV=.venv-bolt PYTHON="$$found" .venv-bolt/.bolt \
		|| echo "django-bolt is not measured: it could not be installed with $$found." >&2
	.venv-bench/bin/python -m benchmarks $(ARGS)
	.venv-bench/bin/python -m benchmarks.reload
	.venv-bench/bin/python -m benchmarks.types
	.venv-bench/bin/python -m benchmarks.sign_in

docs: $(VENV)/.dev ## Serve the documentation on 127.0.0.1 (PORT=8000)
	$(VENV)/bin/mkdocs serve --dev-addr 127.0.0.1:$(PORT)

# Without django-matt: an editable install would put our `tests` before the peers'.
peers: ## Run the peers' own tests with MattAPI swapped in (PEERS=<folder with checkouts of both>)
	@test -d "$(PEERS)" || { echo "make peers PEERS=<folder with checkouts of django-ninja and django-ninja-extra>" >&2; exit 2; }
	@$(MAKE) --no-print-directory VENV=.venv-peers .venv-peers/bin/uv
	@UV_PYTHON=.venv-peers/bin/python .venv-peers/bin/uv pip sync --quiet requirements/peers.txt
	@.venv-peers/bin/python -m benchmarks.peers "$(PEERS)" $(ARGS)

upstream: $(VENV)/.test ## Run Django's own tests of its ASGI handler with ours in its place
	@$(RUN) -m benchmarks.upstream

# The wheel is built from the source distribution, so that a file which that lacks is missed here.
dist: $(VENV)/.test ## Build the source distribution and the wheel without compiled modules into dist/, and check both
	@rm -rf dist
	@MATT_PURE=1 .ci/during "Building dist/" $(RUN) -m build --installer uv --outdir dist .
	@$(RUN) -m twine check --strict dist/*
	@ls dist

lock: | $(VENV)/bin/uv ## Resolve requirements/*.txt again
	@compile="$(PIP) compile --quiet --universal --python-version 3.11 --no-emit-index-url --annotation-style line --upgrade pyproject.toml"; set -e; \
	$$compile --group dev --extra all -o requirements/dev.txt; \
	$$compile --constraints requirements/dev.txt --group test --extra all -o requirements/test.txt; \
	$$compile --constraints requirements/dev.txt --group demo --extra standard -o requirements/demo.txt; \
	$$compile --constraints requirements/dev.txt --group bench --extra all -o requirements/bench.txt; \
	$$(echo "$$compile" | sed 's/3[.]11/3.12/') --constraints requirements/dev.txt --group bolt --extra standard -o requirements/bolt.txt; \
	$$compile --constraints requirements/dev.txt --group peers --extra all -o requirements/peers.txt

clean: ## Remove what these commands made
	rm -rf .venv .venv-next .venv-bench .venv-bolt .venv-peers .venv-newest build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	rm -f django_matt/serialization/_encoder_c*.so django_matt/serialization/encoder.c
	rm -f django_matt/rows/_rows_c*.so django_matt/rows/_rows_c.c
