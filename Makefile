# Everything goes through these few words; each installs what it needs first (scripts/setup.sh says what).

.DEFAULT_GOAL := help
.PHONY: help demo bench counts test conformance fuzz build release format lint clean setup setup-tests setup-bench

SOURCES := Package.swift Sources Tests Fuzz
# The Swift libraries go into the executable, so that it runs where no Swift is installed.
RELEASE := --configuration release --static-swift-stdlib --product dbtool

help: ## This list
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' $(MAKEFILE_LIST) | expand -t 18

demo: release ## Migrate, seed and pool on a throwaway PostgreSQL; options: make demo ARGS="--duration 10s"
	@.build/release/dbtool demo $(ARGS)

bench: setup-bench release ## dbtool's speed beside its peers; options: make bench ARGS="pool --quick --json FILE --html FILE"
	@.build/release/dbtool ephemeral --set max_connections=600 -- python3 Benchmarks/run.py $(ARGS)

counts: setup-bench release ## Allocations and reference counting per transaction, against their ceilings; options: make counts ARGS="--top"
	@.build/release/dbtool ephemeral -- python3 Benchmarks/allocations.py $(ARGS)

test: setup-tests ## All tests and the format lint; some of them: make test ARGS="--filter Borrowing"
	swift build --product dbtool
	swift test $(ARGS)
	@$(MAKE) --no-print-directory lint

conformance: build ## The pool beside PostgreSQL, by all drivers; options: make conformance ARGS="--only psycopg3"
	@scripts/conformance.sh $(ARGS)

fuzz: ## Fuzzes decoders and the session machine; options: make fuzz ARGS="--seconds 600 sessions"
	@scripts/fuzz.sh $(ARGS)

build: setup ## The debug executable, .build/debug/dbtool
	swift build --product dbtool

release: setup ## The release executable, .build/release/dbtool
	swift build $(RELEASE)

format: ## Puts the sources into the project's format
	swift format format --in-place --parallel --recursive $(SOURCES)

lint: ## Checks the format
	swift format lint --strict --parallel --recursive $(SOURCES)

clean: ## Removes what was built
	rm -rf .build

setup:
	@scripts/setup.sh

setup-tests:
	@scripts/setup.sh --tests

setup-bench:
	@scripts/setup.sh --bench
