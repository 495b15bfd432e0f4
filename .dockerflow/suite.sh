#!/usr/bin/env bash
# Runs the project's own tests inside the container, without network: Dockerfile's target `test`.
#
#   suite.sh [argument...]     the arguments replace the target's CMD
#
# Needs bash and docker.
set -euo pipefail
cd "$(dirname "$0")/.."
image=dockerflow-suite-$$-$RANDOM
trap 'docker rm --force --volumes "$image" >/dev/null 2>&1; docker image rm "$image" >/dev/null 2>&1' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
docker build --quiet --target test --tag "$image" . >/dev/null
# in the background, so that a signal is heard at once
docker run --name "$image" --rm --init --network none "$image" "$@" &
wait $!
