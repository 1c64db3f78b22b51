# The one entrance for people and for CI: `make help` lists what can be done.
# Each target installs the Debian packages that it needs, as root or with sudo; else it says which are missing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help build test simulate chaos demo bench lint deb check-packages packages-build packages-test packages-bench packages-deb venv clean

SWIFT ?= swift
VENV := .build/venv
RELEASE := .build/release

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: packages-build ## build .build/release/scaleodm and the node simulator, optimised, with the Swift runtime inside
	$(SWIFT) build -c release --static-swift-stdlib -Xlinker --strip-debug --product scaleodm
	$(SWIFT) build -c release --static-swift-stdlib --product NodeODMSimulator

test: packages-test venv ## run everything: unit tests, live tests, and the conformance suite with PyODM
	scripts/test.sh

SEEDS ?= 10000
simulate: packages-build ## live through 10,000 simulated worlds (SEEDS=…), or one (SCALEODM_SEED=…): docs/reliability.md
	$(SWIFT) build -c release -Xswiftc -enable-testing --scratch-path .build/simulation --product Simulation
	.build/simulation/release/Simulation --processes $$(nproc) \
		$(if $(SCALEODM_SEED),--seed $(SCALEODM_SEED) --trace 2000,--seeds $(SEEDS))

TASKS ?= 500
chaos: packages-test venv build ## 500 tasks (TASKS=…) while everything is killed, frozen and cut off (SEED=…): docs/reliability.md
	SCALEODM_BINARIES=$(abspath $(RELEASE)) PYTHONPATH=Tests/Chaos $(VENV)/bin/python -m chaos --tasks $(TASKS) $(if $(SEED),--seed $(SEED))

demo: build ## two simulated nodes, the gateway and a task from images to results, explained on the way
	$(RELEASE)/scaleodm demo

bench: packages-bench build ## measure the gateway beside nginx
	Benchmarks/run.sh

lint: packages-build ## check the layout and the style of the Swift sources
	$(SWIFT) format lint --strict --recursive Sources Tests Package.swift

deb: build packages-deb ## make .build/scaleodm_VERSION_ARCHITECTURE.deb and let lintian judge it
	@package=$$(packaging/debian/build.sh $(RELEASE)/scaleodm .build) && \
	lintian --allow-root --fail-on error,warning $$package && echo $$package

check-packages: ## say which Debian packages are missing; install nothing
	@scripts/install-packages.sh --check build test bench deb

packages-build:
	@scripts/install-packages.sh build

packages-test:
	@scripts/install-packages.sh build test

packages-deb:
	@scripts/install-packages.sh build deb

packages-bench:
	@scripts/install-packages.sh build bench

venv: $(VENV)/installed

$(VENV)/installed: Tests/Conformance/requirements.txt | packages-test
	@rm -rf $(VENV)
	@mkdir -p .build
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement Tests/Conformance/requirements.txt
	@touch $@

clean: ## remove everything that was built
	rm -rf .build
