# From source to a container that operations can run: https://github.com/mozilla-services/Dockerflow
#
#   .dockerflow/build.sh app:build                          the service, with what was built in it
#   docker build --target test -t app:test . && docker run --rm --network none app:test
#
# Nothing in it is particular to this project: it builds the one program of the default members of the workspace, or of the
# package. Where there are several programs: --build-arg PROGRAM=name.

# What the program is put into: libc, CA certificates, time zones; no shell.
# hadolint ignore=DL3006 # its version is in its name
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
# hadolint ignore=DL3008 # any git will do: the tests of the build facts make repositories
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends git && rm -rf /var/lib/apt/lists/*
COPY . .
ENV CARGO_NET_OFFLINE=true
ENTRYPOINT ["cargo"]
CMD ["test", "--locked"]

# The program, and what else the image holds, as /image.
FROM dependencies AS build
COPY . .
ARG PROGRAM
# What is built: .dockerflow/version.sh knows. Below the dependencies, which are the same for every commit.
ARG DOCKERFLOW_SOURCE
ARG DOCKERFLOW_VERSION
ARG DOCKERFLOW_COMMIT
ARG DOCKERFLOW_BUILD
RUN cargo build --locked --release --bins
COPY --from=base /etc/passwd /etc/group /image/etc/
# hadolint ignore=SC2086 # the names of the programs are words
RUN set -eu; \
    programs=${PROGRAM:-$(find target/release -maxdepth 1 -type f -executable -printf '%f ')}; \
    set -- $programs; \
    [ $# -eq 1 ] || { echo "one program is wanted, not $#: $*: give --build-arg PROGRAM=name" >&2; exit 1; }; \
    install -D --mode=755 "target/release/$1" "/image/app/$1"; \
    ln -s "$1" /image/app/service; \
    /image/app/service version > /image/app/version.json; \
    echo 'app:x:10001:' >> /image/etc/group; \
    echo 'app:x:10001:10001:app:/app:/usr/sbin/nologin' >> /image/etc/passwd; \
    mkdir /data

FROM base AS service
COPY --from=build /image /
# The service's own data, for `/app` is read-only to it.
COPY --from=build --chown=10001:10001 /data /data
VOLUME /data
WORKDIR /app
ENV PORT=8000
# This project's own, on the volume.
ENV DATABASE_URL=sqlite:/data/harbour.db
EXPOSE 8000
# hadolint ignore=DL3066 # Dockerflow wants the name
USER app
HEALTHCHECK --interval=10s --timeout=3s CMD ["/app/service", "healthcheck"]
ENTRYPOINT ["/app/service"]
CMD ["serve"]
ARG DOCKERFLOW_SOURCE
ARG DOCKERFLOW_VERSION
ARG DOCKERFLOW_COMMIT
ARG DOCKERFLOW_BUILD
LABEL org.opencontainers.image.source=$DOCKERFLOW_SOURCE \
      org.opencontainers.image.version=$DOCKERFLOW_VERSION \
      org.opencontainers.image.revision=$DOCKERFLOW_COMMIT \
      org.opencontainers.image.url=$DOCKERFLOW_BUILD
