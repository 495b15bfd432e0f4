#!/usr/bin/env bash
# Tests that .dockerflow/test.sh passes what keeps the specification, whoever made it: services in Python (Flask, Django and FastAPI with
# the dockerflow of PyPI), Go, nginx, Java and Node. Prints TAP.
#
#   foreign.sh [flask|django|fastapi|go|nginx|java|node]...
#
# Needs docker, curl, jq, and Debian's and PyPI's packages.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kit/tap.sh
. "$here/tap.sh"
[[ $# -gt 0 ]] || set -- flask django fastapi go nginx java node

run=dockerflow-foreign-$$
work=$(mktemp -d)
clean_up() {
  docker image ls --format '{{.Repository}}:{{.Tag}}' "$run" | xargs --no-run-if-empty docker image rm --force >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
shown() { "$@" >"$work/log" 2>&1 || { tail -n 30 "$work/log"; return 1; }; }

# image NAME FOLDER [LINE]: builds it
image() {
  if [[ $1 == base ]]; then
    ok 'base: builds' shown docker build --tag "$run:base" "$here/foreign/base"
    return
  fi
  cp -r "$here/foreign/$2" "$work/$1"
  [[ $2 != python ]] || cp -r "$work/wheels" "$work/$1/"
  printf '%b' "${3:-}" >>"$work/$1/Dockerfile"
  ok "$1: builds" shown docker build --build-arg "BASE=$run:base" --tag "$run:$1" "$work/$1"
}
# passes NAME [test.sh option...]: every sentence is ok
passes() {
  local name=$1 code=0
  shift
  "$here/../../.dockerflow/test.sh" --static /hello.txt "$@" "$run:$name" >"$work/$name.tap" 2>&1 || code=$?
  is "$name: the exit code" "$code" 0
  is "$name: no sentence is not ok" "$(sed -n '/^not ok/,/^\(ok\|1\.\.\)/{/^not ok/p;/^#/p;}' "$work/$name.tap")" ''
}
image base base
mkdir "$work/wheels"
case " $* " in
  *" flask "* | *" django "* | *" fastapi "*)
    # downloaded here and not in the image, for what the image trusts is not what this machine trusts
    ok 'packages of PyPI' shown python3 -m pip download --quiet --only-binary=:all: --python-version 3.11 --dest "$work/wheels" \
      dockerflow==2026.3.4 SQLAlchemy Flask==3.1.3 Django==5.2.19 fastapi==0.165.0 uvicorn==0.54.0 waitress==3.0.2
    ;;
esac
for name in "$@"; do
  case $name in
    flask | fastapi) image "$name" python "CMD [\"with_$name.py\"]\n" && passes "$name" ;;
    django) image django python 'ENV HOST_NAME=shop.example.org\nCMD ["with_django.py"]\n' && passes django --host shop.example.org ;;
    node)
      image node node
      code=0
      "$here/../../.dockerflow/test.sh" --static /hello.txt --stop 3 "$run:node" >"$work/node.tap" 2>&1 || code=$?
      is 'node: the exit code' "$code" 0
      is 'node: it gets two recommendations' "$(sed -n 's/^not ok [0-9]* - //p' "$work/node.tap")" \
        $'it logs to standard output in mozlog # TODO recommended\nit ends within 3 s of SIGTERM, with exit code 0 or 143 # TODO recommended'
      ;;
    *) image "$name" "$name" && passes "$name" ;;
  esac
done
finish
