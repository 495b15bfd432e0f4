#!/usr/bin/env bash
# Tests that `podman kube play` plays deploy/kubernetes.yaml: the service starts, with its environment, its secret and its volume.
# Prints TAP.
#
#   podman.sh [IMAGE]      the demo; app:build if none is given
#
# Two things are changed in the file: one replica, because podman would publish each on the same port, and no probe, because podman
# runs a probe as a shell command inside the container, and our image has no shell. The secret is SQLite on the volume. Needs podman 4.3,
# runc, docker with the image, jq, curl, python3.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kit/tap.sh
. "$here/tap.sh"

image=${1:-app:build}
work=$(mktemp -d)
podman() { command podman --root "$work/root" --runroot "$work/run" --storage-driver vfs "$@"; }
clean_up() {
  podman pod rm --all --force >/dev/null 2>&1 || true
  podman volume rm --all --force >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
shown() { "$@" >"$work/log" 2>&1 || { tail -n 20 "$work/log"; return 1; }; }
command -v podman >/dev/null || { skip 'podman kube play' 'podman is not installed'; finish; exit; }

# podman raises the limit of open files to the kernel's, which a machine without that privilege refuses.
cat >"$work/runtime" <<'RUNTIME'
#!/usr/bin/env bash
previous=''
for argument in "$@"; do
  if [[ $previous == --bundle || $previous == -b ]]; then
    jq 'del(.process.rlimits)' "$argument/config.json" >"$argument/config.new"
    mv "$argument/config.new" "$argument/config.json"
  fi
  previous=$argument
done
exec runc "$@"
RUNTIME
chmod +x "$work/runtime"
cat >"$work/containers.conf" <<END
[engine]
runtime = "unlimited"
cgroup_manager = "cgroupfs"
events_logger = "file"
[engine.runtimes]
unlimited = ["$work/runtime"]
END
export CONTAINERS_CONF=$work/containers.conf

docker tag "$image" dockerflow-podman:test
docker save dockerflow-podman:test | podman load --quiet >/dev/null
docker image rm dockerflow-podman:test >/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# as podman 4.3 keeps a secret with several keys
printf '{"database-url": "%s"}' "$(printf sqlite:/data/harbour.db | base64)" | podman secret create demo - >/dev/null
python3 - "$here/../../deploy/kubernetes.yaml" "$port" >"$work/kubernetes.yaml" <<'END'
import re
import sys

text = open(sys.argv[1]).read()
text, probes = re.subn(r"          (startup|liveness|readiness)Probe:.*\n(?:            .*\n)+", "", text)
assert probes == 3
text = text.replace("replicas: 3", "replicas: 1").replace("docker.io/mozilla/demo:v0.1.0", "localhost/dockerflow-podman:test")
print(text.replace("containerPort: 8000}", "containerPort: 8000, hostPort: %s}" % sys.argv[2]))
END
ok 'podman kube play plays the file' shown podman kube play "$work/kubernetes.yaml"
container=$(podman ps --quiet --filter name=service)
answers() { curl --silent --fail --output /dev/null --retry 30 --retry-delay 1 --retry-all-errors "http://127.0.0.1:$port$1" || { podman logs "$container"; return 1; }; }
ok 'the service starts' answers /__lbheartbeat__
ok '... and serves' answers /
ok '/__heartbeat__ is 200' answers /__heartbeat__
environment=$(podman inspect --format '{{json .Config.Env}}' "$container")
ok 'its environment holds' holds "$environment" DOCKERFLOW_DRAIN_DELAY=5s
ok 'its secret holds' holds "$environment" DATABASE_URL=sqlite:/data/harbour.db
curl --silent --output /dev/null "http://127.0.0.1:$port/api/entries" --json '{"name": "Ada", "home": "", "message": "Ahoy"}'
podman restart "$container" >/dev/null
ok 'it starts again' answers /
is '... and its volume holds what was written' "$(curl --silent "http://127.0.0.1:$port/api/entries" | jq .total)" 1
is 'it runs as 10001' "$(podman top "$container" huser | tail -n 1)" 10001
podman stop --time 30 "$container" >/dev/null
is 'it ends with exit code 0' "$(podman inspect --format '{{.State.ExitCode}}' "$container")" 0
finish
