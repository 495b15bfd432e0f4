#!/usr/bin/env bash
# Does "copy the kit into your project" of docs/container.md work, in a fresh project of one crate? Prints TAP.
#
# The project depends on the dockerflow of this checkout, which it gets as a folder, since nothing but the project goes into the build.
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
told() { "$@" >"$work/log" 2>&1 || { tail -n 40 "$work/log"; return 1; }; }

mkdir "$work/greeter" && cd "$work/greeter"
mkdir src dockerflow
cat >Cargo.toml <<'END'
[package]
name = "greeter"
version = "0.1.0"
edition = "2024"

[dependencies]
actix-web = { version = "4", default-features = false, features = ["macros"] }
dockerflow = { path = "dockerflow" }
END
cat >src/main.rs <<'END'
use actix_web::{App, get};

#[get("/")]
async fn index() -> &'static str {
    "hello"
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
        assert_eq!(test::call_and_read_body(&app, request).await, "hello");
    }
}
END
cp -r "$root"/{Cargo.toml,README.md,src,dockerflow-build-facts,dockerflow-macros,dockerflow-runtime} dockerflow/
sed -i -e 's/^members = .*/members = ["dockerflow-build-facts", "dockerflow-macros", "dockerflow-runtime"]/' -e "/^default-members/d" -e "/^dockerflow-test-support/d" dockerflow/Cargo.toml
# what the README includes
grep -rhoE 'include_str!\("\.\./[^"]*"' dockerflow/src | sed 's/.*"\.\.\/\(.*\)"/\1/' | while read -r file; do
  [[ -e dockerflow/$file ]] || install -D "$root/$file" "dockerflow/$file"
done

# docs/container.md
cp -r "$root"/{Dockerfile,.dockerignore,.dockerflow,circle.yml} .
sed -i '/^ENV DATABASE_URL=/d' Dockerfile
# what stands for the registry, to which cargo chef would leave it
sed -i 's/^RUN cargo chef cook/COPY dockerflow dockerflow\n&/' Dockerfile
cp "$root/Cargo.lock" . # so that it builds what is tested here
ok 'Cargo.lock' told cargo metadata --quiet --format-version 1

printf '/target\n' >.gitignore
git init --quiet && git config user.name T && git config user.email t@example.org
git remote add origin git@github.com:mozilla/greeter.git
git add . && git commit --quiet --message one && git tag v0.1.0
ok 'build.sh builds it' told .dockerflow/build.sh "$run:build"
is 'it knows what it is' "$(docker run --rm "$run:build" version)" \
  "{\"source\":\"https://github.com/mozilla/greeter\",\"version\":\"v0.1.0\",\"commit\":\"$(git rev-parse HEAD)\",\"build\":\"\"}"
ok 'it keeps the specification' told .dockerflow/test.sh "$run:build"
echo "# $(docker image inspect --format '{{.Size}}' "$run:build") bytes"
ok 'suite.sh runs its tests in the container' told .dockerflow/suite.sh
ok '... its own' grep -q 'the_index_greets ... ok' "$work/log"
finish
