# shellcheck shell=bash
# shellcheck disable=SC2154 # here and run are the test's
# Makes a project that the kit has never seen, puts the kit into it by the commands of docs/container.md, and tests the image of it.
#
# For whoever sources this, after tap.sh: `here` is the folder of this file, `run` the name of the images. It makes a folder `work`, which
# goes away at the end with the images, and leaves no variable of the machine's CI.

root=$(cd "$here/../.." && pwd)
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
# the user's configuration of git does not count
export CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup} GIT_CONFIG_NOSYSTEM=1 HOME=$work
git config --global user.name T
git config --global user.email t@example.org
git config --global init.defaultBranch main

shown() { "$@" >"$work/log" 2>&1 || { tail -n 60 "$work/log"; return 1; }; }
# timed DESCRIPTION COMMAND...
timed() {
  local start=$SECONDS
  ok "$1" shown "${@:2}"
  echo "# in $((SECONDS - start)) s, load $(cut -d' ' -f1 /proc/loadavg)"
}
fails_with() {
  local text=$1
  shift
  if "$@" >"$work/log" 2>&1; then echo 'it did not fail'; return 1; fi
  holds "$(<"$work/log")" "$text"
}

# project NAME [BRANCH]: an empty project in a repository of its own
project() {
  mkdir "$work/$1"
  cd "$work/$1" || exit
  git init --quiet --initial-branch "${2:-main}"
  git remote add origin "git@github.com:mozilla/$1.git"
  mkdir src
  printf '/target\n' >.gitignore
}
# light_manifest NAME
light_manifest() { printf '[package]\nname = "%s"\nversion = "0.1.0"\nedition = "2024"\n\n[dependencies]\n' "$1"; }
# light_program GREETING: a main.rs without a crate that keeps the specification, answers / with this expression, and any other path with
# the file in /app
light_program() {
  cat <<RUST
use std::{env, fs, io::{Read as _, Write as _}, net::{TcpListener, TcpStream}};

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

fn answer(path: &str) -> (u16, String) {
    match path {
        "/" => (200, greeting()),
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
    assert!(!greeting().is_empty());
}
RUST
}

# committed LINE...: image.args with these lines; everything is committed under the tag v0.1.0
committed() {
  (($# == 0)) || printf '%s\n' "$@" >image.args
  git add . && git commit --quiet --message "$*" --allow-empty-message && git tag --force v0.1.0 >/dev/null
}
# copied LINE...: the kit, by the commands of the documentation, with these lines in image.args
copied() {
  # shellcheck disable=SC2016 # a pattern of sed
  { echo "kit=$root"; sed -n '/^<!-- copy -->/,/^```$/{/^[<`]/d;p;}' "$root/docs/container.md"; } >"$work/copy.sh"
  ok 'the commands of docs/container.md copy the kit' shown bash -eu "$work/copy.sh"
  ! grep -q dockerflow Cargo.toml || cp "$root/Cargo.lock" . # so that it builds the dependencies that are tested here
  ok 'Cargo.lock' shown cargo metadata --quiet --format-version 1
  committed "$@"
}
build() { .dockerflow/build.sh "$run:$1" --network host "${@:2}"; }
# built IMAGE-TAG [OPTION...]: builds it and tests it
built() {
  local tag=$1
  timed "build.sh builds $tag" build "$@"
  docker image inspect "$run:$tag" >/dev/null 2>&1 || return 0
  is '... which knows what it is' "$(docker run --rm "$run:$tag" version)" \
    "{\"source\":\"https://github.com/mozilla/${PWD##*/}\",\"version\":\"v0.1.0\",\"commit\":\"$(git rev-parse HEAD)\",\"build\":\"\"}"
  ok '... and keeps the specification' shown .dockerflow/test.sh "$run:$tag"
  echo "# $(docker image inspect --format '{{.Size}}' "$run:$tag") bytes"
}
# asked IMAGE-TAG PATH...: what it answers to each
asked() {
  local container address path
  container=$(docker run --detach --read-only --publish 127.0.0.1::8000 "$run:$1") || return 0
  shift
  address=$(docker port "$container" 8000/tcp | head -n 1)
  for path; do
    curl --silent --retry 20 --retry-delay 1 --retry-all-errors "http://$address$path" 2>/dev/null || docker logs "$container"
  done
  docker rm --force --volumes "$container" >/dev/null
}
# program_of IMAGE FILE: copies the image's program
program_of() {
  local container
  container=$(docker create "$1") || return
  docker cp --follow-link "$container:/app/service" "$2" >/dev/null
  docker rm --volumes "$container" >/dev/null
}
# audited IMAGE-TAG PACKAGE: the list of packages that cargo auditable put into the program names this one
audited() {
  ok "the program of $1 can be read" program_of "$run:$1" "$work/$1.program"
  ok "... and lists its packages, such as $2" holds "$("$here/packages.py" "$work/$1.program" 2>&1)" "$2 "
}
# suite [OPTION...]: its tests run in the container
suite() {
  timed 'suite.sh runs its tests in the container' .dockerflow/suite.sh --network host "$@"
  ok '... its own' grep -q 'the_index_greets ... ok' "$work/log"
}
