//! How lines reach stdout without a worker ever waiting for it: a thread that takes them from a bounded queue.

use std::{
    cmp,
    fs::File,
    io::{self, ErrorKind, Write},
    os::unix::fs::FileTypeExt as _,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crate::queue::{Queue, Taker, count_lines, first_lines};

/// How many bytes may wait: at 400 bytes a line, 10,000 lines.
pub(crate) const BOUND: usize = 4 * 1024 * 1024;

/// The most bytes that a pipe takes without mixing them with those of another process: Linux's `PIPE_BUF`.
const PIPE_BUF: usize = 4096;

/// With so many bytes at hand, a push wakes the thread before its time. It is rarely so: a push that wakes a thread may have to
/// yield its core to it.
const BATCH: usize = BOUND / 4;

/// How long a line may wait for others to be written with.
const GATHER: Duration = Duration::from_millis(5);

/// How long the thread pauses at most before it tries again to write to an output that fails.
const PAUSE: Duration = Duration::from_secs(2);

/// The handle by which threads put lines into the queue.
#[derive(Clone, Debug)]
pub(crate) struct Writer(Arc<Queue>);

impl Writer {
    /// Starts the thread, which writes to `output`, whole lines of at most `piece` bytes together. `report` makes the line that
    /// says how many were lost.
    pub(crate) fn start(
        output: impl Write + Send + 'static,
        piece: usize,
        bound: usize,
        report: impl Fn(u64) -> Vec<u8> + Send + 'static,
    ) -> io::Result<Self> {
        let output = Output {
            to: output,
            piece,
            torn: false,
            failing: false,
        };
        let thread = thread::Builder::new().name("dockerflow-log".into());
        let queue = Queue::spawn(thread, bound, move |taker| run(taker, output, report))?;
        Ok(Self(queue))
    }

    /// Queues a line, or counts it as lost if there is no room. It never waits for the output.
    pub(crate) fn push(&self, line: &[u8]) {
        self.0.push(line);
    }

    /// How many lines were lost since the start.
    pub(crate) fn dropped(&self) -> u64 {
        self.0.dropped()
    }

    /// Waits, for at most `limit`, until all that was queued so far is written. Returns whether it was.
    pub(crate) fn flush(&self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        let left = || end.saturating_duration_since(Instant::now());
        while self.0.flush(left()) {
            if self.0.unreported() == 0 {
                return true;
            }
            // Lines are lost, and their number cannot be written yet.
            thread::sleep(cmp::min(GATHER, left()));
        }
        false
    }
}

/// How many bytes are to be written to `output` together at most, so that other programs can write to it, too.
pub(crate) fn piece(output: &File) -> io::Result<usize> {
    let kind = output.metadata()?.file_type();
    Ok(if kind.is_fifo() || kind.is_socket() {
        PIPE_BUF
    } else {
        BOUND
    })
}

/// The thread's work, which ends with the process.
fn run<W: Write>(mut taker: Taker, mut output: Output<W>, report: impl Fn(u64) -> Vec<u8>) {
    let queue = taker.queue().clone();
    let mut pause = GATHER;
    loop {
        if queue.unreported() == 0 {
            taker.wait(Some(1), None);
        }
        taker.wait(Some(BATCH), Some(GATHER));
        let lost = queue.unreported();
        let lines = taker.take();
        let rest = &lines[output.write(lines)..];
        let whole = rest.is_empty();
        // A line of which only the line break is missing gets that before anything else.
        queue.count_lost(count_lines(rest.strip_prefix(b"\n").unwrap_or(rest)));
        let reported = lost > 0 && whole && {
            let line = report(lost);
            output.write(&line) == line.len()
        };
        taker.finish(if reported { lost } else { 0 });
        if output.failing {
            // Lines wait as long as there is room for them; a flush tries at once.
            taker.wait(None, Some(pause));
            pause = cmp::min(2 * pause, PAUSE);
        } else {
            pause = GATHER;
        }
    }
}

/// Something that may fail and recover.
struct Output<W> {
    to: W,
    /// Maximum bytes of whole lines that are written together.
    piece: usize,
    /// Whether the last write ended inside a line.
    torn: bool,
    failing: bool,
}

impl<W: Write> Output<W> {
    /// Writes as much as it can, and returns how many bytes that is.
    fn write(&mut self, batch: &[u8]) -> usize {
        if batch.is_empty() {
            return 0;
        }
        if self.torn {
            match self.attempt(b"\n") {
                Ok(1..) => self.torn = false,
                _ => return 0,
            }
        }
        let mut written = 0;
        while written < batch.len() {
            match self.attempt(first_lines(&batch[written..], self.piece)) {
                Ok(0) => break,
                Ok(count) => written += count,
                Err(error) => {
                    self.complain(&error);
                    break;
                }
            }
        }
        self.torn = written > 0 && batch[written - 1] != b'\n';
        self.failing = written < batch.len();
        written
    }

    fn attempt(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.to.write(bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Another program has made the pipe non-blocking. This thread can wait.
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(GATHER),
                result => return result,
            }
        }
    }

    fn complain(&self, error: &io::Error) {
        if !self.failing {
            let _ = writeln!(
                io::stderr(),
                "log lines are lost: stdout cannot be written: {error}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What was written, by an output that takes so many bytes at a time, and then fails until it is mended.
    #[derive(Clone, Default)]
    struct Flaky(Arc<Mutex<(Vec<u8>, Option<usize>)>>);

    impl Flaky {
        fn breaking_after(bytes: usize) -> Self {
            Self(Arc::new(Mutex::new((Vec::new(), Some(bytes)))))
        }

        fn mend(&self) {
            self.0.lock().expect("nobody panics with it").1 = None;
        }

        fn text(&self) -> String {
            let written = self.0.lock().expect("nobody panics with it").0.clone();
            String::from_utf8(written).expect("lines are text")
        }
    }

    impl Write for Flaky {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut state = self.0.lock().expect("nobody panics with it");
            let taken = match &mut state.1 {
                None => bytes.len(),
                Some(0) => return Err(ErrorKind::StorageFull.into()),
                Some(left) => {
                    let taken = bytes.len().min(*left).min(7);
                    *left -= taken;
                    taken
                }
            };
            state.0.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn start(output: &Flaky, bound: usize) -> Writer {
        let report = |lost| format!("lost {lost}\n").into_bytes();
        Writer::start(output.clone(), PIPE_BUF, bound, report).expect("a thread")
    }

    /// The lines that arrived whole, and how many were reported as lost.
    fn arrived(text: &str) -> (u64, u64) {
        let lost = text
            .lines()
            .filter_map(|line| line.strip_prefix("lost ")?.parse::<u64>().ok());
        let whole = text
            .lines()
            .filter(|line| line.starts_with("line ") && line.ends_with('.'));
        (whole.count() as u64, lost.sum())
    }

    #[test]
    fn an_output_that_fails_inside_a_line_and_recovers_loses_no_line_uncounted() {
        for breaking in [0, 1, 7, 8, 10, 57, 200] {
            let output = Flaky::breaking_after(breaking);
            let writer = start(&output, BOUND);
            for number in 0..50 {
                writer.push(format!("line {number}.\n").as_bytes());
            }
            assert!(
                !writer.flush(Duration::from_millis(30)),
                "it cannot be written"
            );
            output.mend();
            for number in 50..60 {
                writer.push(format!("line {number}.\n").as_bytes());
            }
            assert!(writer.flush(Duration::from_secs(30)));
            let text = output.text();
            let (whole, lost) = arrived(&text);
            assert_eq!(whole + lost, 60, "after {breaking} bytes: {text}");
            assert_eq!(writer.dropped(), lost);
            assert!(whole >= 10, "what came after the recovery is there: {text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_counted_and_reported_once_there_is_room() {
        let output = Flaky::breaking_after(0);
        let writer = start(&output, 100);
        for number in 0..1000 {
            writer.push(format!("line {number}.\n").as_bytes());
        }
        output.mend();
        assert!(writer.flush(Duration::from_secs(30)));
        let (whole, lost) = arrived(&output.text());
        assert_eq!(whole + lost, 1000);
        assert_eq!(writer.dropped(), lost);
        assert!(lost > 0);
    }

    #[test]
    fn lines_arrive_in_order_from_many_threads_and_by_themselves() {
        let output = Flaky::default();
        let writer = start(&output, BOUND);
        thread::scope(|scope| {
            for name in ["a", "b", "c"] {
                let writer = &writer;
                scope.spawn(move || {
                    for number in 0..1000 {
                        writer.push(format!("{name} {number}\n").as_bytes());
                    }
                });
            }
        });
        let end = Instant::now() + Duration::from_secs(30);
        while output.text().lines().count() < 3000 && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
        for name in ["a ", "b ", "c "] {
            let text = output.text();
            let numbers = text
                .lines()
                .filter_map(|line| line.strip_prefix(name)?.parse::<u32>().ok());
            assert!(numbers.eq(0..1000), "{name}");
        }
    }
}
