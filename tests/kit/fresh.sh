#!/usr/bin/env bash
# Tests that the commands of docs/container.md put the kit into a fresh project, and that it fits: a .dockerignore of its own, a library of
# Debian's, two programs, files. The project needs no crate, so that this takes minutes. Prints TAP.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
run=dockerflow-fresh-$$
# shellcheck source=tests/kit/tap.sh
. "$here/tap.sh"
# shellcheck source=tests/kit/project.sh
. "$here/project.sh"

project fresh master
mkdir src/bin static
light_manifest fresh >Cargo.toml
{
  light_program '{
        // SAFETY: it returns a constant
        let version = unsafe { std::ffi::CStr::from_ptr(zlibVersion()) };
        version.to_string_lossy().into()
    }'
  cat <<'RUST'

#[link(name = "z")]
unsafe extern "C" {
    safe fn zlibVersion() -> *const std::ffi::c_char;
}
RUST
} >src/bin/fresh.rs
printf 'fn main() {}\n' >src/bin/other.rs
echo 'made by hand' >static/about.txt
printf '# ours\n/notes' >.dockerignore # without an end of line

copied 'BUILD_PACKAGES=zlib1g-dev' 'FILES=static'
ok 'its .dockerignore survives' grep -qx /notes .dockerignore
ok '... and has what ours has' grep -qx .git .dockerignore
ok 'two programs: it asks which' fails_with '2 programs were built: ' build fresh
committed 'BUILD_PACKAGES=zlib1g-dev' 'FILES=static' 'PROGRAM=fresh'
ok 'a program that lacks a library becomes no image' fails_with 'libz.so.1: cannot open shared object file' build fresh
committed 'BUILD_PACKAGES=zlib1g-dev' 'FILES=static' 'PROGRAM=fresh' 'RUN_PACKAGES=zlib1g'
built fresh
ok '... and has its files' shown .dockerflow/test.sh --static /static/about.txt "$run:fresh"
ok '... and its library' holds "$(asked fresh /)" 1.
audited fresh fresh
# shellcheck disable=SC2119 # no option
suite
finish
