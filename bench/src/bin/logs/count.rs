//! Instructions a request, under callgrind: every thread of the process counts, the client too, which is the same in each row.

use std::{
    env, io,
    process::{Command, Stdio},
};

use crate::rows::{ALL, Row};

const FEW: u64 = 1_000;
const MANY: u64 = 3_000;

/// Prints a line for each row: instructions a request, and what that is above the first row.
pub(crate) fn table() -> io::Result<()> {
    println!(
        "{:<40}{:>14}{:>14}",
        "instructions a request", "all", "above bare"
    );
    let mut bare = None;
    for row in ALL {
        let cost = (collected(row, MANY)? - collected(row, FEW)?) / (MANY - FEW);
        let bare = *bare.get_or_insert(cost);
        println!(
            "{:<40}{cost:>14}{:>+14}",
            row.title,
            cost.cast_signed() - bare.cast_signed()
        );
    }
    Ok(())
}

fn collected(row: Row, requests: u64) -> io::Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(env::current_exe()?)
        .args(["count", row.name, &requests.to_string()])
        .env_remove("LOG_LEVEL")
        .env_remove("LOG_FORMAT")
        .stdout(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let found = text
        .lines()
        .find_map(|line| line.split("Collected :").nth(1));
    found
        .filter(|_| output.status.success())
        .and_then(|number| number.trim().parse().ok())
        .ok_or_else(|| io::Error::other(format!("callgrind counted nothing:\n{text}")))
}
