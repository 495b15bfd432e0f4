# shellcheck shell=bash
# A container registry on this machine: Debian's docker-registry, on a free port of the loopback interface, with a password.

registry_user=ci registry_password='s3cr\t"pass word'

# start_registry FOLDER: sets `registry` to its address and `registry_process`
start_registry() {
  local folder=$1 log=$1/registry.log
  mkdir -p "$folder/registry"
  # bcrypt, which is all that a registry takes
  # shellcheck disable=SC2016 # Perl's variables
  printf '%s:%s\n' "$registry_user" "$(PASSWORD=$registry_password perl -e 'print crypt($ENV{PASSWORD}, q($2y$05$abcdefghijklmnopqrstuu))')" >"$folder/htpasswd"
  cat >"$folder/registry.yml" <<END
version: 0.1
log: {level: info}
storage: {filesystem: {rootdirectory: $folder/registry}, delete: {enabled: true}}
http: {addr: "127.0.0.1:0"}
auth: {htpasswd: {realm: test, path: $folder/htpasswd}}
END
  : >"$log"
  docker-registry serve "$folder/registry.yml" >"$log" 2>&1 &
  registry_process=$!
  until registry=$(sed -n 's/.*listening on \(127\.0\.0\.1:[0-9]*\).*/\1/p' "$log") && [[ -n $registry ]]; do
    kill -0 $registry_process 2>/dev/null || { cat "$log" >&2; return 1; }
    sleep 0.1
  done
}
