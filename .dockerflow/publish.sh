#!/usr/bin/env bash
# Publishes an image that was built from this commit, and tested: tags it and pushes it to a registry.
#
#   publish.sh IMAGE[,IMAGE...] REPOSITORY [TAG...]
#
# Several images are one of several architectures: each is pushed as TAG-<architecture>, and TAG leads to all of them.
# REPOSITORY is for example docker.io/mozilla/project or us-docker.pkg.dev/project/images/project. Without a TAG it is the git tag
# that is being built, else `latest`. A CI job for a branch publishes `latest` also if the branch's commit has a tag: the job of the tag
# publishes that. Refuses an image whose /app/version.json names another commit, or that was built with uncommitted
# changes. DOCKER_USER and DOCKER_PASS are the registry's user and password; they are not printed, and are not on the disk when this
# ends. Without them it uses the login that `docker` has, for example by a workload identity. Needs bash, docker and jq.
set +x # a trace would print the password
set -euo pipefail

fail() {
  echo "publish.sh: $*" >&2
  exit 1
}
[[ $# -ge 2 ]] || { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0" >&2; exit 2; }
IFS=, read -ra images <<<"$1"
repository=$2
shift 2
facts=$("$(dirname "$0")/version.sh" env)
fact() { sed -n "s/^DOCKERFLOW_$1=//p" <<<"$facts"; }
if [[ $# -eq 0 ]]; then
  tag=$("$(dirname "$0")/version.sh" tag 2>/dev/null)
  set -- "${tag:-latest}"
fi
for tag in "$@"; do
  [[ $tag =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] || fail "\"$tag\" cannot be an image's tag, which has letters, digits, dots, hyphens and underscores"
done

work=$(mktemp -d)
container=
clean_up() {
  [[ -z $container ]] || docker rm --volumes "$container" >/dev/null
  rm -rf "$work"
}
trap clean_up EXIT

commit=$(fact COMMIT)
for image in "${images[@]}"; do
  container=$(docker create "$image" -)
  built=$(docker cp --follow-link "$container:/app/version.json" - | tar -xOf - | jq -r .commit) ||
    fail "$image has no version object at /app/version.json"
  docker rm --volumes "$container" >/dev/null
  container=
  [[ -z $(docker image inspect --format '{{index .Config.Labels "dockerflow.dirty"}}' "$image") ]] ||
    fail "$image was built with changes that its commit \"$built\" does not hold: commit them, and build again"
  [[ -n $commit && $built == "$commit" ]] || fail "$image was built from commit \"$built\", and this is commit \"$commit\""
done

if [[ -n ${DOCKER_USER:-} || -n ${DOCKER_PASS:-} ]]; then
  [[ -n ${DOCKER_USER:-} && -n ${DOCKER_PASS:-} ]] || fail 'only one of DOCKER_USER and DOCKER_PASS is set'
  export DOCKER_CONFIG=$work
  registry=${repository%%/*}
  [[ $registry == *[.:]* || $registry == localhost ]] || registry=docker.io
  printf %s "$DOCKER_PASS" | docker login --username "$DOCKER_USER" --password-stdin "$registry" >/dev/null 2>"$work/login" ||
    fail "$registry refuses DOCKER_USER and DOCKER_PASS: $(tail -n 1 "$work/login")"
fi
for tag in "$@"; do
  pushed=()
  for image in "${images[@]}"; do
    name=$repository:$tag
    ((${#images[@]} == 1)) || name+=-$(docker image inspect --format '{{.Architecture}}' "$image")
    docker tag "$image" "$name"
    docker push --quiet "$name" >/dev/null
    pushed+=("$name")
  done
  if ((${#images[@]} == 1)); then
    digest=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$image" | grep -m 1 -F "$repository@")
  else
    docker manifest rm "$repository:$tag" >/dev/null 2>&1 || true
    # a registry on this machine has no certificate
    insecure=()
    [[ $repository != localhost[:/]* && $repository != 127.* ]] || insecure=(--insecure)
    docker manifest create "${insecure[@]}" "$repository:$tag" "${pushed[@]}" >/dev/null
    digest=$repository@$(docker manifest push "${insecure[@]}" --purge "$repository:$tag" | grep -m 1 -o 'sha256:[0-9a-f]*')
  fi
  echo "published $repository:$tag"
done
echo "digest    $digest"
