//! Do the tests run as root, and what does anybody else need for what root may do?

use std::{fs, os::unix::fs::MetadataExt as _, process::Command};

/// Returns whether the tests run as root.
pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Returns the command `unshare`, which starts a program in namespaces of its own. For anybody but root it makes a namespace of users,
/// too, in which the program is root.
#[must_use]
pub fn unshare() -> Command {
    let mut command = Command::new("unshare");
    if !is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command
}
