#!/usr/bin/env bash
# Prints what the smallest service costs to build, beside the same service on actix-web alone: the crates, the user seconds of a
# clean debug build, and with --release the size of the stripped program. Start and memory: `cargo bench --bench process`.
#
#   bench/smallest.sh [--release] [--no-default-features]
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
release='' features=''
for option in "$@"; do
    case $option in
        --release) release=1 ;;
        --no-default-features) features=", default-features = false" ;;
        *) echo "smallest.sh: unknown option $option" >&2; exit 2 ;;
    esac
done

# package NAME DEPENDENCIES MAIN
package() {
    mkdir -p "$work/$1/src"
    cat > "$work/$1/Cargo.toml" <<TOML
[package]
name = "$1"
version = "0.1.0"
edition = "2024"

[dependencies]
actix-web = { version = "4.18", default-features = false, features = ["macros"] }
$2

[profile.release]
strip = true

[workspace]
TOML
    printf '%s\n' "$3" > "$work/$1/src/main.rs"
    # The versions that the repository is tested with.
    cp "$root/Cargo.lock" "$work/$1/Cargo.lock"
    (cd "$work/$1" && cargo fetch --quiet)
}

package bare '' '
use actix_web::{App, HttpServer, get};

#[get("/")]
async fn index() -> &'"'static"' str {
    "hello"
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    HttpServer::new(|| App::new().service(index)).bind(("127.0.0.1", 8000))?.run().await
}'
package ours "dockerflow = { path = \"$root\"$features }" '
use actix_web::{App, get};

#[get("/")]
async fn index() -> &'"'static"' str {
    "hello"
}

#[dockerflow::service]
fn app() -> App {
    App::new().service(index)
}

#[dockerflow::main]
async fn main(server: dockerflow::Server) -> Result<(), dockerflow::Error> {
    server.run(app).await
}'

# Sets crates_NAME and seconds_NAME, and size_NAME with --release.
measure() {
    local TIMEFORMAT=%U
    cd "$work/$1"
    export CARGO_TARGET_DIR="$work/target-$1"
    crates=$(cargo tree --edges normal,build --prefix none --no-dedupe | sed 's/ (\*)$//; s/ (proc-macro)//' | sort -u | grep -vc "^$1 ")
    { time cargo build --quiet 2>&1; } 2> "$work/time"
    seconds=$(tail -1 "$work/time")
    size=-
    if [ -n "$release" ]; then
        cargo build --quiet --release
        size=$(stat -c %s "$CARGO_TARGET_DIR/release/$1")
    fi
    printf '%s: %s crates, %s user seconds, %s bytes stripped\n' "$1" "$crates" "$seconds" "$size"
    printf '%s %s %s\n' "$crates" "$seconds" "$size" > "$work/$1.numbers"
}

measure bare
measure ours
paste -d ' ' "$work/bare.numbers" "$work/ours.numbers" | awk '{
    printf "ours to bare: %.2f times the user seconds, %d crates more", $5 / $2, $4 - $1
    if ($3 != "-") printf ", %.2f times the size", $6 / $3
    print ""
}'
