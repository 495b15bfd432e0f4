#!/usr/bin/env bash
# Replaces the instances of deploy/compose.yml by those of a new image, without a failed request: starts as many new ones, waits until
# the gate has passed them, then stops the old ones one after the other. If the gate refuses one, the old ones stay.
#
#   IMAGE=app:build POSTGRES_PASSWORD=… roll.sh [docker compose option...]
#
# Give it the options that `up` got, for example --project-name. Needs bash, docker, docker compose, curl and jq, and an engine on this
# machine, for the gate asks each instance at its own address.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
compose+=(--file "$here/compose.yml" "$@")

mapfile -t old < <("${compose[@]}" ps --quiet service)
((${#old[@]})) || { echo 'roll.sh: no instance runs; start them first' >&2; exit 1; }
"${compose[@]}" up --detach --no-recreate --no-deps --scale "service=$((2 * ${#old[@]}))" service
mapfile -t new < <("${compose[@]}" ps --quiet service | grep -vxF "$(printf '%s\n' "${old[@]}")")
address() { docker inspect --format '{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}' "$1" | grep -m 1 .; }
urls=()
for instance in "${new[@]}"; do urls+=("http://$(address "$instance"):8000"); done
if ! "$here/gate.sh" "${urls[@]}"; then
  docker rm --force --volumes "${new[@]}" >/dev/null
  echo 'roll.sh: the new instances are gone, the old ones serve' >&2
  exit 1
fi
sleep 3 # the load balancer finds them
for instance in "${old[@]}"; do
  docker stop --time 30 "$instance" >/dev/null
  docker rm --volumes "$instance" >/dev/null
done
echo "roll.sh: ${#old[@]} instances were replaced"
