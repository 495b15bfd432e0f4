#!/usr/bin/env bash
# Tests build.sh and publish.sh in a project that is not ours, and not in Rust. Prints TAP.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kit/tap.sh
. "$here/tap.sh"
# shellcheck source=tests/kit/registry.sh
. "$here/registry.sh"

run=dockerflow-pipeline-$$
work=$(mktemp -d)
registry_process=
clean_up() {
  local left
  [[ -z $registry_process ]] || kill "$registry_process"
  mapfile -t left < <(docker image ls --quiet --filter "label=$run" | awk '!seen[$0]++')
  ((${#left[@]} == 0)) || docker image rm --force "${left[@]}" >/dev/null
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# none of the machine that runs this
for name in $(compgen -e | grep -E '^(CIRCLE|GITHUB_|GITLAB_|CI_|DOCKERFLOW_)'); do unset "$name"; done
export HOME=$work GIT_CONFIG_NOSYSTEM=1
git config --global user.name T
git config --global user.email t@example.org
git config --global init.defaultBranch main

mkdir "$work/project" && cd "$work/project"
cp -r "$here/../../.dockerflow" .
cp "$here/image/service" .
# as a program does that knows its own version
sed -e "s/^COPY .*/COPY service \/app\//" -e "/^LABEL/,/revision=/d" -e "/^HEALTHCHECK/i\\
LABEL $run=1\\
ARG DOCKERFLOW_SOURCE\\
ARG DOCKERFLOW_VERSION\\
ARG DOCKERFLOW_COMMIT\\
ARG DOCKERFLOW_BUILD\\
LABEL org.opencontainers.image.version=\$DOCKERFLOW_VERSION\\
USER root\\
RUN printf '{\"source\":\"%s\",\"version\":\"%s\",\"commit\":\"%s\",\"build\":\"%s\"}' \"\$DOCKERFLOW_SOURCE\" \"\${DOCKERFLOW_VERSION:-0.1.0}\" \"\$DOCKERFLOW_COMMIT\" \"\$DOCKERFLOW_BUILD\" > /app/version.json\\
USER app" "$here/image/Dockerfile" >Dockerfile
git init -q && git add . && git commit -qm one
git remote add origin https://user:hunter2@git.example.org/mozilla/project.git
commit=$(git rev-parse HEAD)

label() { docker image inspect --format "{{index .Config.Labels \"org.opencontainers.image.$1\"}}" "$run:build"; }
build() { .dockerflow/build.sh "$run:build" "$@" >"$work/out" 2>&1; }

ok 'build.sh builds' build
said=$(tail -n 7 "$work/out")
ok 'it says the name' holds "$said" "built   $run:build"
ok 'it says the id' holds "$said" "id      $(docker image inspect --format '{{.Id}}' "$run:build")"
ok 'it says the commit' holds "$said" "commit  $commit"
ok 'it says the source' holds "$said" 'source  https://git.example.org/mozilla/project'
is 'it does not say the password' "$(grep -c hunter2 "$work/out")" 0
is 'label revision' "$(label revision)" "$commit"
is 'label source' "$(label source)" https://git.example.org/mozilla/project
is 'without a tag, the label version is what the program says' "$(label version)" 0.1.0
git tag v1.0.0
ok 'at a tag' build
is '... label version is the tag' "$(label version)" v1.0.0
ok 'from another folder' env --chdir=/ "$PWD/.dockerflow/build.sh" "$run:build"
labels() { docker image inspect --format '{{json .Config.Labels}}' "$run:build" | jq -r 'keys[]' | grep -c "image.$1\$" || true; }
is '... an unknown fact is not a label' "$(labels url)" 0
ok 'in CI' env CIRCLECI=true CIRCLE_SHA1="$commit" CIRCLE_BUILD_URL=https://ci.example.org/7 .dockerflow/build.sh "$run:build"
is '... label url is the build' "$(label url)" https://ci.example.org/7
ok '... options go to docker build' build --label "more=1"
ok '... which heeds them' holds "$(docker image inspect "$run:build")" '"more": "1"'
ok 'the image that build.sh made keeps the specification' .dockerflow/test.sh --static /hello.txt "$run:build"
fails() {
  local text=$1
  shift
  ! "$@" || { echo 'it did not fail'; return 1; }
  holds "$(<"$work/out")" "$text"
}
# shellcheck disable=SC2016 # a script's arguments
for tag in release/1 v1+2; do
  ok "a tag that cannot be an image's, $tag, is refused before the build" fails "the version \"$tag\" cannot be an image's tag" \
    env DOCKERFLOW_VERSION="$tag" bash -c '.dockerflow/build.sh "$0" >"$1" 2>&1' "$run:build" "$work/out"
done
printf '# the build\nMORE=a value with spaces\n\nOTHER=1' >image.args
# shellcheck disable=SC2016 # Docker's variables
sed -i 's/^ARG DOCKERFLOW_SOURCE/ARG MORE\nARG OTHER\nLABEL more="$MORE" other="$OTHER"\n&/' Dockerfile
git add . && git commit -qm args && git tag --force v1.0.0 >/dev/null && commit=$(git rev-parse HEAD)
ok 'image.args are build arguments' build
ok '...' holds "$(docker image inspect "$run:build")" '"more": "a value with spaces"'
is '... to the last line' "$(docker image inspect --format '{{index .Config.Labels "other"}}' "$run:build")" 1
ok '... the command line wins' build --build-arg OTHER=2
is '...' "$(docker image inspect --format '{{index .Config.Labels "other"}}' "$run:build")" 2
cp image.args "$work/image.args" && printf '\nno value\n' >>image.args
ok '... and a line without a value is shown' fails 'image.args, line 5 is "no value", expected NAME=value' build
cp "$work/image.args" image.args
# shellcheck disable=SC2016 # a script's arguments
ok 'a secret without BuildKit is refused in a sentence' fails '--secret and --ssh need BuildKit' env DOCKER_BUILDKIT=0 bash -c \
  '.dockerflow/build.sh "$0" --secret id=netrc,src=/dev/null >"$1" 2>&1' "$run:build" "$work/out"
ok '... and one without an id, too' fails 'has no id' build --secret src=/dev/null
code=0
build --build-arg nonsense --no-such-option || code=$?
is 'a build that fails is an error' "$((code != 0))" 1
git clone -q . "$work/no-git" && rm -rf "$work/no-git/.git"
ok 'without git it builds, and knows nothing' "$work/no-git/.dockerflow/build.sh" "$run:no-git"
is '... not a placeholder' "$(docker run --rm --entrypoint cat "$run:no-git" /app/version.json)" '{"source":"","version":"0.1.0","commit":"","build":""}'

start_registry "$work"
publish() { .dockerflow/publish.sh "$@" >"$work/out" 2>&1; }
echo change >>service
build
ok 'an image with uncommitted changes is refused' fails 'was built with changes that its commit' publish "$run:build" "$registry/project"
git checkout -q service
echo new >untracked
build
ok '... with a new file, too' fails 'was built with changes' publish "$run:build" "$registry/project"
rm untracked
echo '{}' >version.json
build
is '... but not with the version.json that CI writes' "$(docker image inspect --format '{{index .Config.Labels "dockerflow.dirty"}}' "$run:build")" ''
rm version.json
build
ok 'without a login nothing is published' fails 'no basic auth credentials' publish "$run:build" "$registry/project"
export DOCKER_USER=$registry_user
ok 'a user without a password' fails 'only one of DOCKER_USER and DOCKER_PASS is set' publish "$run:build" "$registry/project"
DOCKER_PASS=wrong
export DOCKER_PASS
ok 'a wrong password' fails 'refuses DOCKER_USER and DOCKER_PASS' publish "$run:build" "$registry/project"
DOCKER_PASS=$registry_password
ok 'publish.sh publishes' publish "$run:build" "$registry/project"
ok '... by the git tag' holds "$(<"$work/out")" "published $registry/project:v1.0.0"
ok '... and says the digest' holds "$(<"$work/out")" "digest    $registry/project@sha256:"
# in_ci VARIABLE...: in a job of CircleCI for this commit
in_ci() { env CIRCLECI=true CIRCLE_SHA1="$commit" "$@" .dockerflow/publish.sh "$run:build" "$registry/project" >"$work/out" 2>&1; }
ok 'a job for a branch, whose commit has a tag' in_ci CIRCLE_BRANCH=main
ok '... publishes latest' holds "$(<"$work/out")" "published $registry/project:latest"
is '... and not the tag, which is the part of the job for it' "$(grep -c 'v1\.0\.0' "$work/out")" 0
ok 'a job for the tag' in_ci CIRCLE_TAG=v1.0.0
ok '... publishes the tag' holds "$(<"$work/out")" "published $registry/project:v1.0.0"
is '... alone' "$(grep -c published "$work/out")" 1
ok 'several tags' publish "$run:build" "$registry/project" latest stable
tags=$(curl -s --user "$registry_user:$registry_password" "http://$registry/v2/project/tags/list" | jq -c '.tags | sort')
is '... the registry has them' "$tags" '["latest","stable","v1.0.0"]'
ok 'traced' env BASH_ENV= bash -x .dockerflow/publish.sh "$run:build" "$registry/project" traced
bash -x .dockerflow/publish.sh "$run:build" "$registry/project" traced >"$work/out" 2>&1
is '... the password is not printed' "$(grep -c -e 's3cr' "$work/out")" 0
is 'the password is not kept' "$(grep -rlE "s3cr|$(printf %s "$registry_user:$registry_password" | base64)" "$work/.docker" 2>/dev/null | wc -l)" 0
ok 'a tag that cannot be one' fails 'cannot be an image' publish "$run:build" "$registry/project" release/1
# Two architectures under one tag: the second one is this image, said to be for another machine.
docker save "$run:build" >"$work/image.tar"
mkdir "$work/other" && tar -xf "$work/image.tar" -C "$work/other"
config=$(jq -r '.[0].Config' "$work/other/manifest.json")
jq -c '.architecture = "arm64"' "$work/other/$config" >"$work/other/new.json" && mv "$work/other/new.json" "$work/other/$config"
jq -c --arg tag "$run:arm64" '.[0].RepoTags = [$tag]' "$work/other/manifest.json" >"$work/other/new.json" && mv "$work/other/new.json" "$work/other/manifest.json"
rm -f "$work/other/repositories"
tar -cf - -C "$work/other" . | docker load --quiet >/dev/null
ok 'two architectures under one tag' publish "$run:build,$run:arm64" "$registry/project" both
ok '... and says the digest of both' holds "$(<"$work/out")" "digest    $registry/project@sha256:"
is '... the registry has them' "$(curl -s --user "$registry_user:$registry_password" --header 'Accept: application/vnd.docker.distribution.manifest.list.v2+json' \
  "http://$registry/v2/project/manifests/both" | jq -c '[.manifests[].platform.architecture] | sort')" '["amd64","arm64"]'
docker image rm --force "$run:arm64" "$registry/project:both-arm64" >/dev/null
id=$(docker image inspect --format '{{.Id}}' "$run:build")
docker image rm --force "$id" >/dev/null
export DOCKER_CONFIG=$work/pull
printf %s "$DOCKER_PASS" | docker login --username "$DOCKER_USER" --password-stdin "$registry" >/dev/null 2>&1
docker pull --quiet "$registry/project:v1.0.0" >/dev/null
is 'what is pulled is what was built' "$(docker image inspect --format '{{.Id}}' "$registry/project:v1.0.0")" "$id"
unset DOCKER_CONFIG
echo change >>service && git commit -qam two
ok 'an image of another commit is refused' fails "was built from commit \"$commit\"" publish "$registry/project:v1.0.0" "$registry/project"
git checkout -q v1.0.0
ok '... and one of this commit is not' publish "$registry/project:v1.0.0" "$registry/project" again
finish
