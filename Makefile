# The front door of the repository; `make` alone prints what there is. Every target first brings its tools up to date.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

PYTHON ?= $(shell command -v python3 || command -v python3.11 || echo python3)
BOOTSTRAP = PYTHONPATH=tools/bootstrap/src PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m bootstrap
RUN = .venv/bin/python
UV = .tools/python/bin/uv
WORKSPACE = $(RUN) -m workspace
MIGRATE = $(RUN) -m api_common.migrations

# The service that was named, or every one that keeps tables.
DATABASES = $(addprefix --service ,$(or $(SERVICE),$(notdir $(patsubst %/migrations,%,$(wildcard services/*/src/*/migrations)))))
SINCE = $(if $(BASE),--base $(BASE))
service-needed = $(or $(SERVICE),$(error name the service: make $@ SERVICE=auth_service$(1)))

# Tests of the workspace's own commands start Pants on a small repository of their own.
export WORKSPACE_PANTS := $(CURDIR)/pants

ifdef PORT
export PURSER_PORT := $(PORT)
endif
ifdef BASE_IMAGE
export BASE_IMAGE
endif
ifdef DATA_DIR
export PURSER_DATA_DIR := $(abspath $(DATA_DIR))
endif

.PHONY: help
help: ## Print this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^## / { printf "\n%s\n", substr($$0, 4) } \
		/^[a-z][a-z-]*:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

## Run

.PHONY: run-api
run-api: runtime ## Serve everything in one process on http://127.0.0.1:8000 [PORT=8000] [DATA_DIR=folder]
	@$(RUN) -m api_gateway.main

.PHONY: run-service
run-service: development ## Serve one service alone, with reload: SERVICE=analytics_api [PORT=8003] [DATA_DIR=folder]
	@$(WORKSPACE) run $(call service-needed,)

.PHONY: run-services
run-services: development ## Serve each service in a process of its own, on PostgreSQL and behind Traefik [PORT=8000] [DATA_DIR=folder]
	@$(WORKSPACE) run

.PHONY: backup restore
backup: runtime ## Copy the data folder, while Purser runs: TO=folder [DATA_DIR=folder]
	@$(RUN) -m api_gateway.backup create '$(or $(TO),$(error name the folder: make $@ TO=/mnt/backups/monday))'
restore: runtime ## Put a backup into an empty data folder: FROM=folder [DATA_DIR=folder]
	@$(RUN) -m api_gateway.backup restore '$(or $(FROM),$(error name the backup: make $@ FROM=/mnt/backups/monday))'

.PHONY: migrate-upgrade migrate-downgrade migrate-history migrate-current migrate-create
migrate-upgrade: runtime ## Bring the tables to the newest revision [SERVICE=name] [DATA_DIR=folder]
	@$(MIGRATE) upgrade $(DATABASES)
migrate-downgrade: runtime ## Take the tables one revision back [SERVICE=name] [DATA_DIR=folder]
	@$(MIGRATE) downgrade $(DATABASES)
migrate-history: runtime ## List the revisions [SERVICE=name]
	@$(MIGRATE) history $(DATABASES)
migrate-current: runtime ## Print the revision that each database is at [SERVICE=name] [DATA_DIR=folder]
	@$(MIGRATE) current $(DATABASES)
migrate-create: development ## Write a revision from the models: SERVICE=name MESSAGE='what changes'
	@$(MIGRATE) create --service $(call service-needed, MESSAGE='what changes') \
		--message '$(or $(MESSAGE),$(error say what changes: make $@ SERVICE=$(SERVICE) MESSAGE='what changes'))'
	@.venv/bin/ruff check --fix --quiet services/$(SERVICE)/src/*/migrations
	@.venv/bin/ruff format --quiet services/$(SERVICE)/src/*/migrations

## Check

.PHONY: test
test: pants-ready ## Run every test, by Pants; what did not change comes from its cache
	@./pants test ::

.PHONY: test-affected lint-affected package-affected
test-affected: pants-ready ## Run the tests that the changes since BASE can break [BASE=main]
	@$(WORKSPACE) run-affected test $(SINCE)
lint-affected: pants-ready ## Check style and declarations of what changed since BASE [BASE=main]
	@$(WORKSPACE) run-affected lint $(SINCE)
package-affected: pants-ready ## Build the artefacts that the changes since BASE affect [BASE=main]
	@$(WORKSPACE) run-affected package $(SINCE)

.PHONY: affected why
affected: pants-ready ## List the packages, tests and artefacts that changed or can break [BASE=main] [JSON=1]
	@$(WORKSPACE) affected $(SINCE) $(if $(JSON),--json)
why: pants-ready ## Print the chain from a change to a target: TARGET=services/auth_service [BASE=main] [JSON=1]
	@$(WORKSPACE) why $(or $(TARGET),$(error name the target: make $@ TARGET=services/auth_service)) $(SINCE) $(if $(JSON),--json)

.PHONY: graph
graph: pants-ready ## Draw the packages and what connects them: dist/graph.html, one page [FORMAT=html|json|text]
	@$(WORKSPACE) graph $(if $(FORMAT),--format $(FORMAT),--output dist/graph.html)

.PHONY: coverage
coverage: development ## Print the coverage of each package; under 80 % fails [PACKAGE=libs/config]
	@$(WORKSPACE) coverage $(PACKAGE)

.PHONY: lint
lint: development ## Check style, format, declared dependencies, and that packages are built as their templates say
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --check --quiet .
	@$(WORKSPACE) declared
	@$(WORKSPACE) anatomy

.PHONY: format
format: development ## Format, and mend what can be mended
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format .

.PHONY: type-check
type-check: development ## Check the types of every package and of all tests, strictly [PACKAGE=libs/config]
	@$(WORKSPACE) type-check $(PACKAGE)

.PHONY: boundaries
boundaries: pants-ready ## Check that nothing imports what it may not, that such an import is refused, and each package alone
	@./pants dependencies :: > /dev/null
	@.venv/bin/lint-imports --no-logo
	@$(WORKSPACE) boundaries

.PHONY: corpus
corpus: runtime ## Import every statement file of a folder and compare what comes of it: CORPUS=folder [URL=http://…]
	@$(WORKSPACE) corpus $(or $(CORPUS),$(error name the folder: make $@ CORPUS=folder)) $(if $(URL),--url $(URL))

.PHONY: bench
bench: development ## Measure: every package's benchmarks [PACKAGE=libs/api_common]
	@$(WORKSPACE) bench $(PACKAGE)

## Build

.PHONY: package
package: pants-ready ## Build dist/: a PEX of every service, one file that runs; purser.pex holds all of them
	@./pants --tag=-image package ::

.PHONY: images
images: pants-ready ## Build a container image of every service, and `purser` with all of them [SERVICE=name] [BASE_IMAGE=…@sha256:…]
	@$(WORKSPACE) images $(SERVICE)

.PHONY: test-images
test-images: images ## Start the images on a real PostgreSQL behind Traefik, walk the journey, kill one, measure
	@.venv/bin/pytest --quiet -s docker/tests

.PHONY: compose-secrets
compose-secrets: development ## Make the secrets of docker/compose.yaml that are missing [SECRETS=folder]
	@$(WORKSPACE) compose-secrets $(if $(SECRETS),--folder $(SECRETS))

.PHONY: smoke
smoke: package ## Start every built PEX in an empty folder and ask for its /health
	@$(WORKSPACE) smoke

.PHONY: wheels
wheels: development ## Build every wheel, install all of them outside the workspace and start the platform from them
	@$(WORKSPACE) wheels

## Release

.PHONY: api-check release
api-check: development ## Fail when a public face changed since its last release and the version does not say so
	@$(WORKSPACE) api
release: development ## Print which packages would be released, as what and why; APPLY=1 writes, commits and tags
	@$(WORKSPACE) release $(if $(APPLY),--apply)

.PHONY: test-lowest test-consumers
test-lowest: development ## Test libraries with the lowest versions that they declare [PACKAGE=libs/config]
	@$(WORKSPACE) lowest $(PACKAGE)
test-consumers: development ## Test the last released services on the libraries as they are [SERVICE=name]
	@$(WORKSPACE) consumers $(SERVICE)

.PHONY: sbom audit
sbom: development ## Write dist/sbom/: a bill of materials (CycloneDX) for each service
	@$(WORKSPACE) sbom
audit: development ## Ask the database of vulnerabilities about every locked distribution; needs the network
	@$(WORKSPACE) audit

## Add

# What follows from there being one package more: the lock, the environment, the generated files.
IN_STEP = $(UV) lock --quiet && $(MAKE) --silent pants-ready && $(WORKSPACE) sync
DESCRIBED = $(if $(DESCRIPTION),--description $(call quoted,$(DESCRIPTION))) $(if $(OWNER),--owner $(call quoted,$(OWNER)))
quoted = '$(subst ','\'',$(1))'
new-name = '$(or $(NAME),$(error name the package: make $@ NAME=$(1)))'

.PHONY: new-service new-lib update-package test-generators
new-service: pants-ready ## Make a service: NAME=plan_service PORT=8020 [RESOURCE=plan] [TABLES=no] [DESCRIPTION=…] [OWNER=…]
	@$(WORKSPACE) new-service $(call new-name,plan_service PORT=8020) $(DESCRIBED) \
		$(if $(filter no,$(TABLES)),--no-tables) $(if $(RESOURCE),--resource '$(RESOURCE)') \
		--port '$(or $(PORT),$(error give it a port: make $@ NAME=$(NAME) PORT=8020))'
	@$(IN_STEP)
new-lib: pants-ready ## Make a library: NAME=loan_math [DESCRIPTION=…] [OWNER=…]
	@$(WORKSPACE) new-lib $(call new-name,loan_math) $(DESCRIBED)
	@$(IN_STEP)
update-package: pants-ready ## Merge into a package what has changed in its template since it was made: NAME=plan_service
	@$(WORKSPACE) update-package $(call new-name,plan_service)
	@$(IN_STEP)

test-generators: pants-ready ## Make packages of each kind in a copy of the repository and see them pass every gate
	@$(WORKSPACE) try-generators

## Keep in step

.PHONY: sync
sync: pants-ready ## Write every generated file anew
	@$(WORKSPACE) sync

.PHONY: sync-check
sync-check: pants-ready ## Fail when a generated file is stale
	@$(WORKSPACE) sync --check

.PHONY: lock
lock: tools ## Resolve the dependencies anew: uv.lock, and the lock of Pants that is derived from it [UPGRADE=package]
	@# Before uv reads them; an environment that is too old for that has nothing to add.
	@$(WORKSPACE) lists 2>/dev/null || true
	@$(UV) lock $(if $(UPGRADE),--upgrade-package $(UPGRADE))
	@$(MAKE) --silent pants-ready
	@$(WORKSPACE) lock

.PHONY: lock-check
lock-check: development ## Fail when the two locks and the declarations disagree
	@$(UV) lock --check --quiet
	@$(WORKSPACE) lock --check

## Install

.PHONY: install
install: runtime ## Install what running the services needs

.PHONY: dev-install
dev-install: pants-ready ## Install everything: tests, linters, Pants, and the commit hooks
	@.venv/bin/prek install --quiet

.PHONY: clean
clean: ## Remove what was built and cached; the environment and the tools stay
	@rm -rf dist coverage .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .pants.d/workdir
	@find docker libs services tools tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The bootstrap's goals; each takes well under a second when nothing changed.
.PHONY: tools runtime development pants-ready bootstrap-pants
tools:
	@$(BOOTSTRAP) tools
runtime:
	@$(BOOTSTRAP) runtime
development:
	@$(BOOTSTRAP) development
pants-ready bootstrap-pants:
	@$(BOOTSTRAP) pants
