//! A new migration or static file is seen only where Cargo is told to look for it.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=assets");
}
