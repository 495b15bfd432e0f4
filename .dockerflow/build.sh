#!/usr/bin/env bash
# Builds the image of the project and prints what it built. version.sh finds out what is being built; the image contains it.
#
#   build.sh [IMAGE] [docker build option...]
#
# IMAGE is app:build if none is given. The Dockerfile gets DOCKERFLOW_SOURCE, _VERSION, _COMMIT and _BUILD as build arguments, as far
# as they are known, and the lines of the file `image.args` (see Dockerfile). The image's labels are its /app/version.json, whoever
# wrote that; a fact that is unknown is not a label. For private dependencies and registries, with BuildKit, see docs/container.md:
#
#   build.sh app:build --secret id=netrc,src=$HOME/.netrc --ssh default
#
# A git tag that cannot be an image's tag is refused before the build. An image of a tree with uncommitted changes is labelled
# dockerflow.dirty, and publish.sh refuses it. Needs bash, docker and jq.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=.dockerflow/docker.sh
. .dockerflow/docker.sh

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
version=$(sed -n 's/^DOCKERFLOW_VERSION=//p' <<<"$facts")
[[ -z $version || $version =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] ||
  fail "the version \"$version\" cannot be an image's tag, which has letters, digits, dots, hyphens and underscores: rename the git tag, or set DOCKERFLOW_VERSION"
# What CI writes into the context is not a change.
if changes=$(git status --porcelain -- . ':!version.json' 2>/dev/null) && [[ -n $changes ]]; then
  arguments+=(--label dockerflow.dirty=true)
  echo "build.sh: publish.sh will refuse this image, because these changes are not committed:" >&2
  head -n 5 <<<"$changes" >&2
fi
build_image --tag "$image" "${arguments[@]}" "$@"

container=$(docker create "$image" -)
trap 'docker rm --volumes "$container" >/dev/null' EXIT
version=$(docker cp --follow-link "$container:/app/version.json" - | tar -xOf -)
labels=()
while IFS= read -r label; do
  found=$(docker image inspect --format "{{index .Config.Labels \"${label%%=*}\"}}" "$image")
  [[ $found == "${label#*=}" ]] || labels+=(--label "$label")
done < <(jq -r '{source, version, revision: .commit, url: .build} | to_entries[] | select((.value // "") != "")
  | "org.opencontainers.image.\(.key)=\(.value)"' <<<"$version")
if ((${#labels[@]})); then
  # by the engine's own builder, which has the image
  printf 'FROM %s\n' "$image" | BUILDX_BUILDER=default docker build --quiet --tag "$image" "${labels[@]}" - >/dev/null
fi

docker image inspect --format "built   $image
id      {{.Id}}
size    {{.Size}} bytes" "$image"
jq -r '"source  \(.source)", "version \(.version)", "commit  \(.commit)", "build   \(.build)"' <<<"$version"
