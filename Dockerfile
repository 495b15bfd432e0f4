# From source to a container that operations can run: https://github.com/mozilla-services/Dockerflow
#
#   .dockerflow/build.sh app:build                          the service, with what was built in it
#   docker build --target test -t app:test . && docker run --rm --network none app:test
#
# Nothing in it is particular to this project: it builds the one program of the default members of the workspace, or of the
# package. Where there are several programs: --build-arg PROGRAM=name.

# What the program is put into: libc, CA certificates, time zones; no shell.
FROM gcr.io/distroless/cc-debian12 AS base

FROM rust:1.95-slim-bookworm AS chef
WORKDIR /src
ENV CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0
RUN cargo install cargo-chef --locked --version 0.1.77 --root /usr/local

# The dependencies as a recipe, which is the same as long as Cargo.toml and Cargo.lock are.
FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path /recipe.json

# The dependencies, compiled. `fetch` adds what only the tests need, for the test target has no network.
FROM chef AS dependencies
COPY --from=plan /recipe.json /recipe.json
RUN cargo chef cook --locked --release --recipe-path /recipe.json && cargo fetch --locked

# The test-suite, to be run without network. It compiles when it runs, so that building the service does not.
FROM dependencies AS test
COPY . .
ENV CARGO_NET_OFFLINE=true
ENTRYPOINT ["cargo"]
CMD ["test", "--locked"]

FROM dependencies AS build
COPY . .
ARG PROGRAM
# What is built: .dockerflow/version.sh knows. Below the dependencies, which are the same for every commit.
ARG DOCKERFLOW_SOURCE
ARG DOCKERFLOW_VERSION
ARG DOCKERFLOW_COMMIT
ARG DOCKERFLOW_BUILD
