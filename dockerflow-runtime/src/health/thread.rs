//! Where do the checks run? On one thread of a server, so that a check that blocks delays nothing but other checks.

use std::{
    io,
    sync::{Arc, Mutex},
    thread,
};

use tokio::{
    runtime::Builder,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::LocalSet,
};

use super::{
    run::{Run, Runner},
    state::HealthState,
};
use crate::lock::lock;

/// How many plain `fn`s run at once; more of them wait, and may time out. A driver that hangs uses up only these threads.
const BLOCKING_THREADS: usize = 16;

/// The health thread: started with the first run, ended when this is dropped.
pub(super) struct Thread {
    state: Arc<HealthState>,
    runs: Mutex<Option<UnboundedSender<Run>>>,
}

impl Thread {
    pub(super) fn new(state: Arc<HealthState>) -> Self {
        Self {
            state,
            runs: Mutex::new(None),
        }
    }

    /// Sends a run to the thread, which is started if there is none. Returns an error if it cannot start.
    pub(super) fn send(&self, mut run: Run) -> io::Result<()> {
        let mut runs = lock(&self.runs);
        if let Some(runs) = &*runs {
            match runs.send(run) {
                Ok(()) => return Ok(()),
                Err(refused) => run = refused.0,
            }
        }
        let started = start(self.state.clone())?;
        let _it_has_just_begun_to_listen = started.send(run);
        *runs = Some(started);
        Ok(())
    }
}

fn start(state: Arc<HealthState>) -> io::Result<UnboundedSender<Run>> {
    let (sender, runs) = unbounded_channel();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("dockerflow-check")
        .build()?;
    thread::Builder::new()
        .name("dockerflow-health".into())
        .spawn(move || {
            let tasks = LocalSet::new();
            tasks.block_on(&runtime, serve(state, runs));
            // A check that hangs may hold something that needs the runtime when it is dropped, such as a pool's connection.
            let inside = runtime.enter();
            drop(tasks);
            drop(inside);
            // Does not wait for plain `fn`s that hang.
            runtime.shutdown_background();
        })?;
    Ok(sender)
}

async fn serve(state: Arc<HealthState>, mut runs: UnboundedReceiver<Run>) {
    let mut runner = Runner::new(state);
    while let Some(run) = runs.recv().await {
        run.complete(&mut runner).await;
    }
}
