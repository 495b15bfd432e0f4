# What a newcomer types. Each target calls what exists elsewhere.

.PHONY: help start test lint format image conformance

help: ## lists the targets
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' $(MAKEFILE_LIST) | expand -t 14

start: ## runs the demo at http://localhost:8000
	cargo run

test: ## runs the tests
	cargo test

lint: ## clippy, pedantic, every feature and target; the kit's files
	cargo clippy --workspace --all-features --all-targets --locked -- -D warnings
	tests/kit/run lint

format: ## formats the code
	cargo fmt --all

image: ## builds the image app:build
	.dockerflow/build.sh app:build

conformance: ## tests app:build against the specification
	.dockerflow/test.sh app:build
