# What can be done here, each by one word. Nothing but a Rust toolchain is needed beforehand.

CARGO ?= cargo

.PHONY: help run test lint bench screenshots tools
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Build and run with a demo agency, and print tokens and lines to try it with
	$(CARGO) run --release --locked -- demo

test: tools ## Install the servers that tests need, then run every test
	. .tools/env && $(CARGO) test --workspace --locked
	. .tools/env && tests/tools/check

lint: ## Formatting, clippy without warnings, licences and bans, docs without broken links
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked --quiet
	tests/tools/bans

bench: tools ## Measure, as ratios within one run, and print the table
	. .tools/env && benches/run

screenshots: tools ## Make the pictures of the README anew
	$(CARGO) build --locked
	. .tools/env && tests/tools/check screenshots

tools:
	@tests/tools/install
