#!/usr/bin/env bash
# Does deploy/compose.yml serve, and does it go on serving while its instances are replaced? Prints TAP.
#
#   deploy.sh [IMAGE]      app:build where it is not given
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kit/tap.sh
. "$here/tap.sh"

export IMAGE=${1:-app:build} ADDRESS=127.0.0.1:0
project=dockerflow-deploy-$$
work=$(mktemp -d)
if docker compose version >/dev/null 2>&1; then compose=(docker compose); else compose=(docker-compose); fi
compose() { "${compose[@]}" --project-name "$project" --file "$here/../../deploy/compose.yml" "$@" >>"$work/compose" 2>&1; }
users=
clean_up() {
  [[ -z $users ]] || kill "$users" 2>/dev/null || true
  compose down --volumes --timeout 1 || cat "$work/compose"
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
told() { "$@" || { tail -n 20 "$work/compose"; return 1; }; }

ok 'compose starts two instances and a load balancer' told compose up --detach --scale service=2
container() { docker ps --quiet --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.service=$1"; }
address=$(docker port "$(container load-balancer)" 8080/tcp | head -n 1)
mapfile -t instances < <(container service)
is 'two instances run' "${#instances[@]}" 2
status() { curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "http://$address$1"; }
# comes STATUS PATH: within 30 s
comes() {
  local deadline=$((SECONDS + 30)) found
  while ((SECONDS < deadline)); do
    found=$(status "$2") || true
    [[ $found == "$1" ]] && return
    sleep 0.2
  done
  echo "after 30 s $2 answers $found, expected $1"
  docker logs --tail 20 "$(container load-balancer)" 2>&1
  return 1
}
ok 'users are served' comes 200 /
is "operations' endpoints are not for users" "$(status /__heartbeat__)" 404
# healthy INSTANCE: waits until its HEALTHCHECK says so
healthy() {
  local deadline=$((SECONDS + 60))
  until [[ $(docker inspect --format '{{.State.Health.Status}}' "$1") == healthy ]]; do
    ((SECONDS < deadline)) || { docker inspect --format '{{json .State.Health}}' "$1"; return 1; }
    sleep 0.2
  done
}
for instance in "${instances[@]}"; do ok 'HEALTHCHECK says healthy' healthy "$instance"; done

# A user who asks all the time, while one instance after the other is stopped and started again.
while true; do
  status / || true
  echo
  sleep 0.02
done >"$work/answers" &
users=$!
for instance in "${instances[@]}"; do
  docker stop --time 30 "$instance" >/dev/null
  is 'an instance drains and ends with 0' "$(docker inspect --format '{{.State.ExitCode}}' "$instance")" 0
  docker start "$instance" >/dev/null
  ok '... and comes back' healthy "$instance"
  before=$(wc -l <"$work/answers")
  until (($(wc -l <"$work/answers") > before + 100)); do sleep 0.1; done # the load balancer sees it
done
kill $users
echo "# $(wc -l <"$work/answers") requests meanwhile"
is 'no request failed meanwhile' "$(sort "$work/answers" | uniq -c | grep -v ' 200$' || true)" ''
finish
