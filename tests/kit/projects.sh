#!/usr/bin/env bash
# Tests that the kit fits projects that it has never seen, by the commands of docs/container.md and without a change to a file of the
# kit. Prints TAP, and the time and the size of each image.
#
#   projects.sh [greeter|openssl|workspace|generated|private]...
#
# Two of them, greeter and openssl, depend on the dockerflow of this checkout, through git, from a server of this test: half an hour. The
# others need no crate of actix-web's, so that they take minutes. `private` needs BuildKit: docker-buildx, or Debian's own docker client
# at /usr/bin/docker.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=tests/kit/tap.sh
. "$here/tap.sh"
[[ $# -gt 0 ]] || set -- greeter openssl workspace generated private

run=dockerflow-projects-$$
work=$(mktemp -d)
servers=()
clean_up() {
  ((${#servers[@]} == 0)) || kill "${servers[@]}" 2>/dev/null || true
  docker image ls --quiet "$run" | sort -u | xargs --no-run-if-empty docker image rm --force >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for name in $(compgen -e | grep -E '^(CIRCLE|GITHUB_|GITLAB_|CI_|DOCKERFLOW_)'); do unset "$name"; done
export CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup} GIT_CONFIG_NOSYSTEM=1
export HOME=$work
git config --global user.name T
git config --global user.email t@example.org
git config --global init.defaultBranch main

shown() { "$@" >"$work/log" 2>&1 || { tail -n 60 "$work/log"; return 1; }; }
# timed DESCRIPTION COMMAND...
timed() {
  local start=$SECONDS
  ok "$1" shown "${@:2}"
  echo "# in $((SECONDS - start)) s"
}
fails_with() {
  local text=$1
  shift
  if "$@" >"$work/log" 2>&1; then echo 'it did not fail'; return 1; fi
  holds "$(<"$work/log")" "$text"
}

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

# The service that each project is: its own file is `extra`, its dependencies are `dependencies`.
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

fn main() -> std::process::ExitCode {
    dockerflow::main(dockerflow::version!(), async |server| server.run(app).await)
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
# light_manifest NAME
light_manifest() { printf '[package]\nname = "%s"\nversion = "0.1.0"\nedition = "2024"\n\n[dependencies]\n' "$1"; }
# light_program GREETING: a main.rs that does the same without a crate
light_program() {
  cat <<RUST
use std::{env, io::{Read as _, Write as _}, net::{TcpListener, TcpStream}};

fn greeting() -> String {
    $1
}

fn version() -> String {
    format!(
        r#"{{"source":"{}","version":"{}","commit":"{}","build":"{}"}}"#,
        option_env!("DOCKERFLOW_SOURCE").unwrap_or_default(),
        option_env!("DOCKERFLOW_VERSION").unwrap_or_default(),
        option_env!("DOCKERFLOW_COMMIT").unwrap_or_default(),
        option_env!("DOCKERFLOW_BUILD").unwrap_or_default(),
    )
}

fn main() {
    let port = env::var("PORT").unwrap_or_default();
    match env::args().nth(1).as_deref() {
        Some("version") => println!("{}", version()),
        Some("healthcheck") => drop(TcpStream::connect(format!("127.0.0.1:{port}")).expect("it answers")),
        _ => {
            let listener = TcpListener::bind(format!("0.0.0.0:{port}")).expect("a free port");
            println!("listening");
            for mut stream in listener.incoming().flatten() {
                let mut buffer = [0; 4096];
                let length = stream.read(&mut buffer).unwrap_or(0);
                let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
                let (status, body) = match request.split(' ').nth(1).unwrap_or_default() {
                    "/" => (200, greeting()),
                    "/__version__" => (200, version()),
                    "/__heartbeat__" => (200, "{}".into()),
                    "/__lbheartbeat__" => (200, String::new()),
                    _ => (404, String::new()),
                };
                let _ = write!(stream, "HTTP/1.1 {status} -\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            }
        }
    }
}

#[test]
fn the_index_greets() {
    assert!(!greeting().is_empty());
}
RUST
}
# project NAME [BRANCH]: an empty project in a repository of its own
project() {
  mkdir "$work/$1"
  cd "$work/$1"
  git init --quiet --initial-branch "${2:-main}"
  git remote add origin "git@github.com:mozilla/$1.git"
  mkdir src
  printf '/target\n' >.gitignore
}
# copied: the kit, by the commands of the documentation; then a first commit with a tag
copied() {
  # shellcheck disable=SC2016 # a pattern of sed
  { echo "kit=$root"; sed -n '/^<!-- copy -->/,/^```$/{/^[<`]/d;p;}' "$root/docs/container.md"; } >"$work/copy.sh"
  ok 'the commands of docs/container.md copy the kit' shown bash -eu "$work/copy.sh"
  ! grep -q dockerflow Cargo.toml || cp "$root/Cargo.lock" . # so that it builds the dependencies that are tested here
  ok 'Cargo.lock' shown cargo metadata --quiet --format-version 1
  git add . && git commit --quiet --message one && git tag v0.1.0
}
# built IMAGE-TAG [OPTION...]: builds it and tests it
built() {
  local tag=$1
  shift
  timed "build.sh builds $tag" .dockerflow/build.sh "$run:$tag" --network host "$@"
  docker image inspect "$run:$tag" >/dev/null 2>&1 || return 0
  is '... which knows what it is' "$(docker run --rm "$run:$tag" version)" \
    "{\"source\":\"https://github.com/mozilla/${PWD##*/}\",\"version\":\"v0.1.0\",\"commit\":\"$(git rev-parse HEAD)\",\"build\":\"\"}"
  ok '... and keeps the specification' shown .dockerflow/test.sh "$run:$tag"
  echo "# $(docker image inspect --format '{{.Size}}' "$run:$tag") bytes"
}
# index IMAGE-TAG: what it answers
index() {
  local container address
  container=$(docker run --detach --read-only --publish 127.0.0.1::8000 "$run:$1") || return 0
  address=$(docker port "$container" 8000/tcp | head -n 1)
  curl --silent --retry 20 --retry-delay 1 --retry-all-errors "http://$address/" 2>/dev/null || docker logs "$container"
  docker rm --force --volumes "$container" >/dev/null
}
# suite [OPTION...]: its tests run in the container
suite() {
  timed 'suite.sh runs its tests in the container' .dockerflow/suite.sh --network host "$@"
  ok '... its own' grep -q 'the_index_greets ... ok' "$work/log"
}
# audited IMAGE-TAG PACKAGE: the list of packages that cargo auditable put into the program names this one
audited() {
  local container file
  container=$(docker create "$run:$1") || return 0
  file=$work/$1.program
  docker cp --follow-link "$container:/app/service" "$file" >/dev/null
  docker rm --volumes "$container" >/dev/null
  ok "the program of $1 lists its packages, such as $2" holds \
    "$(objcopy --dump-section .dep-v0=/dev/stdout "$file" /dev/null | python3 -c 'import sys, zlib; print(zlib.decompress(sys.stdin.buffer.read()).decode())')" \
    "\"name\":\"$2\""
}

greeter() { # one crate, nothing else, on a branch called master
  project greeter master
  manifest greeter >Cargo.toml
  program '"hello".into()' >src/main.rs
  copied
  built greeter
  is '... and greets' "$(index greeter)" hello
  audited greeter actix-web
  suite
}
openssl() { # libraries of Debian's, to build and to run; a .dockerignore of its own
  project openssl
  { manifest openssl; printf 'openssl = "0.10"\nlibz-sys = { version = "1", default-features = false, features = ["libc"] }\n'; } >Cargo.toml
  program '{
        // SAFETY: it returns a constant
        let zlib = unsafe { std::ffi::CStr::from_ptr(libz_sys::zlibVersion()) };
        format!("{} zlib {}", openssl::version::version(), zlib.to_str().unwrap())
    }' >src/main.rs
  printf '# ours\n/notes' >.dockerignore # without an end of line
  mkdir notes && echo private >notes/plan.txt
  copied
  ok 'its .dockerignore survives' grep -qx /notes .dockerignore
  ok '... and has what ours has' grep -qx .git .dockerignore
  printf 'BUILD_PACKAGES=pkg-config libssl-dev zlib1g-dev\nPROFILE=dev\n' >image.args
  git add . && git commit --quiet --amend --no-edit && git tag --force v0.1.0 >/dev/null
  ok 'without the library that it runs with, there is no image' fails_with 'libz.so.1: cannot open shared object file' \
    .dockerflow/build.sh "$run:openssl" --network host
  printf 'RUN_PACKAGES=libssl3 zlib1g\n' >>image.args
  git add . && git commit --quiet --amend --no-edit && git tag --force v0.1.0 >/dev/null
  built openssl
  ok '... and greets with both libraries' holds "$(index openssl)" 'zlib 1.'
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
  copied
  printf '%s\n' 'CARGO_FLAGS=--features shop/loud' PROFILE=dev 'FILES=static' >image.args
  git add . && git commit --quiet --amend --no-edit && git tag --force v0.1.0 >/dev/null
  ok 'two programs: it asks which' fails_with '2 programs were built: ' .dockerflow/build.sh "$run:workspace" --network host
  built shop --build-arg PROGRAM=shop
  is '... with its feature' "$(index shop)" 'HELLO from shop'
  is '... and its files' "$(docker save "$run:shop" | tar -xOf - --wildcards '*/layer.tar' | tar -xOf - --ignore-zeros app/static/about.txt 2>/dev/null)" 'made by hand'
  built worker --build-arg PROGRAM=worker
  is '... the other program' "$(index worker | sed 's/.*from //')" worker
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
  copied
  printf 'PROFILE=small\n' >image.args
  git add . && git commit --quiet --amend --no-edit && git tag --force v0.1.0 >/dev/null
  built generated
  is '... and greets' "$(index generated)" 'hello from a file'
}
private() { # a dependency that asks for a password, given as a secret
  project private
  light_manifest private >Cargo.toml
  printf 'secret-greeting = { git = "http://127.0.0.1:%s/secret-greeting.git" }\n' "$private" >>Cargo.toml
  light_program 'secret_greeting::GREETING.into()' >src/main.rs
  mkdir .cargo
  printf '[net]\ngit-fetch-with-cli = true\n' >.cargo/config.toml
  printf 'BUILD_PACKAGES=git ca-certificates\nPROFILE=dev\n' >image.args
  printf 'machine 127.0.0.1 login ci password hunter2\n' >"$work/.netrc"
  copied
  ok 'without BuildKit it says what is missing' fails_with 'need BuildKit' \
    env DOCKER_BUILDKIT=0 .dockerflow/build.sh "$run:private" --network host --secret id=netrc,src="$work/.netrc"
  local path=$PATH
  if ! docker buildx version >/dev/null 2>&1 && [[ -x /usr/bin/docker ]]; then
    mkdir -p "$work/bin" && ln -sf /usr/bin/docker "$work/bin/docker"
    export PATH=$work/bin:$PATH
  fi
  built private --secret id=netrc,src="$work/.netrc"
  is '... and greets' "$(index private)" 'hello, member'
  suite --secret id=netrc,src="$work/.netrc"
  docker save "$run:private" >"$work/image.tar"
  ok 'the password is in no layer' not_in hunter2 "$work/image.tar"
  PATH=$path
}
not_in() { ! tar -xOf "$2" --wildcards '*/layer.tar' '*.json' | grep -q "$1"; }

for name in "$@"; do
  echo "# $name"
  "$name"
done
finish
