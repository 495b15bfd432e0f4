//! The signals by which a process is asked to stop.

use std::{
    fmt, fs, io,
    time::{Duration, Instant},
};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal within this time after the first one is ignored.
const ECHO: Duration = Duration::from_millis(100);

/// The signals that ask a process to stop. Once this value exists, they no longer kill the process.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    /// `None` if the process ignores it, as `nohup` arranges.
    hangup: Option<Signal>,
}

/// Why a process stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopSignal {
    Terminate,
    Interrupt,
    Quit,
    Hangup,
    /// The app has called `Drain::start`.
    App,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hangup: if ignores(SignalKind::hangup()) {
                None
            } else {
                Some(signal(SignalKind::hangup())?)
            },
        })
    }

    /// Returns the next signal.
    pub(crate) async fn next(&mut self) -> StopSignal {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.quit.recv() => StopSignal::Quit,
            _ = hangup => StopSignal::Hangup,
        }
    }

    /// Returns the next signal that does not come right after the `first`: some supervisors signal a process and then its group.
    pub(crate) async fn next_after(&mut self, first: Instant) -> StopSignal {
        loop {
            let stop = self.next().await;
            if first.elapsed() > ECHO {
                return stop;
            }
        }
    }
}

impl StopSignal {
    /// Returns whether the signal comes from a keyboard: a person does not want to wait for load balancers.
    pub(super) fn is_from_keyboard(self) -> bool {
        matches!(self, Self::Interrupt | Self::Quit)
    }
}

impl fmt::Display for StopSignal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
            Self::Quit => "SIGQUIT",
            Self::Hangup => "SIGHUP",
            Self::App => "the app's Drain::start",
        })
    }
}

/// Returns whether this process was started with the signal ignored.
fn ignores(kind: SignalKind) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (kind.as_raw_value() - 1) & 1 == 1)
}
