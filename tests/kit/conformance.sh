#!/usr/bin/env bash
# Tests that .dockerflow/test.sh finds each fault, and nothing else. It is run on an image that is right, and on images that are wrong
# in one way each. Prints TAP. They run four at a time, which also tests that they do not get in each other's way.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kit=$here/../../.dockerflow
# shellcheck source=tests/kit/tap.sh
. "$here/tap.sh"

run=dockerflow-kit-$$
work=$(mktemp -d)
clean_up() {
  local left
  trap '' INT TERM
  mapfile -t left < <(jobs -p)
  ((${#left[@]} == 0)) || kill "${left[@]}" 2>/dev/null || true
  wait
  mapfile -t left < <(docker ps --all --quiet --filter "label=$run")
  ((${#left[@]} == 0)) || docker rm --force --volumes "${left[@]}" >/dev/null
  mapfile -t left < <(docker network ls --quiet --filter "label=$run")
  ((${#left[@]} == 0)) || docker network rm "${left[@]}" >/dev/null
  mapfile -t left < <(docker image ls --quiet --filter "label=$run" | awk '!seen[$0]++')
  ((${#left[@]} == 0)) || docker image rm --force "${left[@]}" >/dev/null
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

build() { DOCKER_BUILDKIT=0 docker build --quiet --label "$run" --tag "$run:$1" "$2" >/dev/null 2>"$work/build" || { cat "$work/build"; exit 1; }; }
build right "$here/image"

names=() expected=() recommended=() options=()
# image NAME BROKEN RECOMMENDED DOCKERFILE [test.sh option...]: the image `right` with these additional lines breaks the sentences of
# these descriptions, a line each, and no other, and does not follow these recommendations.
image() {
  local name=$1
  names+=("$name") expected+=("$2") recommended+=("$3")
  mkdir "$work/$name"
  printf 'FROM %s:right\n%b\n' "$run" "$4" >"$work/$name/Dockerfile"
  shift 4
  options+=("$*")
}
fault() { printf 'ENV FAULT="%s"' "$1"; }

image right '' '' ''
image root 'Dockerfile: USER is app' '' 'USER root'
image uid 'Dockerfile: the user app has the UID 10001 and is a member of the group app' '' \
  'USER root\nRUN usermod --uid 10002 app\nUSER app'
image gid 'Dockerfile: the group app has the GID 10001' '' 'USER root\nRUN groupmod --gid 10002 app\nUSER app'
image no-member 'Dockerfile: the user app has the UID 10001 and is a member of the group app' '' \
  'USER root\nRUN usermod --gid users app\nUSER app'
image no-cmd 'Dockerfile: both ENTRYPOINT and CMD are there' '' 'ENTRYPOINT ["/app/service"]\nCMD []'
image no-entrypoint 'Dockerfile: both ENTRYPOINT and CMD are there' '' 'ENTRYPOINT []\nCMD ["/app/service"]'
image empty-app 'Dockerfile: the sources or the program are in /app' '' \
  'USER root\nRUN mv /app/service /service\nUSER app\nHEALTHCHECK CMD ["/service", "healthcheck"]\nENTRYPOINT ["/service"]\nCMD ["serve"]'
image port "it listens on \$PORT" '' "$(fault 'ignores PORT')"
image fixed-port "it listens on \$PORT" "it listens on 8000 if no \$PORT is given" "$(fault 'listens on 3000')"
unreachable='/__version__ responds with the contents of /app/version.json
/__heartbeat__ responds with 200, or 5xx on error
/__lbheartbeat__ responds with 200 within 5 s
it serves its own static content'
image loopback "it listens on all interfaces"$'\n'"$unreachable" '' "$(fault 'binds to loopback')"
image ipv6 "it listens on all interfaces"$'\n'"$unreachable" '' "$(fault 'binds to IPv6 alone')"
image no-answer "$unreachable" '' "$(fault 'never answers')" --start 8
image halfway '/__heartbeat__ responds with 200, or 5xx on error' '' "$(fault 'ends halfway')"
image redirects "$(head -n 3 <<<"$unreachable")" '/__lbheartbeat__ responds with 200 to HEAD' "$(fault redirects)"
image slow-lbheartbeat '/__lbheartbeat__ responds with 200 within 5 s' \
  $'/__lbheartbeat__ responds with 200 to HEAD\nthe probes respond within 1 s' "$(fault 'lbheartbeat takes 6 s')"
image page-for-all 'the probes are not answered by a page for every path' '/__heartbeat__ responds with JSON' "$(fault 'a page for every path')"
image empty-for-all 'the probes are not answered by a page for every path' '/__heartbeat__ responds with JSON' \
  "$(fault 'an empty answer for every path')"
image own-host "$unreachable" '/__lbheartbeat__ responds with 200 to HEAD' 'ENV HOST_NAME=shop.example.org'
image no-version 'there is a JSON version object at /app/version.json' '' 'USER root\nRUN rm /app/version.json\nUSER app'
image bad-version 'there is a JSON version object at /app/version.json' '' \
  'USER root\nRUN echo "{\"version\":" > /app/version.json\nUSER app'
image version-type 'there is a JSON version object at /app/version.json' '' \
  'USER root\nRUN echo "{\"source\":\"\",\"version\":1,\"commit\":null}" > /app/version.json\nUSER app'
image version-key 'there is a JSON version object at /app/version.json' '' \
  'USER root\nRUN echo "{\"source\":\"\",\"version\":\"\"}" > /app/version.json\nUSER app'
image version-differs '/__version__ responds with the contents of /app/version.json' '' "$(fault 'version differs')"
image label "the image's labels are the version object's" '' 'LABEL org.opencontainers.image.revision=ffff'
image heartbeat '/__heartbeat__ responds with 200, or 5xx on error' '' "$(fault 'heartbeat 404')"
image lbheartbeat '/__lbheartbeat__ responds with 200 within 5 s' '/__lbheartbeat__ responds with 200 to HEAD' "$(fault 'lbheartbeat 204')"
image static 'it serves its own static content' '' "$(fault 'no static content')"
image silent 'it sends text logs to standard output or standard error' 'it logs to standard output in mozlog' "$(fault 'is silent')"
image bytes 'it sends text logs to standard output or standard error' 'it logs to standard output in mozlog' "$(fault 'logs bytes')"
image unhealthy 'HEALTHCHECK reports healthy' '' "$(fault unhealthy)"
image not-starting 'it starts with nothing but environment variables' '' "$(fault 'does not start')"
# what the specification does not mention is right, and a recommendation changes no exit code
image right-link '' '' 'USER root\nRUN mkdir -p /srv/release && mv /app/* /srv/release && rmdir /app && ln -s /srv/release /app\nUSER app'
image right-file-link '' '' 'USER root\nRUN mv /app/version.json /etc/release.json && ln -s /etc/release.json /app/version.json\nUSER app'
image right-start '' '' "$(fault 'starts slowly')"
image right-jvm '' '' "$(fault 'ends as a JVM')"
image right-host '' '' 'ENV HOST_NAME=shop.example.org' --host shop.example.org
image right-page '' '' "$(fault 'a page for the other paths')"
image sigterm '' 'it ends within 3 s of SIGTERM, with exit code 0 or 143' "$(fault 'ignores SIGTERM')" --stop 3
image exit-code '' 'it ends within 10 s of SIGTERM, with exit code 0 or 143' "$(fault 'ends with 3')"
image slow-probe '' 'the probes respond within 1 s' "$(fault 'lbheartbeat takes 2 s')"
image plain-log '' 'it logs to standard output in mozlog' "$(fault 'logs plain text')"
image text-heartbeat '' '/__heartbeat__ responds with JSON' "$(fault 'heartbeat is no JSON')"
image no-head '' '/__lbheartbeat__ responds with 200 to HEAD' "$(fault 'no HEAD')"
image two-processes '' 'it is one process' "$(fault 'two processes')"
image writes '' 'it runs on a read-only file system, without capabilities' "$(fault 'writes to its files')"
image writable '' 'the user app has no more than read access to the files in /app' 'USER root\nRUN chown app /app/service\nUSER app'
image no-healthcheck '' 'HEALTHCHECK reports healthy' 'HEALTHCHECK NONE'
image unknown-version '' 'the version object knows source, version, commit and build' \
  'USER root\nRUN sed -i "s|\"build\":\"[^\"]*\"|\"build\":\"\"|" /app/version.json\nUSER app'

# An image whose heartbeat looks at a backing service, which is another container: it is stopped and started.
docker network create --label "$run" "$run" >/dev/null
backing() {
  docker run --detach --name "$run-backing-$1" --label "$run" --network "$run" "$run:right" >/dev/null
  printf '%s\n' "--network $run --env BACKING=$run-backing-$1:8000"
}
while read -r name fault broken; do
  image "$name" "$broken" '' "$(fault "${fault//_/ }")" --down "docker_kill_$run-backing-$name" --up "docker_start_$run-backing-$name"
  backing "$name" >"$work/$name/run"
done <<'END'
backing none
backing-unasked heartbeat_asks_nothing /__heartbeat__ responds with 5xx while the backing service is down
backing-lb lbheartbeat_asks_the_backing_service /__lbheartbeat__ responds with 200 while the backing service is down
END

bails_out() {
  local output code=0
  output=$("$@" 2>/dev/null) || code=$?
  [[ $code == 2 && $output == 'Bail out!'* ]] || { echo "exit code $code: $output"; return 1; }
}
test_one() {
  local name=$1 option arguments=() started
  # an underscore stands for the space in an option's value
  for option in $2; do arguments+=("${option//_/ }"); done
  [[ ! -f $work/$name/run ]] || read -ra started <"$work/$name/run"
  build "$name" "$work/$name"
  local code=0
  "$kit/test.sh" --static /hello.txt "${arguments[@]}" "$run:$name" "${started[@]}" >"$work/$name/tap" 2>&1 || code=$?
  echo "$code" >"$work/$name/code"
}
for i in "${!names[@]}"; do
  while (($(jobs -rp | wc -l) >= 4)); do wait -n; done
  test_one "${names[i]}" "${options[i]}" &
done
wait

# sentences FILE PATTERN: the descriptions of the lines that match
sentences() { sed -n "/$2/{s/^not ok [0-9]* - //; s/ # TODO.*//; p;}" "$1"; }
for i in "${!names[@]}"; do
  name=${names[i]} tap=$work/${names[i]}/tap
  breaks=${expected[i]:-nothing} advised=${recommended[i]:-nothing}
  is "$name: breaks ${breaks//$'\n'/, }" "$(sentences "$tap" '^not ok .*[^d]$' | grep -v '# TODO' || true)" "${expected[i]}"
  is "$name: is advised ${advised//$'\n'/, }" "$(sentences "$tap" '^not ok .*# TODO recommended$')" "${recommended[i]}"
  is "$name: the exit code" "$(<"$work/$name/code")" "$([[ -n ${expected[i]} ]] && echo 1 || echo 0)"
  is "$name: as many lines as planned" "$(grep -cE '^(not )?ok ' "$tap")" "$(sed -n 's/^1\.\.//p' "$tap")"
  is "$name: each fault has a diagnosis" "$(awk 'fault && !/^#   ./ { print fault } { fault = /^not ok/ ? $0 : "" }' "$tap")" ''
done
is 'nothing is left' "$(docker ps --all --quiet --filter label=dockerflow.test --filter "ancestor=$run:right")" ''

# A diagnosis says what is wrong, so that nobody has to look again.
diagnosis() { sed -n "/^not ok .* - $2/,/^\(ok\|not ok\|1\.\.\)/{/^#/p;}" "$work/$1/tap"; }
ok 'no-answer: it says so' holds "$(diagnosis no-answer '.__version__')" 'it listens on 0.0.0.0:17361 and sends no HTTP answer within 5 s'
ok 'ipv6: it says so' holds "$(diagnosis ipv6 'it listens on all')" 'for IPv6 alone (IPV6_V6ONLY); bind 0.0.0.0'
ok 'loopback: it says so' holds "$(diagnosis loopback 'it listens on all')" 'it listens on 127.0.0.1:17361, inside its container; bind 0.0.0.0'
ok 'version-key: the key is missing' holds "$(diagnosis version-key 'there is a JSON')" 'commit is missing'
ok 'version-type: the value is not a string' holds "$(diagnosis version-type 'there is a JSON')" 'version is not a string'
ok 'redirects: it says where to' holds "$(diagnosis redirects '.__version__')" 'answers 301 to https://localhost/__version__'
ok 'own-host: it names the option' holds "$(diagnosis own-host '.__version__')" '--host NAME'
ok 'halfway: the body is not the previous one' holds "$(diagnosis halfway '.__heartbeat__')" '200 or 5xx: {'
ok 'unhealthy: one line a check' test "$(diagnosis unhealthy HEALTHCHECK | grep -c '^#   1 ')" -ge 2

# Interrupted at any time, it leaves nothing behind: also while the engine still makes the container, which takes a second here.
mkdir "$work/slow"
# shellcheck disable=SC2016 # a script
printf '#!/bin/sh\ncase $1 in run | create) sleep 0.5; %s "$@"; status=$?; sleep 0.5; exit $status ;; esac\nexec %s "$@"\n' \
  "$(command -v docker)" "$(command -v docker)" >"$work/slow/docker"
chmod +x "$work/slow/docker"
# interrupted SIGNAL SECONDS [PATH]: after so many seconds, else after the twelfth sentence
interrupted() (
  set -m # in a group of its own, as in a terminal
  PATH=${3:+$3:}$PATH env --default-signal=INT "$kit/test.sh" "$run:right" >"$work/interrupted" 2>&1 &
  if [[ -n $2 ]]; then sleep "$2"; else until grep -q '^ok 12' "$work/interrupted"; do sleep 0.1; done; fi
  kill -s "$1" -- -$!
  code=0
  wait $! || code=$?
  echo "$code"
)
none_left() {
  local left
  left=$(docker ps --all --filter label=dockerflow.test --format '{{.Image}} {{.Names}}' | grep "^$run:right ") || return 0
  echo "$left"
  return 1
}
for signal in INT TERM HUP; do
  is "$signal: the exit code" "$(interrupted $signal '')" "$((128 + $(kill -l $signal)))"
  ok "$signal: no container is left" none_left
done
for seconds in 0.5 1 1.5 2 2.5 3 3.5 4 4.5 5; do
  is "INT after $seconds s: the exit code" "$(interrupted INT $seconds "$work/slow")" 130
  ok "INT after $seconds s: no container is left" none_left
done
"$kit/test.sh" "$run:right" 2>/dev/null | head -n 14 >/dev/null || true
ok 'nobody reads on: no container is left' none_left

ok 'no image: it bails out' bails_out "$kit/test.sh" "$run:no-such-image"
ok 'a bad option: it says how it is used' holds "$("$kit/test.sh" --bad x y 2>&1 || true)" 'test.sh [option...] IMAGE'
ok 'a bad number: it bails out' bails_out "$kit/test.sh" --stop soon "$run:right"
finish
