#!/usr/bin/env bash
# Tests whether an image keeps Dockerflow's specification: starts it as operations would, and asks, sentence by sentence. Prints TAP.
#
#   test.sh [option...] IMAGE [docker run option...]
#
#   --static PATH     a static file that the service serves; without it, `/` is tried
#   --host NAME       the name in each request's Host header, for a service that answers only to its own name
#   --down COMMAND    takes the backing service away; a shell command, the container's name is in $CONTAINER
#   --up COMMAND      brings it back
#   --start SECONDS   how long the service may take to answer after its start (120)
#   --stop SECONDS    how long it may take to end after SIGTERM (10, which is what `docker stop` gives it)
#
# For example: test.sh app:build --env DATABASE_URL=postgres://db/app --network backing
#
# A sentence is `not ok` if the image breaks the specification, or a claim of its own (a label, a HEALTHCHECK), or if the service
# cannot be reached to ask it; the exit code is then 1. `not ok # TODO` is a recommendation and changes no exit code. `# SKIP` is a
# sentence that does not apply, or that one above has already decided. The exit code is 2 if there is nothing to test.
# Needs bash 4.4, docker with an engine on this machine, curl and jq.
# Specification: https://github.com/mozilla-services/Dockerflow
set -uo pipefail

usage() {
  sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' "$0" >&2
  exit 2
}
bail_out() {
  echo "Bail out! $*"
  exit 2
}
number() { [[ $2 =~ ^[1-9][0-9]*$ ]] || bail_out "$1 is \"$2\", expected a number of seconds"; }

static='' host='' down='' up='' start=120 stop=10
while [[ ${1:-} == -* ]]; do
  [[ $# -ge 2 ]] || usage
  case $1 in
    --static) static=/${2#/} ;;
    --host) host=$2 ;;
    --down) down=$2 ;;
    --up) up=$2 ;;
    --start) number "$1" "$2" && start=$2 ;;
    --stop) number "$1" "$2" && stop=$2 ;;
    *) usage ;;
  esac
  shift 2
done
[[ $# -ge 1 ]] || usage
image=$1
shift
options=("$@")

for tool in docker curl jq; do
  command -v "$tool" >/dev/null || bail_out "$tool is not installed"
done
docker version >/dev/null 2>&1 || bail_out 'no Docker engine answers'
docker image inspect "$image" >/dev/null 2>&1 || docker pull --quiet "$image" >/dev/null || bail_out "there is no image $image"

# Everything that is started carries this label, by which it is removed again, however this ends.
run=dockerflow-test-$$-$RANDOM$RANDOM
work=$(mktemp -d)
mkdir "$work/clients"
sentence_process=''

# engine ARGUMENT...: docker, in a process group of its own. An interrupt would end the client and not what the engine does for it:
# the container would appear after the clean-up.
engine() {
  local status=0
  set -m
  (
    client=$work/clients/$BASHPID
    : >"$client" && [[ ! -e $work/ending ]] || exit 1
    docker "$@" || status=$?
    rm -f "$client"
    exit "$status"
  ) </dev/null &
  set +m
  wait $! || status=$?
  return "$status"
}
clean_up() {
  trap '' HUP INT TERM PIPE
  : >"$work/ending"
  [[ -z $sentence_process ]] || kill "$sentence_process" 2>/dev/null
  local left deadline=$((SECONDS + 60))
  while compgen -G "$work/clients/*" >/dev/null && ((SECONDS < deadline)); do sleep 0.1; done
  mapfile -t left < <(docker ps --all --quiet --filter "label=dockerflow.test=$run")
  ((${#left[@]} == 0)) || docker rm --force --volumes "${left[@]}" >/dev/null
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

# --- Sentences --------------------------------------------------------------------------------------------------------------
# A sentence is a function: it prints its diagnosis and returns one of these.
readonly BROKEN=1 TODO=2 SKIP=3
plan=31 sentences=0 broken=0

# must DESCRIPTION FUNCTION [ARGUMENT...]
must() {
  local description=$1 diagnosis verdict=0
  shift
  sentences=$((sentences + 1))
  # in the background, so that a signal is handled at once
  "$@" >"$work/diagnosis" 2>&1 &
  sentence_process=$!
  wait "$sentence_process" || verdict=$?
  sentence_process=''
  diagnosis=$(<"$work/diagnosis")
  case $verdict in
    0) echo "ok $sentences - $description" ;;
    "$TODO") echo "not ok $sentences - $description # TODO recommended" ;;
    "$SKIP")
      echo "ok $sentences - $description # SKIP ${diagnosis//$'\n'/ }"
      return
      ;;
    *)
      echo "not ok $sentences - $description"
      broken=$((broken + 1))
      ;;
  esac
  [[ $verdict -eq 0 || -z $diagnosis ]] || printf '%s\n' "$diagnosis" | sed 's/^/#   /'
}
# should DESCRIPTION FUNCTION [ARGUMENT...]: a recommendation
should() {
  must "$1" advice "${@:2}"
}
advice() {
  local verdict=0
  "$@" || verdict=$?
  ((verdict == 0 || verdict == SKIP)) || verdict=$TODO
  return "$verdict"
}

# --- The image --------------------------------------------------------------------------------------------------------------
config() { jq -r ".[0].Config$1" "$work/image.json"; }
# archive PATH: a file or folder of the image as a tar archive; a symbolic link leads to what it points to
archive() { docker cp --follow-link "$resting:$1" - 2>/dev/null; }
# held PATH: the contents of a file of the image
held() { archive "$1" | tar -xOf - 2>/dev/null; }

app_holds_the_application() {
  local files
  files=$(archive /app | tar -tf - 2>/dev/null | sed 's|^[^/]*/||') || { echo 'the image has no /app'; return $BROKEN; }
  grep -qvE '^$|/$|^version\.json$' <<<"$files" || { echo "/app contains nothing other than: ${files//$'\n'/ }"; return $BROKEN; }
}
group_is_app() {
  local line
  line=$(held /etc/group | grep '^app:') || { echo '/etc/group has no group app; add: app:x:10001:'; return $BROKEN; }
  [[ $(cut -d: -f3 <<<"$line") == 10001 ]] || { echo "/etc/group holds: $line"; return $BROKEN; }
}
user_is_app() {
  local line group
  line=$(held /etc/passwd | grep '^app:') || { echo '/etc/passwd has no user app; add: app:x:10001:10001::/app:/sbin/nologin'; return $BROKEN; }
  [[ $(cut -d: -f3 <<<"$line") == 10001 ]] || { echo "/etc/passwd holds: $line"; return $BROKEN; }
  group=$(held /etc/group | grep '^app:')
  # the group's own number: that it is 10001 is another sentence
  [[ $(cut -d: -f4 <<<"$line") == "$(cut -d: -f3 <<<"$group")" || ,$(cut -d: -f4 <<<"$group"), == *,app,* ]] ||
    { printf 'the user app is not a member of the group app\n/etc/passwd holds: %s\n/etc/group holds: %s\n' "$line" "$group"; return $BROKEN; }
}
entrypoint_and_cmd() {
  local entrypoint cmd
  entrypoint=$(config '.Entrypoint // [] | length') cmd=$(config '.Cmd // [] | length')
  ((entrypoint)) || echo 'the image has no ENTRYPOINT'
  ((cmd)) || echo 'the image has no CMD'
  ((entrypoint && cmd)) || return $BROKEN
}
runs_as_app() {
  local user
  user=$(config '.User // ""')
  [[ $user =~ ^(app|10001)(:(app|10001))?$ ]] || { echo "USER is \"$user\", expected \"app\""; return $BROKEN; }
}
version_file() {
  [[ -s $work/version.json ]] || { echo 'the image has no /app/version.json, or it is empty'; return $BROKEN; }
  jq -es 'length == 1 and (.[0] | type == "object")' "$work/version.json" >/dev/null 2>&1 ||
    { echo "/app/version.json is not a JSON object: $(head -c 200 "$work/version.json")"; return $BROKEN; }
  local wrong
  wrong=$(jq -r '. as $object | "source", "version", "commit", "build"
    | if (. as $key | $object | has($key)) then select($object[.] | type != "string") | "\(.) is not a string"
      else select(. != "build") | "\(.) is missing" end' "$work/version.json")
  [[ -z $wrong ]] || { printf '%s\nin /app/version.json: %s\n' "$wrong" "$(jq -c . "$work/version.json" | head -c 300)"; return $BROKEN; }
}
version_is_known() {
  version_file >/dev/null || { echo 'there is no version object'; return $SKIP; }
  local unknown
  unknown=$(jq -r '. as $object | "source", "version", "commit", "build" | select(($object[.] // "") == "")' "$work/version.json")
  [[ -z $unknown ]] || echo "these are not known: ${unknown//$'\n'/ }"
  jq -e '.commit | test("^([0-9a-f]{40}|[0-9a-f]{64}|)$")' "$work/version.json" >/dev/null ||
    { echo "the commit is not a git hash: $(jq .commit "$work/version.json")"; return $BROKEN; }
  [[ -z $unknown ]] || return $BROKEN
}
# A label that exists has to be true; one that is missing is a recommendation.
labels_are_the_version() {
  version_file >/dev/null || { echo 'there is no version object'; return $SKIP; }
  local verdict=0 name key label value
  while read -r name key; do
    label=$(config ".Labels[\"org.opencontainers.image.$name\"] // \"\"") value=$(jq -r ".$key" "$work/version.json")
    if [[ $label == "$value" ]]; then
      :
    elif [[ -z $label ]]; then
      echo "there is no label org.opencontainers.image.$name"
      ((verdict)) || verdict=$TODO
    else
      echo "the label org.opencontainers.image.$name is \"$label\", $key in /app/version.json is \"$value\""
      verdict=$BROKEN
    fi
  done <<<$'source source\nversion version\nrevision commit'
  return $verdict
}
files_are_read_only() {
  local writable
  # what the user app owns, it can make writable
  writable=$(archive /app | tar --numeric-owner -tvf - 2>/dev/null |
    awk '/^[^l]/ { split($2, id, "/"); if (id[1] == 10001 || (id[2] == 10001 && substr($1, 6, 1) == "w") || substr($1, 9, 1) == "w") print $1, $2, $6 }')
  [[ -z $writable ]] || { printf 'the user app can write to:\n%s\n' "$(head -n 5 <<<"$writable")"; return $BROKEN; }
}

# --- The container ----------------------------------------------------------------------------------------------------------
hardened=(--read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges)

# launch NAME [docker run option...]: sets `container`. The ports of the container are published on the loopback interface.
launch() {
  container=$run-$1
  shift
  engine run --detach --name "$container" --label "dockerflow.test=$run" --health-interval 1s \
    "$@" "${options[@]}" "$image" >"$work/launch" 2>&1
}
state() { docker inspect --format "{{.State.$1}}" "$container" 2>/dev/null; }
logs_end() { docker logs --tail 8 "$container" 2>&1 | cut -c 1-300; }
# address PORT: the address at which a port of the container is reached from here
address() { docker port "$container" "$1/tcp" 2>/dev/null | sed -n '/^127/{p;q;}'; }
# own_address: the container's own IP address
own_address() { docker inspect --format '{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}' "$container" 2>/dev/null | grep -m 1 .; }

headers=()
[[ -z $host ]] || headers=(--header "Host: $host")
http() { curl -q --silent --show-error --noproxy '*' "${headers[@]}" "$@"; }
# answers ADDRESS: any answer will do. A service may be slow at one endpoint.
answers() {
  local path
  for path in /__lbheartbeat__ /__version__; do
    http --max-time 5 --output /dev/null "http://$1$path" 2>/dev/null && return
    [[ $? -eq 28 ]] || return 1
  done
  return 1
}

# The addresses at which the container listens, as address:port; nothing if this machine cannot find out.
listening() {
  local pid id line local_address hexadecimal
  pid=$(state Pid) id=$(docker inspect --format '{{.Id}}' "$container" 2>/dev/null)
  grep -qs "$id" "/proc/$pid/cgroup" || return
  while read -r line; do
    local_address=${line%:*} hexadecimal=${line##*:}
    case $local_address in
      0B00007F) continue ;; # Docker's own name server
      00000000) local_address=0.0.0.0 ;;
      00000000000000000000000000000000) local_address='[::]' ;;
      ??????7F | 00000000000000000000000001000000 | 0000000000000000FFFF0000??????7F) local_address=127.0.0.1 ;;
      *) local_address=interface ;;
    esac
    echo "$local_address:$((16#$hexadecimal))"
  done < <(awk '$4 == "0A" { print $2 }' "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" 2>/dev/null) | sort -u
}
# only_ipv6 PORT: the service listens on [::] and refuses IPv4
only_ipv6() {
  local own code=0
  own=$(own_address)
  [[ -n $own ]] && grep -qF "[::]:$1" <<<"$places" && ! grep -qF "0.0.0.0:$1" <<<"$places" || return
  http --connect-timeout 2 --max-time 2 --output /dev/null "http://$own:$1/" 2>/dev/null || code=$?
  ((code == 7))
}
# not_from_outside PORT: the service listens on this port, but not for anybody outside its container
not_from_outside() {
  if grep -qx "127.0.0.1:$1" <<<"$places"; then ! grep -vF 127.0.0.1 <<<"$places" | grep -q ":$1\$"; else only_ipv6 "$1"; fi
}

# await PORT...: waits for an answer on one of these ports, else on another one that is open to the outside. Sets `answering` to the
# port, `base` to the address at which it is reached from here, and `places` to all that it listens on.
await() {
  answering='' base='' places=''
  local port at own tries=0 hopeless=0 deadline=$((SECONDS + start))
  while true; do
    for port in "$@"; do
      at=$(address "$port")
      if [[ -n $at ]] && answers "$at"; then
        base=$at answering=$port
        [[ $port == "$1" ]] && break 2
        break
      fi
    done
    places=$(listening)
    if [[ -z $base ]]; then
      own=$(own_address)
      while IFS= read -r at; do
        port=${at##*:}
        [[ -n $own && $at != 127.* && " $* " != *" $port "* ]] || continue
        if answers "$own:$port"; then base=$own:$port answering=$port; fi
      done < <(grep . <<<"$places")
    fi
    # it answers elsewhere: one more second for the port that was asked for
    [[ -z $base ]] || ((++tries <= 10)) || break
    [[ $(state Running) == true ]] || break
    if [[ -z $base ]] && not_from_outside "$1"; then ((++hopeless <= 20)) || break; fi
    ((SECONDS < deadline)) || break
    sleep 0.1
  done
  places=$(listening)
  [[ -n $answering ]]
}

# ask METHOD PATH: sets `status`, and `took` in milliseconds; the body is in $work/body
ask() {
  local flags=(--request "$1") line seconds code=0
  [[ $1 != HEAD ]] || flags=(--head)
  : >"$work/body"
  line=$(http --max-time 15 "${flags[@]}" --output "$work/body" --write-out '%{http_code} %{time_total} %{redirect_url}' \
    "http://$base$2" 2>"$work/curl") || code=$?
  read -r status seconds line <<<"$line"
  [[ -z $line ]] || status+=" to $line"
  took=${seconds#*[.,]}000
  took=$((${seconds%%[.,]*} * 1000 + 10#${took:0:3}))
  ((code == 0)) || status="with nothing complete ($(head -n 1 "$work/curl"))"
}
body() { head -c 300 "$work/body" | tr -d '\000'; }
# shown: what was answered, for a diagnosis
shown() {
  echo "$status${1:+, expected $1}: $(body)"
  [[ $status != 400 || -n $host ]] || echo 'if it answers only to its own name, give that name: --host NAME'
}
# what_keeps_it: why the service cannot be reached
what_keeps_it() {
  local mode
  if [[ -z $(docker port "$container" 2>/dev/null) ]]; then
    mode=$(docker inspect --format '{{.HostConfig.NetworkMode}}' "$container" 2>/dev/null)
    echo "none of the container's ports is published; its network is \"$mode\""
  elif [[ -z $places ]]; then
    echo "it answers neither at PORT=$first nor at 8000"
  elif only_ipv6 "$first"; then
    echo "it listens on [::]:$first for IPv6 alone (IPV6_V6ONLY)"
  elif not_from_outside "$first"; then
    echo "it listens on 127.0.0.1:$first, inside its container"
  else
    echo "it listens on ${places//$'\n'/ } and sends no HTTP answer within 5 s"
  fi
}
# reachable: a sentence that asks the service begins with this
reachable() {
  [[ -n $started ]] || { echo 'it does not run'; return $SKIP; }
  [[ -z $base ]] || return 0
  echo "it cannot be reached: $(what_keeps_it)"
  return $BROKEN
}

starts() {
  [[ -z $started ]] || return 0
  echo "$why"
  return $BROKEN
}
keeps_the_port() {
  [[ -n $started ]] || { echo 'it does not run'; return $SKIP; }
  if [[ $answering == "$first" ]] || grep -q ":$first\$" <<<"$places"; then return; fi
  echo "PORT=$first was given, and it listens on: ${places:-${answering:-an unknown port}}"
  logs_end
  return $BROKEN
}
keeps_another_port() {
  [[ -n $started ]] || { echo 'it does not run'; return $SKIP; }
  [[ $answering == "$first" ]] || { echo "it does not answer at PORT=$first"; return $SKIP; }
  launch second "${mode[@]}" --env "PORT=$second" --publish "127.0.0.1::$second" || { cat "$work/launch"; return $BROKEN; }
  local verdict=0
  if ! await "$second" || [[ $answering != "$second" ]]; then
    echo "PORT=$second was given, and it listens on: ${places//$'\n'/ }"
    logs_end
    verdict=$BROKEN
  fi
  docker rm --force --volumes "$container" >/dev/null
  return $verdict
}
listens_on_all_interfaces() {
  [[ -n $started ]] || { echo 'it does not run'; return $SKIP; }
  [[ -z $answering ]] || return 0
  [[ -n $places ]] || { echo 'this machine cannot find out where it listens'; return $SKIP; }
  local port=$first
  grep -q ":$first\$" <<<"$places" || port=${places##*:}
  if not_from_outside "$port"; then
    echo "$(what_keeps_it); bind 0.0.0.0"
    return $BROKEN
  fi
}
listens_on_8000() {
  [[ -n $started ]] || { echo 'it does not run'; return $SKIP; }
  [[ $answering != 8000 ]] || return 0
  [[ -n $base ]] || { echo 'it cannot be reached'; return $SKIP; }
  launch default "${mode[@]}" --publish 127.0.0.1::8000 || { cat "$work/launch"; return $BROKEN; }
  local verdict=0
  if ! await 8000 || [[ $answering != 8000 ]]; then
    echo "without PORT it listens on: ${places//$'\n'/ }"
    verdict=$BROKEN
  fi
  docker rm --force --volumes "$container" >/dev/null
  return $verdict
}
serves_the_version() {
  reachable || return
  version_file >/dev/null || { echo 'there is no version object to compare with'; return $SKIP; }
  ask GET /__version__
  [[ $status == 200 ]] || { echo "/__version__ answers $(shown 200)"; return $BROKEN; }
  [[ $(jq -cS . "$work/body" 2>/dev/null) == "$(jq -cS . "$work/version.json")" ]] ||
    { printf '/__version__ answers:       %s\n/app/version.json contains: %s\n' "$(body)" "$(head -c 300 "$work/version.json")"; return $BROKEN; }
}
heartbeat_answers() {
  reachable || return
  ask GET /__heartbeat__
  [[ $status =~ ^(200|5..)$ ]] || { echo "/__heartbeat__ answers $(shown '200 or 5xx')"; return $BROKEN; }
}
heartbeat_is_json() {
  heartbeat_answers >/dev/null || { echo 'there is no heartbeat to read'; return $SKIP; }
  jq -es 'length == 1 and (.[0] | type == "object")' "$work/body" >/dev/null 2>&1 || { echo "/__heartbeat__ answers: $(body)"; return $BROKEN; }
}
lbheartbeat_answers() {
  [[ $1 == GET ]] || reachable >/dev/null || { echo 'it cannot be reached'; return $SKIP; }
  reachable || return
  ask "$1" /__lbheartbeat__
  [[ $status == 200 ]] || { echo "$1 /__lbheartbeat__ answers $(shown 200)"; return $BROKEN; }
  ((took <= 5000)) || { echo "$1 /__lbheartbeat__ took $took ms; a load balancer waits 5 s at most"; return $BROKEN; }
}
# A page that a service shows for every path answers the probes, too, and says nothing of the service.
endpoints_are_their_own() {
  reachable >/dev/null || { echo 'it cannot be reached'; return $SKIP; }
  local path verdict=0
  ask GET "/__dockerflow_$RANDOM${RANDOM}__"
  [[ $status == 200 ]] || return 0
  cp "$work/body" "$work/any"
  for path in /__lbheartbeat__ /__heartbeat__; do
    ask GET "$path"
    [[ $status == 200 ]] || continue
    if cmp -s "$work/body" "$work/any" || { is_page "$work/body" && is_page "$work/any"; }; then
      echo "$path answers what a path that does not exist answers: $(body)"
      verdict=$BROKEN
    fi
  done
  return $verdict
}
is_page() { head -c 1000 "$1" | tr -d '\000' | grep -qiE '<(!doctype html|html|head|body)'; }
probes_are_quick() {
  reachable >/dev/null || { echo 'it cannot be reached'; return $SKIP; }
  local path tries verdict=0
  for path in /__lbheartbeat__ /__heartbeat__; do
    for tries in 1 2 3; do
      ask GET "$path"
      ((took > 1000)) || continue 2
    done
    echo "$path took $took ms, $tries times over 1 s, which is what Kubernetes waits if nothing else is said"
    verdict=$BROKEN
  done
  return $verdict
}
# becomes PATTERN STATUS: waits until the heartbeat's status is such a one
becomes() {
  local deadline=$((SECONDS + 30))
  while ((SECONDS < deadline)); do
    ask GET /__heartbeat__
    # shellcheck disable=SC2053 # a pattern on purpose
    [[ $status == $1 ]] && return
    sleep 0.2
  done
  echo "after 30 s /__heartbeat__ answers $(shown "$2")"
  return $BROKEN
}
heartbeat_while_down() {
  [[ -n $down ]] || { echo 'no --down was given'; return $SKIP; }
  reachable || return
  CONTAINER=$container bash -c "$down" >"$work/down" 2>&1 || { echo "--down failed: $(cat "$work/down")"; return $BROKEN; }
  becomes '5??' 'a 5xx'
}
lbheartbeat_while_down() {
  [[ -n $down ]] || { echo 'no --down was given'; return $SKIP; }
  lbheartbeat_answers GET
}
heartbeat_after() {
  [[ -n $up ]] || { echo 'no --up was given'; return $SKIP; }
  reachable || return
  CONTAINER=$container bash -c "$up" >"$work/up" 2>&1 || { echo "--up failed: $(cat "$work/up")"; return $BROKEN; }
  becomes 200 200
}
serves_static_content() {
  reachable || return
  ask GET "${static:-/}"
  if [[ $status == 200 && -s $work/body ]]; then
    [[ -n $static ]] || return 0
    cp "$work/body" "$work/static"
    ask GET "/dockerflow-$RANDOM$RANDOM"
    [[ $status != 200 ]] || ! cmp -s "$work/static" "$work/body" && return
    echo "$static answers what a path that does not exist answers: $(body)"
    return $BROKEN
  fi
  [[ -n $static ]] || { echo "no --static was given, and / answers $status"; return $SKIP; }
  echo "$static answers $(shown 200)"
  return $BROKEN
}
logs_text() {
  [[ -n $container ]] || { echo 'it does not run'; return $SKIP; }
  docker logs "$container" 2>&1 | head -n 10000 >"$work/out"
  [[ -s $work/out ]] || { echo 'nothing was written to standard output or standard error'; return $BROKEN; }
  if iconv -f UTF-8 -t UTF-8 "$work/out" >/dev/null 2>&1 && [[ $(tr -dc '\000-\007' <"$work/out" | wc -c) -eq 0 ]]; then return; fi
  echo "this is not UTF-8 text: $(head -c 200 "$work/out" | tr -dc '[:print:]')"
  return $BROKEN
}
logs_mozlog() {
  [[ -n $started ]] || { echo 'it does not run'; return $SKIP; }
  docker logs "$container" 2>/dev/null >"$work/out"
  [[ -s $work/out ]] || { echo 'nothing was written to standard output'; return $BROKEN; }
  local bad
  bad=$(jq -Rr '. as $line | try (fromjson | select(
      (.Timestamp | type == "number" and . > 1e18) and (.Type | type == "string") and (.Logger | type == "string")
      and (.Hostname | type == "string") and .EnvVersion == "2.0" and (.Severity | type == "number" and . >= 0 and . <= 7)
      and ((.Fields // {"": ""}) | type == "object" and length > 0 and all(.[]; type == "string" or type == "number" or type == "boolean" or type == "array"
        or type == "null")) # python-dockerflow writes null for what it does not know
      | not) | $line) catch $line' "$work/out" | head -n 1)
  [[ -z $bad ]] || { echo "this line is not mozlog 2.0: ${bad:0:300}"; return $BROKEN; }
}
one_process() {
  [[ -n $started ]] || { echo 'it does not run'; return $SKIP; }
  local processes tries=0
  # again, for the second may be HEALTHCHECK's
  while ((++tries <= 10)); do
    processes=$(docker top "$container" -o pid,args | tail -n +2)
    (($(wc -l <<<"$processes") == 1)) && return
    sleep 0.3
  done
  printf 'these run:\n%s\n' "$processes"
  return $BROKEN
}
runs_read_only() {
  [[ -n $started ]] || { echo 'it does not run'; return $SKIP; }
  [[ ${#mode[@]} -gt 0 ]] || { printf 'it does not start with %s\n%s\n' "${hardened[*]}" "$why"; return $BROKEN; }
}
is_healthy() {
  config '.Healthcheck.Test // [] | .[0] // "NONE"' | grep -qv NONE || { echo 'the image has no HEALTHCHECK'; return $TODO; }
  [[ -n $started ]] || { echo 'it does not run'; return $SKIP; }
  local deadline=$((SECONDS + 30)) health
  while ((SECONDS < deadline)); do
    health=$(state Health.Status)
    [[ $health == healthy ]] && return
    # a service that starts slowly is unhealthy until the next check
    [[ $health != unhealthy ]] || ((SECONDS < deadline - 20)) || break
    sleep 0.2
  done
  echo "HEALTHCHECK reports $health; its last checks, with their exit codes:"
  docker inspect --format '{{range .State.Health.Log}}{{.ExitCode}} {{printf "%.200q" .Output}}{{println}}{{end}}' "$container" | grep . | tail -n 3
  return $BROKEN
}
ends_on_sigterm() {
  [[ -n $started ]] || { echo 'it does not run'; return $SKIP; }
  local before=$SECONDS code
  docker stop --time "$stop" "$container" >/dev/null
  code=$(state ExitCode)
  case $code in
    0 | 143) return ;; # 143 is how a JVM ends after a graceful shutdown
    137) echo "it still ran ${stop} s after SIGTERM and was killed; ENTRYPOINT has to be in the exec form, and the program to handle SIGTERM" ;;
    *) echo "the exit code was $code, $((SECONDS - before)) s after SIGTERM" && logs_end ;;
  esac
  return $BROKEN
}

# --- Now --------------------------------------------------------------------------------------------------------------------
echo TAP version 13
echo "1..$plan"
docker image inspect "$image" >"$work/image.json"
resting=$run-resting
# an image without CMD becomes a container if it is given one
engine create --name "$resting" --label "dockerflow.test=$run" "$image" - >"$work/launch" 2>&1 ||
  bail_out "no container can be made of $image: $(cat "$work/launch")"
held /app/version.json >"$work/version.json"

must 'Dockerfile: the sources or the program are in /app' app_holds_the_application
must 'Dockerfile: the group app has the GID 10001' group_is_app
must 'Dockerfile: the user app has the UID 10001 and is a member of the group app' user_is_app
must 'Dockerfile: both ENTRYPOINT and CMD are there' entrypoint_and_cmd
must 'Dockerfile: USER is app' runs_as_app
must 'there is a JSON version object at /app/version.json' version_file
should 'the version object knows source, version, commit and build' version_is_known
must "the image's labels are the version object's" labels_are_the_version
should 'the user app has no more than read access to the files in /app' files_are_read_only

# Two ports that are nobody's default. A service that listens on 8000, whatever PORT says, can still be tested apart from that.
first=17361 second=19147
container='' started='' answering='' places='' base='' why='' mode=("${hardened[@]}")
for attempt in hardened plain; do
  [[ $attempt == hardened ]] || mode=()
  if launch "$attempt" "${mode[@]}" --env "PORT=$first" --publish "127.0.0.1::$first" --publish 127.0.0.1::8000; then
    await "$first" 8000
    if [[ -n $answering || -n $places ]]; then
      started=$container
      break
    elif [[ $(state Running) == true ]]; then
      why=${why:-$(echo "it runs, and answers neither at PORT=$first nor at 8000 within $start s (--start); its log ends with:"; logs_end)}
    else
      why=${why:-$(echo "it ended with exit code $(state ExitCode), and its log ends with:"; logs_end)}
    fi
  else
    why=${why:-$(cat "$work/launch")}
  fi
done

must 'it starts with nothing but environment variables' starts
should 'it runs on a read-only file system, without capabilities' runs_read_only
must "it listens on \$PORT" keeps_the_port
must "it listens on another \$PORT" keeps_another_port
must 'it listens on all interfaces' listens_on_all_interfaces
should "it listens on 8000 if no \$PORT is given" listens_on_8000
must '/__version__ responds with the contents of /app/version.json' serves_the_version
must '/__heartbeat__ responds with 200, or 5xx on error' heartbeat_answers
should '/__heartbeat__ responds with JSON' heartbeat_is_json
must '/__lbheartbeat__ responds with 200 within 5 s' lbheartbeat_answers GET
should '/__lbheartbeat__ responds with 200 to HEAD' lbheartbeat_answers HEAD
must 'the probes are not answered by a page for every path' endpoints_are_their_own
should 'the probes respond within 1 s' probes_are_quick
must '/__heartbeat__ responds with 5xx while the backing service is down' heartbeat_while_down
must '/__lbheartbeat__ responds with 200 while the backing service is down' lbheartbeat_while_down
must '/__heartbeat__ responds with 200 when the backing service is back' heartbeat_after
must 'it serves its own static content' serves_static_content
must 'it sends text logs to standard output or standard error' logs_text
should 'it logs to standard output in mozlog' logs_mozlog
should 'it is one process' one_process
must 'HEALTHCHECK reports healthy' is_healthy
should "it ends within $stop s of SIGTERM, with exit code 0 or 143" ends_on_sigterm

((sentences == plan)) || bail_out "$sentences sentences were tested, $plan planned"
if ((broken)); then
  echo "# $broken of $plan sentences are broken"
  exit 1
fi
