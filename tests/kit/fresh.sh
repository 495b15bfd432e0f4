#!/usr/bin/env bash
# Tests that the commands of docs/container.md put the kit into a fresh project, and that it fits: a .dockerignore of its own, a library of
# Debian's, two programs, files. The project needs no crate, so that this takes minutes. Prints TAP.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=tests/kit/tap.sh
. "$here/tap.sh"

run=dockerflow-fresh-$$
work=$(mktemp -d)
clean_up() {
  docker image rm --force "$run:build" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
for name in $(compgen -e | grep -E '^(CIRCLE|GITHUB_|GITLAB_|CI_|DOCKERFLOW_)'); do unset "$name"; done
shown() { "$@" >"$work/log" 2>&1 || { tail -n 40 "$work/log"; return 1; }; }
fails_with() {
  local text=$1
  shift
  if "$@" >"$work/log" 2>&1; then echo 'it did not fail'; return 1; fi
  holds "$(<"$work/log")" "$text"
}

mkdir "$work/greeter" && cd "$work/greeter"
git init --quiet --initial-branch master && git config user.name T && git config user.email t@example.org
git remote add origin git@github.com:mozilla/greeter.git
mkdir -p src/bin static
printf '[package]\nname = "greeter"\nversion = "0.1.0"\nedition = "2024"\n' >Cargo.toml
cat >src/bin/greeter.rs <<'END_OF_RUST'
//! A service that needs no crate, and zlib.

use std::{
    env,
    ffi::{CStr, c_char},
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

#[link(name = "z")]
unsafe extern "C" {
    safe fn zlibVersion() -> *const c_char;
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

fn answer(path: &str) -> (u16, String) {
    match path {
        "/" => (200, unsafe { CStr::from_ptr(zlibVersion()) }.to_string_lossy().into()),
        "/__version__" => (200, version()),
        "/__heartbeat__" => (200, "{}".into()),
        "/__lbheartbeat__" => (200, String::new()),
        path => fs::read_to_string(format!("/app{path}")).map_or((404, String::new()), |text| (200, text)),
    }
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
                let (status, body) = answer(request.split(' ').nth(1).unwrap_or_default());
                let _ = write!(stream, "HTTP/1.1 {status} -\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            }
        }
    }
}

#[test]
fn the_index_greets() {
    assert!(answer("/").1.starts_with("1."));
}
END_OF_RUST
printf 'fn main() {}\n' >src/bin/other.rs
echo 'made by hand' >static/about.txt
printf '/target\n' >.gitignore
printf '# ours\n/notes' >.dockerignore # without an end of line
ok 'Cargo.lock' shown cargo generate-lockfile

{
  echo "kit=$root"
  # shellcheck disable=SC2016 # a pattern of sed
  sed -n '/^<!-- copy -->/,/^```$/{/^[<`]/d;p;}' "$root/docs/container.md"
} >"$work/copy.sh"
ok 'the commands of docs/container.md copy the kit' shown bash -eu "$work/copy.sh"
ok 'its .dockerignore survives' grep -qx /notes .dockerignore
ok '... and has what ours has' grep -qx .git .dockerignore
# committed ARGUMENT...: image.args with these lines, and everything else, under the tag v0.1.0
committed() {
  printf '%s\n' "$@" >image.args
  git add . && git commit --quiet --message "$*" && git tag --force v0.1.0 >/dev/null
}
build() { .dockerflow/build.sh "$run:build"; }
committed 'BUILD_PACKAGES=zlib1g-dev' 'FILES=static'
ok 'two programs: it asks which' fails_with 'programs were built: ' build
committed 'BUILD_PACKAGES=zlib1g-dev' 'FILES=static' 'PROGRAM=greeter'
ok 'a program that lacks a library becomes no image' fails_with 'libz.so.1: cannot open shared object file' build
committed 'BUILD_PACKAGES=zlib1g-dev' 'FILES=static' 'PROGRAM=greeter' 'RUN_PACKAGES=zlib1g'
ok 'build.sh builds it' shown build
is 'it knows what it is' "$(docker run --rm "$run:build" version)" \
  "{\"source\":\"https://github.com/mozilla/greeter\",\"version\":\"v0.1.0\",\"commit\":\"$(git rev-parse HEAD)\",\"build\":\"\"}"
ok 'it keeps the specification, and has its files' shown .dockerflow/test.sh --static /static/about.txt "$run:build"
echo "# $(docker image inspect --format '{{.Size}}' "$run:build") bytes"
ok 'suite.sh runs its tests in the container' shown .dockerflow/suite.sh
ok '... its own' grep -q 'the_index_greets ... ok' "$work/log"
finish
