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
            let unwritten = count_lines(&batch[written.min(accepted)..accepted]);
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
