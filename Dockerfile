# From source to a container that operations can run: https://github.com/mozilla-services/Dockerflow
#
#   .dockerflow/build.sh app:build      the service
#   .dockerflow/suite.sh                its tests, in the container
#
# Nothing here belongs to one project. What a project needs beyond the defaults stands in its file `image.args`, as lines
# NAME=value, which both scripts pass as build arguments. Every argument may be left out:
#
#   BUILD_PACKAGES   Debian packages that compiling needs:           pkg-config libssl-dev
#   RUN_PACKAGES     Debian packages that the program needs:         libpq5
#   TEST_PACKAGES    Debian packages that only the tests need:       git
#   CARGO_FLAGS      for each build:                                 --package shop --features tls
#   PROFILE          Cargo's profile (release)
#   PROGRAM          the program, if the workspace has several:      shop
#   FILES            files and folders that go to /app:              static templates
#   WORKDIR          the folder that the program starts in (/app); /data is writable

# The base of the image: libc, CA certificates, time zones; no shell.
# hadolint ignore=DL3006 # its version is in its name
FROM gcr.io/distroless/cc-debian12 AS base

FROM rust:1.95-slim-bookworm AS chef
WORKDIR /src
ENV CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0
# Without optimisation they compile in half the time, and they only start compilers.
RUN cargo install --debug --locked --root /usr/local cargo-chef@0.1.77 cargo-auditable@0.7.7
ARG BUILD_PACKAGES
# hadolint ignore=DL3008,SC2086 # the project names its packages, as words
RUN if [ -n "$BUILD_PACKAGES" ]; then apt-get update -qq && \
    apt-get install -y -qq --no-install-recommends $BUILD_PACKAGES && rm -rf /var/lib/apt/lists/*; fi

# The dependencies as a recipe, which changes only if Cargo.toml or Cargo.lock do.
FROM chef AS plan
COPY . .
RUN cargo chef prepare --recipe-path /recipe.json

# The dependencies, compiled. `fetch` adds those of the tests, which run without network.
FROM chef AS dependencies
ARG CARGO_FLAGS
ARG PROFILE=release
COPY --from=plan /recipe.json /recipe.json
# hadolint ignore=SC2086 # flags are words
RUN cargo chef cook --locked --profile "$PROFILE" $CARGO_FLAGS --recipe-path /recipe.json && cargo fetch --locked

# The test suite. suite.sh sets TEST_DEPENDENCIES, which makes its dependencies a layer, too: a change of the sources then compiles
# none of them. It is an argument because the classic builder builds this stage even if nobody wants it.
FROM dependencies AS test
ARG TEST_PACKAGES
# hadolint ignore=DL3008,SC2086
RUN if [ -n "$TEST_PACKAGES" ]; then apt-get update -qq && \
    apt-get install -y -qq --no-install-recommends $TEST_PACKAGES && rm -rf /var/lib/apt/lists/*; fi
ARG TEST_DEPENDENCIES
ARG CARGO_FLAGS
# hadolint ignore=SC2086
RUN if [ -n "$TEST_DEPENDENCIES" ]; then cargo chef cook --locked --tests $CARGO_FLAGS --recipe-path /recipe.json; fi
COPY . .
ENV CARGO_NET_OFFLINE=true
ENTRYPOINT ["cargo"]
CMD ["test", "--locked"]

# The packages that the program needs and the base does not have, with those that they need, as /image.
FROM rust:1.95-slim-bookworm AS packages
COPY --from=base / /base
ARG RUN_PACKAGES
# hadolint ignore=DL3003,DL3008,DL4006,SC2086
RUN set -e; mkdir -p /image/etc /debs; cp /base/etc/passwd /base/etc/group /image/etc/; \
    echo 'app:x:10001:' >> /image/etc/group; \
    echo 'app:x:10001:10001:app:/app:/usr/sbin/nologin' >> /image/etc/passwd; \
    [ -n "$RUN_PACKAGES" ] || exit 0; \
    apt-get update -qq; \
    apt-get install -y -qq --no-install-recommends --download-only -o Dir::State::status=/dev/null \
      -o Dir::Cache::archives=/debs $RUN_PACKAGES; \
    for deb in /debs/*.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x -C /debs --exclude=./usr/share/doc \
      --exclude=./usr/share/info --exclude=./usr/share/lintian --exclude=./usr/share/locale --exclude=./usr/share/man; done; \
    cd /debs; rm -f ./*.deb; rm -rf lock partial; \
    for folder in bin lib lib64 sbin; do \
      [ ! -d "$folder" ] || { mkdir -p "usr/$folder"; cp -a "$folder/." "usr/$folder/"; rm -rf "$folder"; }; \
    done; \
    find . ! -type d | while read -r file; do \
      if [ -e "/base/$file" ] || [ -e "/base/${file#./usr/}" ]; then rm "$file"; fi; \
    done; \
    find . -mindepth 1 -type d -empty -delete; \
    cp -an . /image/

# The program, and what else belongs into /app, as /image.
FROM dependencies AS build
COPY . .
ARG CARGO_FLAGS
ARG PROFILE=release
ARG PROGRAM
ARG FILES
# The facts of the build, from .dockerflow/version.sh. They stand below the dependencies, which are the same for every commit.
ARG DOCKERFLOW_SOURCE
ARG DOCKERFLOW_VERSION
ARG DOCKERFLOW_COMMIT
ARG DOCKERFLOW_BUILD
# hadolint ignore=SC2086
RUN if [ -n "$PROGRAM" ]; then set -- --bin "$PROGRAM"; else set -- --bins; fi; \
    cargo auditable build --locked --profile "$PROFILE" $CARGO_FLAGS "$@"
# hadolint ignore=SC2086 # names of programs and files are words
RUN set -e; \
    case $PROFILE in dev | test) folder=target/debug ;; bench) folder=target/release ;; *) folder=target/$PROFILE ;; esac; \
    set -- ${PROGRAM:-$(find "$folder" -maxdepth 1 -type f -executable ! -name '*.so' -printf '%f ')}; \
    [ $# -eq 1 ] || { echo "$# programs were built: $*; name one: PROGRAM=name in image.args, or --build-arg PROGRAM=name" >&2; exit 1; }; \
    install -D --mode=755 "$folder/$1" "/image/app/$1"; \
    [ "$1" = service ] || ln -s "$1" /image/app/service; \
    for file in $FILES; do cp -r "$file" /image/app/; done; \
    "/image/app/$1" version > /image/app/version.json; \
    chmod -R a+rX,go-w /image/app; \
    mkdir /data

FROM base AS service
COPY --from=packages /image /
COPY --from=build /image /
# The service's own data; everything else is read-only to it.
COPY --from=build --chown=10001:10001 /data /data
VOLUME /data
ARG WORKDIR=/app
WORKDIR $WORKDIR
ENV PORT=8000
EXPOSE 8000
# hadolint ignore=DL3066 # Dockerflow wants the name
USER app
# A program that lacks a shared library ends the build here: add the library's Debian package to RUN_PACKAGES.
RUN ["/app/service", "version"]
# Healthy within 2 s of the first answer, unhealthy after 30 s without one. Each check is a process.
HEALTHCHECK --interval=1.5s --timeout=3s --retries=20 CMD ["/app/service", "healthcheck"]
ENTRYPOINT ["/app/service"]
CMD ["serve"]
