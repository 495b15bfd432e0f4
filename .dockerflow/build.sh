#!/usr/bin/env bash
# Builds the image of the project and says what it made. What is being built is in it: version.sh finds that out.
#
#   build.sh [IMAGE] [docker build option...]
#
# IMAGE is app:build where it is not given. The Dockerfile gets DOCKERFLOW_SOURCE, _VERSION, _COMMIT and _BUILD as build arguments,
# as far as they are known. The labels of the image become those of its /app/version.json, whoever wrote that.
# Needs bash, docker and jq.
set -euo pipefail
cd "$(dirname "$0")/.."

image=app:build
if [[ $# -gt 0 && $1 != -* ]]; then
  image=$1
  shift
fi

arguments=()
facts=$(.dockerflow/version.sh env)
while IFS= read -r fact; do
  [[ -z ${fact#*=} ]] || arguments+=(--build-arg "$fact")
done <<<"$facts"
docker build --tag "$image" "${arguments[@]}" "$@" .

container=$(docker create "$image" -)
trap 'docker rm --volumes "$container" >/dev/null' EXIT
version=$(docker cp "$container:/app/version.json" - | tar -xOf -)
labels=()
while IFS= read -r label; do
  found=$(docker image inspect --format "{{index .Config.Labels \"${label%%=*}\"}}" "$image")
  [[ $found == "${label#*=}" ]] || labels+=(--label "$label")
done < <(jq -r '{source, version, revision: .commit, url: .build} | to_entries[] | select(.value)
  | "org.opencontainers.image.\(.key)=\(.value)"' <<<"$version")
if ((${#labels[@]})); then
  printf 'FROM %s\n' "$image" | docker build --quiet --tag "$image" "${labels[@]}" - >/dev/null
fi

docker image inspect --format "built   $image
id      {{.Id}}
size    {{.Size}} bytes" "$image"
jq -r '"source  \(.source)", "version \(.version)", "commit  \(.commit)", "build   \(.build)"' <<<"$version"
