#!/usr/bin/env bash
# Tests the five stages of the specification's picture: commits, builds and tests, publishes, deploys the registry's image, and finds the
# commit of the first stage in what runs. Prints TAP. It is the pipeline of circle.yml with a registry on this machine.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kit/tap.sh
. "$here/tap.sh"
# shellcheck source=tests/kit/registry.sh
. "$here/registry.sh"

run=dockerflow-stages-$$
work=$(mktemp -d)
registry_process='' registry=''
clean_up() {
  docker rm --force --volumes "$run" >/dev/null 2>&1 || true
  docker image rm --force "$run:build" "$registry/demo:v9.9.9" >/dev/null 2>&1 || true
  [[ -z $registry_process ]] || kill "$registry_process"
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for name in $(compgen -e | grep -E '^(CIRCLE|GITHUB_|GITLAB_|CI_|DOCKERFLOW_)'); do unset "$name"; done
shown() { "$@" >"$work/log" 2>&1 || { tail -n 40 "$work/log"; return 1; }; }

# (1) A developer commits and tags. It is a clone, so that what is not committed takes no part.
git clone --quiet "$here/../.." "$work/clone" && cd "$work/clone"
git config user.name T && git config user.email t@example.org
git commit --quiet --allow-empty --message 'A stage' && git tag v9.9.9
git remote set-url origin git@github.com:mozilla/demo.git
commit=$(git rev-parse HEAD)
ok '(1) the tag names the commit' holds "$(.dockerflow/version.sh)" "\"version\":\"v9.9.9\",\"commit\":\"$commit\""

# (2) CI builds the container and tests it.
start=$SECONDS
ok '(2) CI builds the image' shown .dockerflow/build.sh "$run:build"
echo "# in $((SECONDS - start)) s"
container=$(docker create "$run:build")
docker cp --follow-link "$container:/app/service" "$work/program" >/dev/null
docker rm --volumes "$container" >/dev/null
ok '(2) the program lists its packages' holds "$("$here/packages.py" "$work/program" 2>&1)" 'dockerflow-runtime '
ok '(2) the image keeps the specification' shown .dockerflow/test.sh "$run:build"

# (3) CI publishes it.
start_registry "$work"
export DOCKER_USER=$registry_user DOCKER_PASS=$registry_password
ok '(3) CI publishes it under the tag' shown .dockerflow/publish.sh "$run:build" "$registry/demo"
id=$(docker image inspect --format '{{.Id}}' "$run:build")
docker image rm --force "$run:build" "$registry/demo:v9.9.9" >/dev/null
is '(3) and it is gone from this machine' "$(docker image ls --quiet "$registry/demo") $(docker image ls --quiet "$run")" ' '

# (4) Operations pull it and start it.
export DOCKER_CONFIG=$work/operations
printf %s "$DOCKER_PASS" | docker login --username "$DOCKER_USER" --password-stdin "$registry" >/dev/null 2>&1
ok '(4) operations pull it' shown docker pull --quiet "$registry/demo:v9.9.9"
is '(4) it is what was built' "$(docker image inspect --format '{{.Id}}' "$registry/demo:v9.9.9")" "$id"
ok '(4) and start it' shown docker run --detach --name "$run" --read-only --cap-drop ALL --security-opt no-new-privileges \
  --publish 127.0.0.1::8000 "$registry/demo:v9.9.9"
address=$(docker port "$run" 8000/tcp | head -n 1)
until curl --silent --fail --output /dev/null "http://$address/__lbheartbeat__"; do
  [[ $(docker inspect --format '{{.State.Running}}' "$run") == true ]] || { docker logs "$run"; break; }
  sleep 0.05
done

answered=$(date +%s%N)
healthy_soon() {
  local milliseconds
  until [[ $(docker inspect --format '{{.State.Health.Status}}' "$run") == healthy ]]; do
    milliseconds=$((($(date +%s%N) - answered) / 1000000))
    ((milliseconds < 30000)) || break
  done
  milliseconds=$((($(date +%s%N) - answered) / 1000000))
  echo "healthy $milliseconds ms after the first answer"
  ((milliseconds <= 2000))
}
ok '(4) it is healthy at most 2 s after its first answer' healthy_soon

# (5) Users are served, and what runs is known.
is '(5) users are served' "$(curl --silent --output /dev/null --write-out '%{http_code}' "http://$address/")" 200
is '(5) /__heartbeat__ is ok' "$(curl --silent "http://$address/__heartbeat__" | jq -r .status)" ok
is '(5) /__version__ has the commit of stage 1' "$(curl --silent "http://$address/__version__" | jq -r .commit)" "$commit"
is '(5) ... and its tag' "$(curl --silent "http://$address/__version__" | jq -r .version)" v9.9.9
is '(5) /app/version.json has it' "$(docker cp "$run:/app/version.json" - | tar -xOf - | jq -r .commit)" "$commit"
is '(5) the label has it' "$(docker inspect --format '{{index .Config.Labels "org.opencontainers.image.revision"}}' "$run")" "$commit"
finish
