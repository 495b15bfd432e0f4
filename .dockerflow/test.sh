#!/usr/bin/env bash
# Does an image keep Dockerflow's specification? Starts it as operations would and asks, sentence by sentence. Prints TAP.
#
#   test.sh [option...] IMAGE [docker run option...]
#
#   --static PATH     a static file that the service has; without it `/` is tried
#   --down COMMAND    takes the backing service away; a shell command, the container's name is in $CONTAINER
#   --up COMMAND      brings it back
#   --start SECONDS   the time until the service has to answer (30)
#   --stop SECONDS    the time in which it has to end after SIGTERM (10, which is what `docker stop` gives it)
#
# For instance: test.sh app:build --env DATABASE_URL=postgres://db/app --network backing
#
# What the specification demands, and what the image claims of itself, is `not ok` where it is not so, and the exit code is 1.
# What is recommended is `not ok # TODO`, and does no harm. What cannot be found out is `# SKIP`. The exit code is 2 where there
# is nothing to test. Needs bash 4.4, docker with an engine on this machine, curl and jq.
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
number() { [[ $1 =~ ^[0-9]+$ ]] || bail_out "a number of seconds is expected, not \"$1\""; }

static='' down='' up='' start=30 stop=10
while [[ ${1:-} == -* ]]; do
  [[ $# -ge 2 ]] || usage
  case $1 in
    --static) static=$2 ;;
    --down) down=$2 ;;
    --up) up=$2 ;;
    --start) number "$2" && start=$2 ;;
    --stop) number "$2" && stop=$2 ;;
    *) usage ;;
  esac
  shift 2
done
[[ $# -ge 1 ]] || usage
image=$1
shift
options=("$@")

for tool in docker curl jq; do
  command -v "$tool" >/dev/null || bail_out "there is no $tool"
done
docker version >/dev/null 2>&1 || bail_out 'no Docker engine answers'
docker image inspect "$image" >/dev/null 2>&1 || docker pull --quiet "$image" >/dev/null || bail_out "there is no image $image"

# Everything that is started carries this label, by which it is removed again, however this ends.
run=dockerflow-test-$$-$RANDOM$RANDOM
work=$(mktemp -d)
clean_up() {
  local left waited=0
  # an engine makes the container that it was asked for also when the client that asked has been killed
  if [[ -s $work/launching ]]; then
    until docker inspect "$(<"$work/launching")" >/dev/null 2>&1 || ((++waited > 30)); do sleep 0.1; done
  fi
  mapfile -t left < <(docker ps --all --quiet --filter "label=dockerflow.test=$run")
  ((${#left[@]} == 0)) || docker rm --force --volumes "${left[@]}" >/dev/null
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# --- Sentences --------------------------------------------------------------------------------------------------------------
# A sentence is a function: it prints its diagnosis and returns one of these.
readonly BROKEN=1 TODO=2 SKIP=3
plan=29 sentences=0 broken=0

# must DESCRIPTION FUNCTION [ARGUMENT...]
must() {
  local description=$1 diagnosis verdict=0
  shift
  sentences=$((sentences + 1))
  diagnosis=$("$@" 2>&1) || verdict=$?
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
# held PATH: the file in the image
held() { docker cp "$resting:$1" - 2>/dev/null | tar -xOf - 2>/dev/null; }

app_holds_the_application() {
  local files
  files=$(docker cp "$resting:/app" - 2>&1 | tar -tf - 2>/dev/null) || { echo 'the image has no /app'; return $BROKEN; }
  grep -qvE '^app/?$|/$|^app/version\.json$' <<<"$files" || { echo "there is nothing in /app, besides: ${files//$'\n'/ }"; return $BROKEN; }
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
    { printf 'the user app is no member of the group app\n/etc/passwd holds: %s\n/etc/group holds: %s\n' "$line" "$group"; return $BROKEN; }
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
    { echo "/app/version.json is no JSON object: $(head -c 200 "$work/version.json")"; return $BROKEN; }
  local wrong
  wrong=$(jq -r '. as $object | "source", "version", "commit" | select($object[.] | type != "string")' "$work/version.json")
  wrong+=$(jq -r 'select(has("build") and (.build | type != "string")) | "\nbuild"' "$work/version.json")
  [[ -z $wrong ]] || { printf 'these are no strings: %s\nin: %s\n' "${wrong//$'\n'/ }" "$(jq -c . "$work/version.json")"; return $BROKEN; }
}
version_is_known() {
  version_file >/dev/null || { echo 'there is no version object'; return $SKIP; }
  local unknown
  unknown=$(jq -r '. as $object | "source", "version", "commit", "build" | select(($object[.] // "") == "")' "$work/version.json")
  [[ -z $unknown ]] || echo "these are not known: ${unknown//$'\n'/ }"
  jq -e '.commit | test("^([0-9a-f]{40}|[0-9a-f]{64}|)$")' "$work/version.json" >/dev/null ||
    { echo "the commit is no git hash: $(jq .commit "$work/version.json")"; return $BROKEN; }
  [[ -z $unknown ]] || return $BROKEN
}
# A label that is there has to be true; one that is not there would be good to have.
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
  writable=$(docker cp "$resting:/app" - 2>/dev/null | tar --numeric-owner -tvf - 2>/dev/null |
    awk '/^[^l]/ { split($2, id, "/"); if (id[1] == 10001 || (id[2] == 10001 && substr($1, 6, 1) == "w") || substr($1, 9, 1) == "w") print $1, $2, $6 }')
  [[ -z $writable ]] || { printf 'the user app can write to:\n%s\n' "$(head -n 5 <<<"$writable")"; return $BROKEN; }
}

# --- The container ----------------------------------------------------------------------------------------------------------
hardened=(--read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges)

# launch NAME [docker run option...]: sets `container`. The ports of the container are published on the loopback interface.
launch() {
  local status=0
  container=$run-$1
  shift
  echo "$container" >"$work/launching"
  docker run --detach --name "$container" --label "dockerflow.test=$run" --health-interval 1s \
    "$@" "${options[@]}" "$image" >"$work/launch" 2>&1 || status=$?
  rm "$work/launching"
  return $status
}
state() { docker inspect --format "{{.State.$1}}" "$container" 2>/dev/null; }
logs_end() { docker logs --tail 8 "$container" 2>&1 | cut -c 1-300; }
# address PORT: where a port of the container is reached from here
address() { docker port "$container" "$1/tcp" 2>/dev/null | sed -n '/^127/{p;q;}'; }
answers() {
  local at
  at=$(address "$1")
  [[ -n $at ]] && curl --silent --max-time 5 --output /dev/null "http://$at/__lbheartbeat__"
}

# The addresses at which the container listens, as address:port; nothing where this machine cannot tell.
listening() {
  local pid id line local_address hexadecimal
  pid=$(state Pid) id=$(docker inspect --format '{{.Id}}' "$container" 2>/dev/null)
  grep -qs "$id" "/proc/$pid/cgroup" || return
  while read -r line; do
    local_address=${line%:*} hexadecimal=${line##*:}
    case $local_address in
      0B00007F) continue ;; # Docker's own name server
      00000000 | 00000000000000000000000000000000) local_address=0.0.0.0 ;;
      ??????7F | 00000000000000000000000001000000 | 0000000000000000FFFF0000??????7F) local_address=127.0.0.1 ;;
      *) local_address=interface ;;
    esac
    echo "$local_address:$((16#$hexadecimal))"
  done < <(awk '$4 == "0A" { print $2 }' "/proc/$pid/net/tcp" "/proc/$pid/net/tcp6" 2>/dev/null) | sort -u
}

# await PORT...: waits until one answers and sets `answering` to it: to the first, if that answers at most a second later.
await() {
  answering=
  local port seen=0 deadline=$((SECONDS + start))
  while ((SECONDS < deadline)); do
    for port in "$@"; do
      if answers "$port"; then
        answering=$port
        [[ $port == "$1" ]] && return
        ((++seen > 10)) && return
        break
      fi
    done
    [[ $(state Running) == true ]] || return 1
    # it is up, and not where it should be
    if [[ -z $answering && -n $(listening) ]]; then ((++seen > 20)) && return 1; fi
    sleep 0.1
  done
  [[ -n $answering ]]
}

# ask METHOD PATH: sets `status`; the body is in $work/body
ask() {
  local flags=(--request "$1")
  [[ $1 != HEAD ]] || flags=(--head)
  status=$(curl --silent --show-error --max-time 15 "${flags[@]}" --output "$work/body" --write-out '%{http_code}' \
    "http://$base$2" 2>"$work/curl")
  [[ $status != 000 ]] || status="no answer ($(head -n 1 "$work/curl"))"
}
body() { head -c 300 "$work/body"; }
unless_reachable() {
  [[ -n $base ]] && return 1
  echo 'it cannot be reached'
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
  [[ $answering == "$first" ]] || { echo "PORT=$first was not listened on, or not from outside"; return $SKIP; }
  launch second "${mode[@]}" --env "PORT=$second" --publish "127.0.0.1::$second" || { cat "$work/launch"; return $BROKEN; }
  local verdict=0
  if ! await "$second"; then
    echo "PORT=$second was given, and it listens on: $(listening | tr '\n' ' ')"
    logs_end
    verdict=$BROKEN
  fi
  docker rm --force --volumes "$container" >/dev/null
  return $verdict
}
listens_on_all_interfaces() {
  [[ -n $started ]] || { echo 'it does not run'; return $SKIP; }
  [[ -z $answering ]] || return 0
  [[ -n $places ]] || { echo 'this machine cannot tell where it listens'; return $SKIP; }
  if grep -q '^0\.0\.0\.0:' <<<"$places"; then return; fi
  echo "it listens on: $places; bind 0.0.0.0"
  return $BROKEN
}
listens_on_8000() {
  [[ -n $started ]] || { echo 'it does not run'; return $SKIP; }
  [[ $answering != 8000 ]] || return 0
  [[ -n $base ]] || { echo 'it cannot be reached'; return $SKIP; }
  launch default "${mode[@]}" --publish 127.0.0.1::8000 || { cat "$work/launch"; return $BROKEN; }
  local verdict=0
  await 8000 || { echo "without PORT it listens on: $(listening | tr '\n' ' ')"; verdict=$BROKEN; }
  docker rm --force --volumes "$container" >/dev/null
  return $verdict
}
serves_the_version() {
  unless_reachable && return $SKIP
  version_file >/dev/null || { echo 'there is no version object to compare with'; return $SKIP; }
  ask GET /__version__
  [[ $status == 200 ]] || { echo "/__version__ answers $status: $(body)"; return $BROKEN; }
  [[ $(jq -cS . "$work/body" 2>/dev/null) == "$(jq -cS . "$work/version.json")" ]] ||
    { printf '/__version__ answers:       %s\n/app/version.json contains: %s\n' "$(body)" "$(head -c 300 "$work/version.json")"; return $BROKEN; }
}
heartbeat_answers() {
  unless_reachable && return $SKIP
  ask GET /__heartbeat__
  [[ $status =~ ^(200|5..)$ ]] || { echo "/__heartbeat__ answers $status: $(body)"; return $BROKEN; }
}
heartbeat_is_json() {
  heartbeat_answers >/dev/null || { echo 'there is no heartbeat to read'; return $SKIP; }
  ask GET /__heartbeat__
  jq -es 'length == 1 and (.[0] | type == "object")' "$work/body" >/dev/null 2>&1 || { echo "/__heartbeat__ answers: $(body)"; return $BROKEN; }
}
lbheartbeat_answers() {
  unless_reachable && return $SKIP
  ask "$1" /__lbheartbeat__
  [[ $status == 200 ]] || { echo "$1 /__lbheartbeat__ answers $status, expected 200: $(body)"; return $BROKEN; }
}
# becomes PATTERN: waits until the heartbeat's status is such a one
becomes() {
  local deadline=$((SECONDS + start))
  while ((SECONDS < deadline)); do
    ask GET /__heartbeat__
    # shellcheck disable=SC2053 # a pattern on purpose
    [[ $status == $1 ]] && return
    sleep 0.2
  done
  echo "after ${start} s /__heartbeat__ answers $status, expected $2: $(body)"
  return $BROKEN
}
heartbeat_while_down() {
  [[ -n $down ]] || { echo 'no --down was given'; return $SKIP; }
  unless_reachable && return $SKIP
  CONTAINER=$container bash -c "$down" >"$work/down" 2>&1 || { echo "--down failed: $(cat "$work/down")"; return $BROKEN; }
  becomes '5??' 'a 5xx'
}
lbheartbeat_while_down() {
  [[ -n $down ]] || { echo 'no --down was given'; return $SKIP; }
  lbheartbeat_answers GET
}
heartbeat_after() {
  [[ -n $up ]] || { echo 'no --up was given'; return $SKIP; }
  unless_reachable && return $SKIP
  CONTAINER=$container bash -c "$up" >"$work/up" 2>&1 || { echo "--up failed: $(cat "$work/up")"; return $BROKEN; }
  becomes 200 200
}
serves_static_content() {
  unless_reachable && return $SKIP
  ask GET "${static:-/}"
  [[ $status == 200 && -s $work/body ]] && return
  [[ -n $static ]] || { echo "no --static was given, and / answers $status"; return $SKIP; }
  echo "$static answers $status: $(body)"
  return $BROKEN
}
logs_text() {
  [[ -n $container ]] || { echo 'it does not run'; return $SKIP; }
  docker logs "$container" >"$work/out" 2>"$work/err"
  [[ -s $work/out || -s $work/err ]] || { echo 'nothing was written to standard output or standard error'; return $BROKEN; }
  cat "$work/out" "$work/err" | head -c 1000000 | jq -Rse '[explode[] | select(. < 8 or . == 65533)] == []' >/dev/null ||
    { echo 'what was written is no UTF-8 text'; return $BROKEN; }
}
logs_mozlog() {
  [[ -n $started ]] || { echo 'it does not run'; return $SKIP; }
  docker logs "$container" 2>/dev/null >"$work/out"
  [[ -s $work/out ]] || { echo 'nothing was written to standard output'; return $BROKEN; }
  local bad
  bad=$(jq -Rr '. as $line | try (fromjson | select(
      (.Timestamp | type == "number" and . > 1e18) and (.Type | type == "string") and (.Logger | type == "string")
      and (.Hostname | type == "string") and .EnvVersion == "2.0" and (.Severity | type == "number" and . >= 0 and . <= 7)
      and ((.Fields // {"": ""}) | type == "object" and length > 0 and all(.[]; type == "string" or type == "number" or type == "boolean" or type == "array"))
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
  local deadline=$((SECONDS + start)) health
  while ((SECONDS < deadline)); do
    health=$(state Health.Status)
    [[ $health == healthy ]] && return
    [[ $health != unhealthy ]] || break
    sleep 0.2
  done
  echo "HEALTHCHECK says $health: $(docker inspect --format '{{range .State.Health.Log}}{{.ExitCode}} {{.Output}}{{end}}' "$container" | tail -n 3)"
  return $BROKEN
}
ends_on_sigterm() {
  [[ -n $started ]] || { echo 'it does not run'; return $SKIP; }
  local before=$SECONDS code
  docker stop --time "$stop" "$container" >/dev/null
  code=$(state ExitCode)
  [[ $code == 0 ]] && return
  case $code in
    137) echo "it still ran ${stop} s after SIGTERM and was killed; ENTRYPOINT has to be in the exec form, and the program to handle SIGTERM" ;;
    143) echo 'SIGTERM killed it: the program has to handle it' ;;
    *) echo "the exit code was $code, $((SECONDS - before)) s after SIGTERM" && logs_end ;;
  esac
  return $BROKEN
}

# --- Now --------------------------------------------------------------------------------------------------------------------
echo TAP version 13
echo "1..$plan"
docker image inspect "$image" >"$work/image.json"
resting=$run-resting
# an image without CMD is made a container by giving it one
docker create --name "$resting" --label "dockerflow.test=$run" "$image" - >"$work/launch" 2>&1 ||
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

# Two ports that are nobody's default. What listens on 8000 whatever it is told can still be tested, apart from that.
first=17361 second=19147
container='' started='' answering='' places='' base='' why='' mode=("${hardened[@]}")
for attempt in hardened plain; do
  [[ $attempt == hardened ]] || mode=()
  if launch "$attempt" "${mode[@]}" --env "PORT=$first" --publish "127.0.0.1::$first" --publish 127.0.0.1::8000; then
    await "$first" 8000
    places=$(listening | tr '\n' ' ' | sed 's/ $//')
    if [[ -n $answering || -n $places ]]; then
      started=$container
      break
    fi
    why=${why:-$(echo "it is $(state Status) with exit code $(state ExitCode), and its log ends with:"; logs_end)}
  else
    why=${why:-$(cat "$work/launch")}
  fi
done
# one place a line from here on
places=${places// /$'\n'}
[[ -z $answering ]] || base=$(address "$answering")

must 'it starts with nothing but environment variables' starts
should 'it runs on a read-only file system, without capabilities' runs_read_only
must "it listens on \$PORT" keeps_the_port
must "it listens on another \$PORT" keeps_another_port
must 'it listens on all interfaces' listens_on_all_interfaces
should "it listens on 8000 where no \$PORT is given" listens_on_8000
must '/__version__ responds with the contents of /app/version.json' serves_the_version
must '/__heartbeat__ responds with 200, or 5xx on error' heartbeat_answers
should '/__heartbeat__ responds with JSON' heartbeat_is_json
must '/__lbheartbeat__ responds with 200' lbheartbeat_answers GET
should '/__lbheartbeat__ responds with 200 to HEAD' lbheartbeat_answers HEAD
must '/__heartbeat__ responds with 5xx while the backing service is down' heartbeat_while_down
must '/__lbheartbeat__ responds with 200 while the backing service is down' lbheartbeat_while_down
must '/__heartbeat__ responds with 200 when the backing service is back' heartbeat_after
must 'it serves its own static content' serves_static_content
must 'it sends text logs to standard output or standard error' logs_text
should 'it logs to standard output in mozlog' logs_mozlog
should 'it is one process' one_process
must 'HEALTHCHECK reports healthy' is_healthy
must "it ends with exit code 0 within $stop s of SIGTERM" ends_on_sigterm

((sentences == plan)) || bail_out "$sentences sentences were tested, $plan planned"
if ((broken)); then
  echo "# $broken of $plan sentences are broken"
  exit 1
fi
