#!/usr/bin/env bash
# Tests that the kit fits projects that it has never seen, by the commands of docs/container.md and without a change to a file of the
# kit. Prints TAP, and the time and the size of each image.
#
#   projects.sh [greeter|openssl|workspace|generated|private|ssh]...
#
# With greeter it tests, too, that the program, /__version__, /app/version.json and the labels agree, wherever the facts come from.
# Two of them, greeter and openssl, depend on the dockerflow of this checkout, through git, from a server of this test: half an hour each. The
# others need no crate of actix-web's, so that they take minutes. `private` and `ssh` need BuildKit: docker-buildx, or Debian's own docker
# client at /usr/bin/docker. `ssh` needs Debian's openssh-server and openssh-client.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
run=dockerflow-projects-$$
# shellcheck source=tests/kit/tap.sh
. "$here/tap.sh"
# shellcheck source=tests/kit/project.sh
. "$here/project.sh"
[[ $# -gt 0 ]] || set -- greeter openssl workspace generated private ssh

# Two servers of git: one that anybody may read, and one that asks for a password.
git clone --quiet --bare "$root" "$work/public/dockerflow.git"
mkdir "$work/members" && cd "$work/members"
mkdir src
printf '[package]\nname = "secret-greeting"\nversion = "0.1.0"\nedition = "2024"\n' >Cargo.toml
printf '//! A greeting that not everybody may read.\n\n/// The greeting.\npub const GREETING: &str = "hello, member";\n' >src/lib.rs
git init --quiet && git add . && git commit --quiet --message one
git clone --quiet --bare "$work/members" "$work/guarded/secret-greeting.git"
git -C "$work/guarded/secret-greeting.git" update-server-info
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
public=$(free_port)
git daemon --base-path="$work/public" --export-all --listen=127.0.0.1 --port="$public" --reuseaddr "$work/public" &
servers+=($!)
python3 "$here/password.py" "$work/guarded" ci hunter2 >"$work/guarded.port" 2>"$work/guarded.log" &
servers+=($!)
until [[ -s $work/guarded.port ]]; do kill -0 "${servers[1]}"; sleep 0.1; done
private=$(<"$work/guarded.port")

# manifest NAME: of a project that depends on dockerflow
manifest() {
  cat <<TOML
[package]
name = "$1"
version = "0.1.0"
edition = "2024"

[dependencies]
actix-web = { version = "4", default-features = false, features = ["macros"] }
dockerflow = { git = "git://127.0.0.1:$public/dockerflow.git" }
TOML
}
# program GREETING: a main.rs that answers with this expression
program() {
  cat <<RUST
use actix_web::{App, get};

#[get("/")]
async fn index() -> String {
    $1
}

#[dockerflow::service]
fn app() -> App {
    App::new().service(index)
}

#[dockerflow::main]
async fn main(server: dockerflow::Server) -> Result<(), dockerflow::Error> {
    server.run(app).await
}

#[cfg(test)]
mod tests {
    use actix_web::test;

    #[actix_web::test]
    async fn the_index_greets() {
        let app = test::init_service(super::app()).await;
        let request = test::TestRequest::get().uri("/").to_request();
        assert!(!test::call_and_read_body(&app, request).await.is_empty());
    }
}
RUST
}
greeter() { # one crate, nothing else, on a branch called master
  project greeter master
  manifest greeter >Cargo.toml
  program '"hello".into()' >src/main.rs
  copied
  built greeter
  is '... and greets' "$(asked greeter /)" hello
  audited greeter actix-web
  # shellcheck disable=SC2119 # without options
  suite
  agreement
}
# file_of IMAGE PATH: its text
file_of() {
  local container
  container=$(docker create "$1") || return 0
  docker cp --follow-link "$container:$2" - | tar -xOf -
  docker rm --volumes "$container" >/dev/null
}
# agree DESCRIPTION SOURCE VERSION COMMIT BUILD: the program, /__version__, /app/version.json and the labels of the image `agree` say this
agree() {
  local expected label
  expected=$(printf '{"source":"%s","version":"%s","commit":"%s","build":"%s"}' "${@:2}")
  is "$1: the program says what it is" "$(docker run --rm "$run:agree" version)" "$expected"
  is '... /__version__, too' "$(asked agree /__version__)" "$expected"
  is '... and /app/version.json' "$(file_of "$run:agree" /app/version.json)" "$expected"
  set -- source "$2" version "$3" revision "$4" url "$5"
  while (($#)); do
    label=$(docker image inspect --format "{{index .Config.Labels \"org.opencontainers.image.$1\"}}" "$run:agree")
    is "... and the label $1" "$label" "$2"
    shift 2
  done
}
agreement() { # the facts of the build from each source, and from several; only the project itself is compiled
  local other=5f1e2d3c4b5a69788796a5b4c3d2e1f001234567 stub='{"source":"https://example.org/no","version":"no","commit":"none","build":""}'
  local git=(https://github.com/mozilla/greeter v0.1.0 "$(git rev-parse HEAD)" '') nothing=('' 0.1.0 '' '')
  local file=(https://example.org/file v4.5.6 "$other" https://ci.example.org/4)
  local set=(https://example.org/set v7.8.9 00112233445566778899aabbccddeeff00112233 https://ci.example.org/7)
  object() { printf '{"source": "%s", "version": "%s", "commit": "%s", "build": "%s"}\n' "$@" >version.json; }
  # shellcheck disable=SC2317 # called by timed
  with_arguments() { env DOCKERFLOW_SOURCE="${set[0]}" DOCKERFLOW_VERSION="${set[1]}" DOCKERFLOW_COMMIT="${set[2]}" DOCKERFLOW_BUILD="${set[3]}" "$@"; }
  rebuilt() { timed "$1" build agree; agree "$@"; }
  rebuilt 'git' "${git[@]}"
  object "${file[@]::2}" "${git[2]}" "${file[3]}"
  rebuilt 'version.json of the commit that git has' "${file[@]::2}" "${git[2]}" "${file[3]}"
  object "${file[@]}"
  rebuilt 'git and a version.json of another commit' "${git[@]}"
  echo "$stub" >version.json
  rebuilt 'git and a stub' "${git[@]}"
  rm version.json
  git clone --quiet . "$work/context"
  cd "$work/context"
  mv .git "$work/context.git"
  rebuilt 'nothing' "${nothing[@]}"
  echo "$stub" >version.json
  rebuilt 'a stub alone' "${nothing[@]}"
  object "${file[@]}"
  rebuilt 'version.json alone' "${file[@]}"
  timed 'arguments and a version.json of another commit' with_arguments .dockerflow/build.sh "$run:agree" --network host
  agree 'arguments and a version.json of another commit' "${set[@]}"
  rm version.json
  timed 'arguments alone' with_arguments .dockerflow/build.sh "$run:agree" --network host
  agree 'arguments alone' "${set[@]}"
  mv "$work/context.git" .git
  git remote set-url origin git@github.com:mozilla/greeter.git
  sed -i '/^\.git$/d' .dockerignore
  timed '.git in the context, without build.sh' docker build --network host --tag "$run:agree" .
  is '... has the commit of it' "$(docker run --rm "$run:agree" version | jq -r '.source, .version, .commit' | xargs)" "${git[*]::3}"
  is '... also on /__version__' "$(asked agree /__version__)" "$(docker run --rm "$run:agree" version)"
}
openssl() { # libraries of Debian's, to build and to run
  project openssl
  { manifest openssl; printf 'openssl = "0.10"\nlibz-sys = { version = "1", default-features = false, features = ["libc"] }\n'; } >Cargo.toml
  program '{
        // SAFETY: it returns a constant
        let zlib = unsafe { std::ffi::CStr::from_ptr(libz_sys::zlibVersion()) };
        format!("{} zlib {}", openssl::version::version(), zlib.to_str().unwrap())
    }' >src/main.rs
  copied 'BUILD_PACKAGES=pkg-config libssl-dev zlib1g-dev' PROFILE=dev
  ok 'without the library that it runs with, there is no image' fails_with 'libz.so.1: cannot open shared object file' build openssl
  committed 'BUILD_PACKAGES=pkg-config libssl-dev zlib1g-dev' PROFILE=dev 'RUN_PACKAGES=libssl3 zlib1g'
  built openssl
  ok '... and greets with both libraries' holds "$(asked openssl /)" 'zlib 1.'
  audited openssl openssl-sys
}
workspace() { # three crates, two programs, a feature, a profile, files
  project workspace
  rm -r src
  mkdir -p shop/src worker/src model/src static
  printf '[workspace]\nmembers = ["shop", "worker", "model"]\nresolver = "3"\n' >Cargo.toml
  printf '[package]\nname = "model"\nversion = "0.1.0"\nedition = "2024"\n\n[features]\nloud = []\n' >model/Cargo.toml
  printf 'pub fn greeting() -> String {\n    if cfg!(feature = "loud") { "HELLO".into() } else { "hello".into() }\n}\n' >model/src/lib.rs
  for crate in shop worker; do
    { light_manifest "$crate"; printf 'model = { path = "../model" }\n\n[features]\nloud = ["model/loud"]\n'; } >"$crate/Cargo.toml"
    light_program "format!(\"{} from $crate\", model::greeting())" >"$crate/src/main.rs"
  done
  echo 'made by hand' >static/about.txt
  copied 'CARGO_FLAGS=--features shop/loud' PROFILE=dev 'FILES=static'
  ok 'two programs: it asks which' fails_with '2 programs were built: ' build workspace
  built shop --build-arg PROGRAM=shop
  is '... with its feature' "$(asked shop /)" 'HELLO from shop'
  is '... and its files' "$(asked shop /static/about.txt)" 'made by hand'
  built worker --build-arg PROGRAM=worker
  is '... the other program' "$(asked worker / | sed 's/.*from //')" worker
}
generated() { # a build.rs that generates code from a file
  project generated
  { light_manifest generated; printf '\n[profile.small]\ninherits = "release"\nopt-level = 1\nlto = false\ncodegen-units = 16\n'; } >Cargo.toml
  printf 'hello from a file\n' >greeting.txt
  cat >build.rs <<'RUST'
use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=greeting.txt");
    let text = fs::read_to_string("greeting.txt").expect("the greeting");
    let code = format!("const GREETING: &str = {:?};", text.trim());
    let folder = env::var("OUT_DIR").expect("set by Cargo");
    fs::write(Path::new(&folder).join("greeting.rs"), code).expect("it can be written");
}
RUST
  { light_program 'GREETING.into()'; printf '\ninclude!(concat!(env!("OUT_DIR"), "/greeting.rs"));\n'; } >src/main.rs
  copied PROFILE=small
  built generated
  is '... and greets' "$(asked generated /)" 'hello from a file'
}
# with_buildkit COMMAND...: with a docker client that can build with BuildKit
with_buildkit() {
  local PATH=$PATH
  if ! docker buildx version >/dev/null 2>&1 && [[ -x /usr/bin/docker ]]; then
    mkdir -p "$work/bin" && ln -sf /usr/bin/docker "$work/bin/docker"
    PATH=$work/bin:$PATH
  fi
  "$@"
}
# member NAME URL PACKAGE...: a project that depends on the secret greeting at this address, and needs these packages to fetch it
member() {
  project "$1"
  light_manifest "$1" >Cargo.toml
  printf 'secret-greeting = { git = "%s" }\n' "$2" >>Cargo.toml
  light_program 'secret_greeting::GREETING.into()' >src/main.rs
  mkdir .cargo
  printf '[net]\ngit-fetch-with-cli = true\n' >.cargo/config.toml
  copied "BUILD_PACKAGES=${*:3}" PROFILE=dev
}
# for_members NAME SECRET OPTION...: the project builds with these options; the image has the greeting and not the secret
for_members() {
  with_buildkit built "$1" "${@:3}"
  is '... and greets' "$(asked "$1" /)" 'hello, member'
  with_buildkit suite "${@:3}"
  docker save "$run:$1" >"$work/image.tar"
  is "the secret is in no layer of $1" "$(grep -acF "$2" "$work/image.tar")" 0
  ok '... which are read: the greeting is' grep -aq 'hello, member' "$work/image.tar"
}
private() { # a dependency that asks for a password, given as a secret
  printf 'machine 127.0.0.1 login ci password hunter2\n' >"$work/.netrc"
  member private "http://127.0.0.1:$private/secret-greeting.git" git ca-certificates
  ok 'without BuildKit it says what is missing' fails_with 'need BuildKit' \
    env DOCKER_BUILDKIT=0 .dockerflow/build.sh "$run:private" --secret id=netrc,src="$work/.netrc"
  for_members private hunter2 --secret id=netrc,src="$work/.netrc"
}
ssh() { # a dependency that asks for a key, which an agent keeps
  local sshd=/usr/sbin/sshd port host=$work/sshd
  [[ -x $sshd ]] || { skip 'a dependency over SSH' 'openssh-server is not installed'; return; }
  port=$(free_port)
  mkdir "$host"
  ((EUID != 0)) || mkdir -p /run/sshd
  ssh-keygen -q -t ed25519 -N '' -f "$host/host"
  ssh-keygen -q -t ed25519 -N '' -f "$host/key"
  "$sshd" -D -e -f /dev/null -h "$host/host" -o ListenAddress=127.0.0.1 -o "Port=$port" -o "AuthorizedKeysFile=$host/key.pub" \
    -o StrictModes=no -o UsePAM=no -o PasswordAuthentication=no -o PidFile=none 2>"$host/log" &
  servers+=($!)
  until ssh-keyscan -t ed25519 -p "$port" 127.0.0.1 2>/dev/null >"$host/known_hosts" && [[ -s $host/known_hosts ]]; do
    kill -0 "${servers[-1]}" || { cat "$host/log"; return 1; }
    sleep 0.1
  done
  ssh-agent -D -a "$host/agent" >/dev/null &
  servers+=($!)
  until [[ -S $host/agent ]]; do sleep 0.1; done
  export SSH_AUTH_SOCK=$host/agent
  ssh-add -q "$host/key"
  # for `cargo metadata` on this machine, which does not read /root/.ssh of the image
  export GIT_SSH_COMMAND="ssh -F /dev/null -o UserKnownHostsFile=$host/known_hosts"
  member ssh "ssh://$(id -un)@127.0.0.1:$port$work/guarded/secret-greeting.git" git ca-certificates openssh-client
  for_members ssh "$(cut -d' ' -f3 "$host/known_hosts")" --ssh default --secret "id=known-hosts,src=$host/known_hosts"
  unset SSH_AUTH_SOCK GIT_SSH_COMMAND
}

for name in "$@"; do
  echo "# $name"
  "$name"
done
finish
