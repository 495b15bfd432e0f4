# shellcheck shell=bash
# What a test of the kit is written with: checks that count themselves and print TAP.

tests=0 failures=0

# ok DESCRIPTION COMMAND...: passes if the command does; if not, its output is the diagnosis
ok() {
  local description=$1 output
  shift
  tests=$((tests + 1))
  if output=$("$@" 2>&1); then
    echo "ok $tests - $description"
  else
    echo "not ok $tests - $description"
    failures=$((failures + 1))
    printf '%s\n' "${output:-$* failed}" | sed 's/^/# /'
  fi
}

# is DESCRIPTION FOUND EXPECTED
is() {
  ok "$1" same "$2" "$3"
}
same() {
  [[ $1 == "$2" ]] && return
  printf 'found:    %s\nexpected: %s\n' "$1" "$2"
  return 1
}

# holds TEXT PART: for ok
holds() {
  [[ $1 == *"$2"* ]] && return
  printf 'found:    %s\nexpected: ...%s...\n' "$1" "$2"
  return 1
}

# skip DESCRIPTION REASON: what this machine cannot run; under CI, that is a failure
skip() {
  tests=$((tests + 1))
  if [[ -n ${CI:-} ]]; then
    echo "not ok $tests - $1"
    failures=$((failures + 1))
    echo "# not run: $2"
  else
    echo "ok $tests - $1 # SKIP $2"
  fi
}

# the last line of a test
finish() {
  echo "1..$tests"
  ((failures == 0)) || { echo "# $failures of $tests failed"; exit 1; }
}
