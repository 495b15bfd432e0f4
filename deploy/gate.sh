#!/usr/bin/env bash
# The gate of a deploy: waits until each instance is well, before the old ones go. Exits 1 if one is not, with its own reasons.
#
#   gate.sh [--commit COMMIT] [--within SECONDS] URL...
#
# URL is an instance, or a load balancer's port for operations: http://10.0.0.7:8000. Well is: /__heartbeat__ answers 200, and
# /__version__ has the commit, if one is given. It waits 60 s if nothing else is said. In Kubernetes, for a new pod:
#
#   kubectl port-forward pod/demo-… 18000:8000 &
#   deploy/gate.sh --commit "$(git rev-parse HEAD)" http://127.0.0.1:18000
#
# A probe or a load balancer must not ask /__heartbeat__: docs/health-checks.md says why. Needs bash, curl and jq.
set -euo pipefail
usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0" >&2
  exit 2
}
commit='' within=60
while [[ ${1:-} == -* ]]; do
  [[ $# -ge 2 ]] || usage
  case $1 in
    --commit) commit=$2 ;;
    --within) [[ $2 =~ ^[0-9]+$ ]] || usage; within=$2 ;;
    *) usage ;;
  esac
  shift 2
done
[[ $# -gt 0 ]] || usage

body=$(mktemp)
trap 'rm -f "$body"' EXIT
ask() { curl -q --silent --show-error --noproxy '*' --max-time 10 --output "$body" --write-out '%{http_code}' "$1" 2>&1; }
deadline=$((SECONDS + within))
for url in "$@"; do
  until
    status=$(ask "${url%/}/__heartbeat__") && [[ $status == 200 ]] && {
      [[ -z $commit ]] || { status=$(ask "${url%/}/__version__") && found=$(jq -r .commit "$body") && [[ $found == "$commit" ]]; }
    }
  do
    if ((SECONDS >= deadline)); then
      echo "gate.sh: after $within s $url is not well: ${status%000}${found+, its commit is $found, expected $commit}" >&2
      head -c 2000 "$body" >&2
      echo >&2
      exit 1
    fi
    sleep 0.5
  done
  echo "gate.sh: $url is well"
done
