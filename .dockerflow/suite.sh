#!/usr/bin/env bash
# Runs the project's own tests inside the container, without network: Dockerfile's target `test`.
#
#   suite.sh [docker build option...] [--] [argument...]      the arguments replace the target's CMD
#
# Give it the options that build.sh gets: then both share their layers. Needs bash and docker.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.dockerflow/docker.sh
. .dockerflow/docker.sh
split_options "$@"
image=dockerflow-suite-$$-$RANDOM
trap 'docker rm --force --volumes "$image" >/dev/null 2>&1; docker image rm "$image" >/dev/null 2>&1' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
build_image "${build_options[@]}" --quiet --target test --build-arg TEST_DEPENDENCIES=yes --tag "$image" >/dev/null
# in the background, so that a signal is handled at once
docker run --name "$image" --rm --init --network none "$image" "${rest[@]}" &
wait $!
