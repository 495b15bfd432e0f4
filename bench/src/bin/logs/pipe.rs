//! What it costs to write at most `PIPE_BUF` bytes at once to a pipe, so that lines of several processes stay whole.

use std::{
    io::{self, PipeWriter, Read as _, Write as _},
    thread,
    time::Instant,
};

/// A line as long as a summary's, with its break.
const LINE: usize = 400;
const LINES: usize = 2_000_000;
/// As many lines as the writer has at hand when it writes under load.
const BATCH: usize = 100;
/// Pairs of measurements.
const ROUNDS: usize = 7;

/// Prints how many lines a second go through a pipe in pieces of whole lines up to `PIPE_BUF`, and in whole batches.
pub(crate) fn table() -> io::Result<()> {
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (piece, rates) in [4096 / LINE, BATCH].into_iter().zip(&mut rates) {
            rates.push(rate(piece)?);
        }
    }
    for (name, rates) in ["at most 4,096 bytes", "whole batches"]
        .iter()
        .zip(&mut rates)
    {
        rates.sort_by(f64::total_cmp);
        println!(
            "{:>12.0} lines a second, {name} a write (median of {ROUNDS})",
            rates[ROUNDS / 2]
        );
    }
    Ok(())
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a number of lines is far below 2^52"
)]
fn rate(lines_a_write: usize) -> io::Result<f64> {
    let (mut reader, writer) = io::pipe()?;
    let reading = thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while reader.read(&mut buffer)? > 0 {}
        io::Result::Ok(())
    });
    let began = Instant::now();
    write(writer, lines_a_write)?;
    reading.join().expect("the reader does not panic")?;
    Ok(LINES as f64 / began.elapsed().as_secs_f64())
}

fn write(mut to: PipeWriter, lines_a_write: usize) -> io::Result<()> {
    let mut line = vec![b'x'; LINE - 1];
    line.push(b'\n');
    let batch = line.repeat(BATCH);
    for _ in 0..LINES / BATCH {
        for piece in batch.chunks(lines_a_write * LINE) {
            to.write_all(piece)?;
        }
    }
    Ok(())
}
