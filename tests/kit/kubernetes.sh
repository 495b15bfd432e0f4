#!/usr/bin/env bash
# Tests the probes of deploy/kubernetes.yaml as a kubelet asks them, with the path, port, period and time-out that the file has: through
# start, a dead database and the drain. Prints TAP.
#
#   kubernetes.sh [IMAGE]      the demo; app:build if none is given
#
# Needs docker, curl, jq, and a python3 with PyYAML.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kit/tap.sh
. "$here/tap.sh"

image=${1:-app:build}
run=dockerflow-kubernetes-$$
work=$(mktemp -d)
clean_up() {
  docker rm --force --volumes "$run" "$run-database" >/dev/null 2>&1 || true
  docker network rm "$run" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

for python in python3 /usr/bin/python3; do
  "$python" -c 'import yaml' 2>/dev/null && break
done
"$python" -c 'import json, sys, yaml; json.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout)' <"$here/../../deploy/kubernetes.yaml" >"$work/file.json"
pod() { jq -r ".[] | select(.kind == \"Deployment\") | .spec.template.spec$1" "$work/file.json"; }
of() { pod ".containers[0].$1.$2 // $3"; }
# The path that each probe asks is one and the same.
for name in startupProbe livenessProbe readinessProbe; do
  is "$name asks /__lbheartbeat__" "$(of $name httpGet.path '""')" /__lbheartbeat__
done
delay=$(pod '.containers[0].env[] | select(.name == "DOCKERFLOW_DRAIN_DELAY") | .value')
grace=$(pod '.terminationGracePeriodSeconds')

docker network create "$run" >/dev/null
docker run --detach --name "$run-database" --network "$run" --env POSTGRES_USER=demo --env POSTGRES_PASSWORD=tiger postgres:15-bookworm >/dev/null
until docker exec "$run-database" psql -h /tmp -U demo -c 'SELECT 1' >/dev/null 2>&1; do sleep 0.3; done
# shellcheck disable=SC2016 # a variable of jq
port=$(pod '.containers[0] as $container | $container.ports[] | select(.name == $container.readinessProbe.httpGet.port) | .containerPort')
started=$(date +%s%N)
docker run --detach --name "$run" --network "$run" --read-only --cap-drop ALL --security-opt no-new-privileges \
  --user "$(pod .securityContext.runAsUser):$(pod .securityContext.runAsGroup)" --publish "127.0.0.1::$port" \
  --env DOCKERFLOW_DRAIN_DELAY="$delay" --env DATABASE_URL=postgres://demo:tiger@"$run-database"/demo "$image" >/dev/null
address=$(docker port "$run" "$port/tcp" | head -n 1)

# probe NAME: asks once, as a kubelet; success is a status from 200 to 399 in time
probe() {
  local status
  status=$(curl --silent --output /dev/null --max-time "$(of "$1" timeoutSeconds 1)" --user-agent kube-probe/1.31 --header 'Connection: close' \
    --header 'Accept: */*' --write-out '%{http_code}' "http://$address$(of "$1" httpGet.path '""')") || true
  echo "$1: $status" >"$work/probe"
  ((status >= 200 && status < 400))
}
fails() { ! probe "$1" || { echo "$1 succeeds"; return 1; }; }
succeeds() { probe "$1" || { cat "$work/probe"; return 1; }; }
# within_threshold: the startup probe succeeds before the kubelet would kill the container
within_threshold() {
  local tries
  for ((tries = 0; tries < $(of startupProbe failureThreshold 3); tries++)); do
    probe startupProbe && return
    sleep "$(of startupProbe periodSeconds 10)"
  done
  docker logs "$run" 2>&1 | tail -n 5
  return 1
}
heartbeat() { curl --silent --output /dev/null --max-time 10 --write-out '%{http_code}' "http://$address/__heartbeat__" || true; }
becomes() {
  local deadline=$((SECONDS + 60)) found
  until found=$(heartbeat) && [[ $found == "$1" ]]; do
    ((SECONDS < deadline)) || { echo "/__heartbeat__ answers $found"; return 1; }
    sleep 0.2
  done
}
ok 'start: the startup probe succeeds in time' within_threshold
echo "# after $((($(date +%s%N) - started) / 1000000)) ms"
for name in livenessProbe readinessProbe; do ok "start: $name succeeds" succeeds $name; done
ok 'start: /__heartbeat__ is 200' becomes 200

docker stop --time 5 "$run-database" >/dev/null
ok 'database down: /__heartbeat__ is 503' becomes 503
for name in startupProbe livenessProbe readinessProbe; do ok "database down: $name succeeds" succeeds $name; done
docker start "$run-database" >/dev/null
ok 'database up: /__heartbeat__ is 200' becomes 200

docker kill --signal TERM "$run" >/dev/null
sleep "$(of readinessProbe periodSeconds 10)"
ok 'drain: after a period the readiness probe fails' fails readinessProbe
is 'drain: users are served all the same' "$(curl --silent --output /dev/null --max-time 5 --write-out '%{http_code}' "http://$address/")" 200
is 'drain: it ends with exit code 0' "$(timeout "$grace" docker wait "$run")" 0
finish
