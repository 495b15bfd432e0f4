//! Lines of statsd on their way out: a queue, and a thread that sends it.

use std::{io, sync::Arc, thread, time::Duration};

use super::{
    own::Own,
    sender::{Pace, Resolve, Sender},
};
use crate::queue::Queue;

/// The sending end of the queue. When it is dropped, the thread sends the remaining lines and ends.
#[derive(Debug)]
pub(crate) struct Outbox(Arc<Queue>);

impl Outbox {
    /// Maximum bytes that wait.
    const BOUND: usize = 256 * 1024;
    /// Maximum time that a flush waits.
    const FLUSH: Duration = Duration::from_millis(500);

    /// Starts the thread. `name` is that of the server, which `resolve` looks up.
    pub(crate) fn start(
        name: String,
        resolve: Arc<Resolve>,
        own: Arc<dyn Own>,
        pace: Pace,
    ) -> io::Result<Self> {
        let thread = thread::Builder::new()
            .name("statsd".into())
            .stack_size(256 * 1024); // enough for a system's resolver
        let sender = Sender::new(name, resolve, own, pace);
        let queue = Queue::spawn(thread, Self::BOUND, |taker| {
            sender.run(taker, Self::BOUND / 2);
        })?;
        Ok(Self(queue))
    }

    /// Queues the whole line that `write` appends without its end.
    pub(crate) fn push(&self, write: impl FnOnce(&mut Vec<u8>)) {
        self.0.push_with(|lines| {
            write(lines);
            lines.push(b'\n');
        });
    }

    /// How many lines were lost since the start.
    #[cfg(feature = "prometheus")]
    pub(crate) fn dropped(&self) -> u64 {
        self.0.dropped()
    }

    /// Waits until all lines that were pushed so far are sent, for at most half a second.
    pub(crate) fn flush(&self) {
        self.0.flush(Self::FLUSH);
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.0.close();
    }
}
