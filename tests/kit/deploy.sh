#!/usr/bin/env bash
# Tests deploy/compose.yml, roll.sh and gate.sh: three instances with PostgreSQL serve, and go on serving while they are replaced by a new
# image. Prints TAP.
#
#   deploy.sh [IMAGE]      the demo; app:build if none is given
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kit/tap.sh
. "$here/tap.sh"
# shellcheck source=tests/kit/users.sh
. "$here/users.sh"
deploy=$here/../../deploy

export IMAGE=${1:-app:build} ADDRESS=127.0.0.1:0 OPERATIONS=127.0.0.1:0 POSTGRES_PASSWORD=tiger
first=$IMAGE
project=dockerflow-deploy-$$
work=$(mktemp -d)
if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
compose() { "${compose[@]}" --project-name "$project" --file "$deploy/compose.yml" "$@" >>"$work/compose" 2>&1; }
users=''
clean_up() {
  [[ -z $users ]] || kill "$users" 2>/dev/null || true
  compose down --volumes --timeout 1 || cat "$work/compose"
  docker image rm "$project:two" "$project:broken" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
shown() { "$@" || { tail -n 20 "$work/compose"; return 1; }; }
printf 'FROM %s\nLABEL two=2\n' "$first" | docker build --quiet --tag "$project:two" - >/dev/null
printf 'FROM %s\nENV DATABASE_URL=mysql://nowhere PORT=9999\n' "$first" | docker build --quiet --tag "$project:broken" - >/dev/null

ok 'compose starts three instances, a load balancer and a database' shown compose up --detach --scale service=3
container() { docker ps --quiet --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$1"; }
is 'three instances run' "$(container service | wc -l)" 3
address=$(docker port "$(container load-balancer)" 8080/tcp | head -n 1)
operations=$(docker port "$(container load-balancer)" 8081/tcp | head -n 1)
status() { curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "http://$1"; }
# comes STATUS URL: within 60 s
comes() {
  local deadline=$((SECONDS + 60)) found
  while ((SECONDS < deadline)); do
    found=$(status "$2") || true
    [[ $found == "$1" ]] && return
    sleep 0.2
  done
  echo "after 60 s $2 answers $found, expected $1"
  docker logs --tail 20 "$(container load-balancer)" 2>&1
  return 1
}
ok 'users are served' comes 200 "$address/"
is "operations' endpoints are not for users" "$(status "$address/__heartbeat__")" 404
ok 'monitoring asks at a port of its own' comes 200 "$operations/__heartbeat__"
is '... which serves nothing else' "$(status "$operations/")" 404
# healthy INSTANCE: waits until its HEALTHCHECK says so
healthy() {
  local deadline=$((SECONDS + 60))
  until [[ $(docker inspect --format '{{.State.Health.Status}}' "$1") == healthy ]]; do
    ((SECONDS < deadline)) || { docker inspect --format '{{json .State.Health}}' "$1"; return 1; }
    sleep 0.2
  done
}
for instance in $(container service); do ok 'HEALTHCHECK says healthy' healthy "$instance"; done

# The gate.
commit=$(curl --silent "http://$operations/__version__" | jq -r .commit)
ok 'the gate lets what is well pass' "$deploy/gate.sh" --commit "$commit" "http://$operations"
refuses() {
  local text=$1 output code=0
  shift
  output=$("$deploy/gate.sh" --within 2 "$@" 2>&1) || code=$?
  [[ $code == 1 ]] || { echo "exit code $code: $output"; return 1; }
  holds "$output" "$text"
}
ok 'the gate refuses another commit' refuses "its commit is $commit, expected ffff" --commit ffff "http://$operations"
ok 'the gate refuses what does not answer' refuses 'is not well' http://127.0.0.1:1
docker stop --time 5 "$(container database)" >/dev/null
ok 'the gate refuses while the database is down, and shows why' refuses '"database":"error"' "http://$operations"
is '... and no instance is taken out for that' "$(status "$address/about")" 200
compose start database
ok '... and it is well again' comes 200 "$operations/__heartbeat__"

users_start "http://$address"
sleep 3
since 'nothing happens'
is '... and no request fails' "$failed" 0
IMAGE=$project:two
ok 'roll.sh replaces the instances' shown "$deploy/roll.sh" --project-name "$project"
since 'all instances are replaced by a new image'
is '... and no request failed' "$failed" 0
is '... they are new' "$(container service | xargs docker inspect --format '{{index .Config.Labels "two"}}' | tr '\n' ' ')" '2 2 2 '
old=$(container service | sort)
IMAGE=$project:broken
broken() { ! "$deploy/roll.sh" --project-name "$project" >"$work/log" 2>&1 || { echo 'it did not fail'; return 1; }; }
ok 'roll.sh refuses an image that is not well' broken
is '... and the old instances stay' "$(container service | sort)" "$old"
since 'an image that is not well'
is '... and no request failed' "$failed" 0
finish
