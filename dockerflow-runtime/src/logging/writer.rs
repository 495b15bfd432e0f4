//! How lines reach stdout without a worker ever waiting for it: a bounded queue, and a thread of its own.

use std::{
    fmt::{self, Debug},
    io::{self, ErrorKind, Write},
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// As many bytes may wait: at 400 bytes a line, 10,000 lines.
pub(crate) const BOUND: usize = 4 * 1024 * 1024;

/// With so many bytes at hand, there is no waiting for more: what a pipe holds.
const BATCH: usize = 64 * 1024;

/// So long a line may wait for others to be written with.
const GATHER: Duration = Duration::from_millis(5);

/// The queue's end for those who log.
#[derive(Clone)]
pub(crate) struct Writer(Arc<Queue>);

struct Queue {
    state: Mutex<State>,
    bound: usize,
    /// For the thread: there is something to do.
    work: Condvar,
    /// For those who flush: something was done.
    done: Condvar,
    /// Lines that were lost, in all.
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// Lines that wait, each with its line break.
    lines: Vec<u8>,
    /// How many bytes were ever put into `lines`, and how many of these are dealt with.
    accepted: u64,
    finished: u64,
    /// Lines that were lost since that was last reported.
    lost: u64,
    /// The thread waits for a first line.
    idle: bool,
    /// Somebody waits for all to be written.
    flush: bool,
}

impl Writer {
    /// Starts the thread, which writes to `output`. `report` makes the line that says how many were lost.
    pub(crate) fn start(
        output: impl Write + Send + 'static,
        bound: usize,
        report: impl Fn(u64) -> Vec<u8> + Send + 'static,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue {
            state: Mutex::default(),
            bound,
            work: Condvar::new(),
            done: Condvar::new(),
            dropped: AtomicU64::new(0),
        });
        let shared = queue.clone();
        thread::Builder::new()
            .name("dockerflow-log".into())
            .spawn(move || shared.run(output, report))?;
        Ok(Self(queue))
    }

    /// Queues a line, or counts it as lost where there is no room. It never waits for what is written.
    pub(crate) fn push(&self, line: &[u8]) {
        let mut state = self.0.lock();
        let before = state.lines.len();
        let after = before + line.len();
        if after > self.0.bound {
            state.lost += 1;
            drop(state);
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.lines.extend_from_slice(line);
        state.accepted += line.len() as u64;
        let wake = mem::take(&mut state.idle) || (before < BATCH && after >= BATCH);
        drop(state);
        if wake {
            self.0.work.notify_one();
        }
    }

    /// How many lines were lost since the start.
    pub(crate) fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Waits until all that was queued so far is written, for at most `limit`. Says whether it was.
    pub(crate) fn flush(&self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        let mut state = self.0.lock();
        let target = state.accepted;
        while state.finished < target || state.lost > 0 {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state.flush = true;
            self.0.work.notify_one();
            let waited = self.0.done.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Debug for Writer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dropped = self.dropped();
        formatter
            .debug_struct("Writer")
            .field("dropped", &dropped)
            .finish_non_exhaustive()
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, output: impl Write, report: impl Fn(u64) -> Vec<u8>) {
        let mut output = Output {
            to: output,
            torn: false,
            failing: false,
        };
        let mut batch = Vec::new();
        loop {
            let lost = self.next(&mut batch);
            let accepted = batch.len();
            if lost > 0 {
                batch.extend_from_slice(&report(lost));
            }
            let written = output.write(&batch);
            let rest = &batch[written.min(accepted)..accepted];
            // A line that lacks its break alone gets that before whatever comes next.
            let unwritten = count_lines(rest.strip_prefix(b"\n").unwrap_or(rest));
            let unreported = if written < batch.len() { lost } else { 0 };
            self.dropped.fetch_add(unwritten, Ordering::Relaxed);
            batch.clear();
            // What one burst needed is not kept for ever.
            batch.shrink_to(BATCH);
            let mut state = self.lock();
            state.finished += accepted as u64;
            state.lost += unwritten + unreported;
            drop(state);
            self.done.notify_all();
            if output.failing {
                // Neither spin on an output that fails at once, nor hold on to its lines: they are counted.
                thread::sleep(GATHER);
            }
        }
    }

    /// Waits for lines, takes all that there are by then, and says how many were lost.
    fn next(&self, batch: &mut Vec<u8>) -> u64 {
        let mut state = self.lock();
        while state.lines.is_empty() && state.lost == 0 {
            state.idle = true;
            state.flush = false;
            state = self
                .work
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.idle = false;
        let gathered = self.work.wait_timeout_while(state, GATHER, |state| {
            !state.flush && state.lines.len() < BATCH
        });
        state = gathered.unwrap_or_else(PoisonError::into_inner).0;
        state.flush = false;
        mem::swap(&mut state.lines, batch);
        mem::take(&mut state.lost)
    }
}

/// Something that may fail and recover.
struct Output<W> {
    to: W,
    /// The last thing written ends inside a line.
    torn: bool,
    failing: bool,
}

impl<W: Write> Output<W> {
    /// Writes what it can, and says how much that is.
    fn write(&mut self, batch: &[u8]) -> usize {
        if self.torn {
            match self.attempt(b"\n") {
                Ok(1..) => self.torn = false,
                _ => return 0,
            }
        }
        let mut written = 0;
        while written < batch.len() {
            match self.attempt(&batch[written..]) {
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
                // Somebody else has made the pipe non-blocking; this thread has time.
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

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.split(|byte| *byte == b'\n').count() as u64 - 1
}

#[cfg(test)]
mod tests {
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
        Writer::start(output.clone(), bound, report).expect("there is a thread to be had")
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
