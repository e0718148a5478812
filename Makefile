# SPDX-License-Identifier: Apache-2.0
# What there is to do in a checkout. `make run` and `make test` are all that a newcomer needs.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

RELEASE := packaging/build

.PHONY: help deps test-deps toolchain build deb test-host run test lint unit integration clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

deps: ## Install the Debian packages that the build needs and that are missing
	@packaging/dependencies build

test-deps:
	@packaging/dependencies build test peers

toolchain:
	@command -v swift >/dev/null || { \
	    echo 'error: no swift in PATH: install the Swift 6.3 toolchain, https://www.swift.org/install/linux/' >&2; \
	    exit 1; }

build: toolchain deps ## Build the release programs into .build/release
	$(RELEASE)

deb: toolchain ## Build the Debian package into .build/deb
	@packaging/deb

test-host: deb ## Boot Debian hosts with the package and try everything on them; as root, half an hour
	@packaging/test-host

run: toolchain ## Build, make a demo instance in ./demo and run it in the foreground
	@packaging/dependencies build demo
	$(RELEASE)
	@packaging/demo

test: toolchain test-deps ## Check the style, run the unit tests and the integration tests
	@Tests/run

lint: toolchain deps ## Check the style and the direction of the dependencies
	@Tests/run lint

unit: toolchain deps ## Run the unit tests alone
	@Tests/run unit

integration: toolchain test-deps ## Run the integration tests alone
	@Tests/run integration

clean: ## Remove what was built, and the demo instance
	rm -rf .build demo
	@packaging/demo --remove
