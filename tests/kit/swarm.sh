#!/usr/bin/env bash
# Tests deploy/swarm.yml in a Swarm of this machine's engine, with PostgreSQL and users on kept and new connections: rolling update,
# scaling, a killed task, an image that does not start. Prints TAP, and the requests of each event. Ten minutes.
#
#   swarm.sh [IMAGE]      the demo; app:build if none is given
#
# If the engine is in no Swarm, it makes one and leaves it again. Needs docker, python3, curl and jq, and the ports 8080 and 8081
# unless PORT and OPERATIONS name others.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kit/tap.sh
. "$here/tap.sh"
# shellcheck source=tests/kit/users.sh
. "$here/users.sh"

first=${1:-app:build}
stack=dockerflow-swarm-$$
work=$(mktemp -d)
export POSTGRES_PASSWORD=tiger PORT=${PORT:-8080} OPERATIONS=${OPERATIONS:-8081}
users='' ours=''
clean_up() {
  [[ -z $users ]] || kill "$users" 2>/dev/null || true
  docker stack rm "$stack" >/dev/null 2>&1 || true
  until [[ -z $(docker ps --quiet --filter "label=com.docker.stack.namespace=$stack") ]]; do sleep 0.5; done
  sleep 2 # the engine removes the containers a little later
  docker volume rm "${stack}_database" >/dev/null 2>&1 || true
  [[ -z $ours ]] || docker swarm leave --force >/dev/null
  docker image rm "$stack:two" "$stack:broken" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
shown() { "$@" >"$work/log" 2>&1 || { tail -n 20 "$work/log"; return 1; }; }

if [[ $(docker info --format '{{.Swarm.LocalNodeState}}') != active ]]; then
  docker swarm init --advertise-addr 127.0.0.1 >/dev/null
  ours=yes
fi
printf 'FROM %s\nLABEL two=2\n' "$first" | docker build --quiet --tag "$stack:two" - >/dev/null 2>&1
printf 'FROM %s\nENV PORT=no-port\n' "$first" | docker build --quiet --tag "$stack:broken" - >/dev/null 2>&1

deploy() { IMAGE=$1 docker stack deploy --resolve-image never --compose-file "$here/../../deploy/swarm.yml" "$stack" >"$work/deploy" 2>&1; }
ok 'the stack is deployed' deploy "$first"
is '... and the Swarm ignores no option' "$(grep -ci ignor "$work/deploy" || true)" 0
instances() { docker ps --quiet --filter "label=com.docker.swarm.service.name=${stack}_service" --filter health=healthy; }
# count NUMBER [FILTER]: waits until so many healthy instances run
count() {
  local deadline=$((SECONDS + 240))
  until (($(instances | wc -l) == $1)); do
    ((SECONDS < deadline)) || { docker service ps --no-trunc "${stack}_service"; docker service logs --tail 5 "${stack}_service"; return 1; }
    sleep 0.5
  done
}
ok 'three instances are healthy' count 3
url=http://127.0.0.1:$PORT
served() { curl --silent --fail --output /dev/null --retry 60 --retry-delay 1 --retry-all-errors "$url/"; }
ok 'users are served' served
is "operations' endpoints are not for users" "$(curl --silent --output /dev/null --write-out '%{http_code}' "$url/__heartbeat__")" 404
ok 'the gate lets it pass' "$here/../../deploy/gate.sh" "http://127.0.0.1:$OPERATIONS"
users_start "$url"
sleep 5
since 'nothing happens'
is '... and no request fails' "$failed" 0

# updated STATE...: waits until the update has ended in one of these
updated() {
  local deadline=$((SECONDS + 300)) state
  while true; do
    state=$(docker service inspect --format '{{.UpdateStatus.State}}' "${stack}_service" 2>/dev/null || true)
    [[ " $* " == *" $state "* ]] && return
    ((SECONDS < deadline)) || { echo "the update's state is \"$state\""; docker service ps --no-trunc "${stack}_service"; return 1; }
    sleep 0.5
  done
}
deploy "$stack:two"
sleep 1
ok 'a rolling update ends' updated completed
is '... all instances are new' "$(instances | xargs docker inspect --format '{{index .Config.Labels "two"}}' | sort | uniq -c | tr -s ' ')" ' 3 2'
sleep 10 # the last old one drains
since 'rolling update'
is '... and no request failed' "$failed" 0

docker service scale --detach "${stack}_service=12" >/dev/null
ok 'twelve instances are healthy' count 12
sleep 5
# asked: the instances that served a user. grep reads to the end, or `docker logs` fails with a broken pipe.
asked() { for instance in $(instances); do ! docker logs --since 60s "$instance" 2>&1 | grep '"path":"/"' >/dev/null || echo "$instance"; done; }
all_asked() {
  local deadline=$((SECONDS + 90))
  until (($(asked | wc -l) == 12)); do
    ((SECONDS < deadline)) || { echo "only these get requests: $(asked)"; return 1; }
    sleep 2
  done
}
ok '... each gets requests' all_asked
since 'scale up to twelve'
is '... and no request failed' "$failed" 0

docker service scale --detach "${stack}_service=3" >/dev/null
ok 'three are left' count 3
sleep 12
since 'scale down to three'
is '... and no request failed' "$failed" 0

victim=$(instances | head -n 1)
kill -9 "$(docker inspect --format '{{.State.Pid}}' "$victim")"
sleep 2
ok 'after kill -9 of one there are three again' count 3
sleep 5
since 'kill -9 of a task'
# Sixteen users have as many requests open; each of three instances has its part.
ok '... at most the requests on it failed' test "$failed" -le 16

deploy "$stack:broken"
sleep 1
ok 'an image that does not start is rolled back' updated rollback_completed
since 'an image that does not start'
is '... and no request failed' "$failed" 0
image=$stack:two
while ((all < 20000)); do
  if [[ $image == "$stack:two" ]]; then image=$first; else image=$stack:two; fi
  deploy "$image"
  sleep 1
  ok 'another rolling update ends' updated completed
  sleep 10
  since 'another rolling update'
  is '... and no request failed' "$failed" 0
done
echo "# $all requests in all"
finish
