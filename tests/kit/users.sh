# shellcheck shell=bash
# shellcheck disable=SC2154 # here and work are the test's
# Users who ask all the time, and what they met with since the last event.

# users_start URL: sets `users`
users_start() {
  python3 "$here/users.py" "$1" >"$work/users" &
  users=$!
}
# since EVENT: prints what the users met with since the last call; sets `met` to that line, `failed` and `requests` to the numbers in it
since() {
  local before
  before=$(wc -l <"$work/users")
  kill -USR1 "$users"
  until (($(wc -l <"$work/users") > before)); do sleep 0.1; done
  met=$(tail -n 1 "$work/users")
  requests=${met%% *} failed=${met% failed*} failed=${failed##* }
  all=$((${all:-0} + requests))
  echo "# $1: $met"
}
