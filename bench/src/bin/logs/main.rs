//! What a request costs: `logs` counts its instructions, `logs throughput` compares requests a second, and
//! `logs pipe` writes to a pipe in two ways. Build it with `--release`.

mod count;
mod load;
mod pipe;
mod rows;
mod throughput;

use std::{env, io, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        [] => count::table(),
        ["pipe"] => pipe::table(),
        ["throughput"] => throughput::table(),
        // What the table and `throughput` start: this program, once for each row.
        ["count", row, requests] => rows::find(row).and_then(|row| load::count(row, requests)),
        ["serve", row] => rows::find(row).and_then(load::serve),
        _ => Err(io::Error::other("usage: logs [throughput | pipe]")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("logs: {error}");
            ExitCode::FAILURE
        }
    }
}
