#!/usr/bin/env bash
# Publishes an image that was built from this commit, and tested: tags it and pushes it to a registry.
#
#   publish.sh IMAGE REPOSITORY [TAG...]
#
# REPOSITORY is for instance docker.io/mozilla/project or us-docker.pkg.dev/project/images/project. Without a TAG it is the git tag
# that is being built, else `latest`. An image whose /app/version.json names another commit is refused.
# DOCKER_USER and DOCKER_PASS are the registry's user and password (for Google: _json_key and the key); they are not printed, and
# gone from the disk when this ends. Without them whoever is logged in publishes. Needs bash, docker and jq.
set +x # a trace would print the password
set -euo pipefail

fail() {
  echo "publish.sh: $*" >&2
  exit 1
}
[[ $# -ge 2 ]] || { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0" >&2; exit 2; }
image=$1 repository=$2
shift 2
facts=$("$(dirname "$0")/version.sh" env)
fact() { sed -n "s/^DOCKERFLOW_$1=//p" <<<"$facts"; }
if [[ $# -eq 0 ]]; then
  tag=$(fact VERSION)
  set -- "${tag:-latest}"
fi
for tag in "$@"; do
  [[ $tag =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] || fail "\"$tag\" cannot be an image's tag: letters, digits, dots, hyphens and underscores can"
done

work=$(mktemp -d)
container=
clean_up() {
  [[ -z $container ]] || docker rm --volumes "$container" >/dev/null
  rm -rf "$work"
}
trap clean_up EXIT

container=$(docker create "$image" -)
built=$(docker cp "$container:/app/version.json" - | tar -xOf - | jq -r .commit) || fail "$image has no version object"
commit=$(fact COMMIT)
[[ -n $commit && $built == "$commit" ]] || fail "$image was built from commit \"$built\", and this is commit \"$commit\""

if [[ -n ${DOCKER_USER:-} || -n ${DOCKER_PASS:-} ]]; then
  [[ -n ${DOCKER_USER:-} && -n ${DOCKER_PASS:-} ]] || fail 'of DOCKER_USER and DOCKER_PASS only one is set'
  export DOCKER_CONFIG=$work
  registry=${repository%%/*}
  [[ $registry == *[.:]* || $registry == localhost ]] || registry=docker.io
  printf %s "$DOCKER_PASS" | docker login --username "$DOCKER_USER" --password-stdin "$registry" >/dev/null 2>"$work/login" ||
    fail "$registry does not take DOCKER_USER and DOCKER_PASS: $(tail -n 1 "$work/login")"
fi
for tag in "$@"; do
  docker tag "$image" "$repository:$tag"
  docker push --quiet "$repository:$tag" >/dev/null
  echo "published $repository:$tag"
done
docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$image" | grep -F "$repository@" | sed 's/^/digest    /'
