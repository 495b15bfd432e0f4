//! The end of a process: the signal, the drain, and the last requests.

use std::{
    future::poll_fn,
    io,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use actix_web::{
    dev::{self, ServerHandle},
    rt::time::{sleep, timeout},
};
use futures_util::future::try_join_all;

use super::{
    options::ProcessOptions,
    signals::{Signals, StopSignal},
    systemd,
};
use crate::{
    error::Error,
    service::{Drain, Shared, TARGET},
};

/// How long a listener has to close before it is reported as closed.
const CLOSING: Duration = Duration::from_millis(20);

/// How long workers have to drop requests that are cut off. actix-web's workers check once a second.
const CUT_OFF: Duration = Duration::from_millis(1200);

/// Runs servers until they are asked to stop, drains, and returns when they have ended or their time is up. `up` is called when
/// all workers have started; `stopping` is set when the listeners close.
pub(super) async fn run(
    servers: Vec<dev::Server>,
    shared: &[Shared],
    options: &ProcessOptions,
    signals: Signals,
    up: impl FnOnce(),
    stopping: &mut Option<Instant>,
) -> Result<(), Error> {
    let handles: Vec<_> = servers.iter().map(dev::Server::handle).collect();
    let result = {
        let mut running = pin!(try_join_all(servers));
        // Workers start when a server is first polled, which returns when all have.
        let started = poll_fn(|context| Poll::Ready(running.as_mut().poll(context))).await;
        match started {
            Poll::Ready(result) => result.map(drop),
            Poll::Pending => {
                up();
                let running = async { running.await.map(drop) };
                serve_until_stopped(
                    running,
                    &handles,
                    &shared[0].drain(),
                    options,
                    signals,
                    stopping,
                )
                .await
            }
        }
    };
    // Dropping the servers cuts off the requests in flight. Each of them has its summary, too.
    let dropped = async {
        while Shared::any_in_use(shared) {
            sleep(Duration::from_millis(2)).await;
        }
    };
    let _ = timeout(CUT_OFF, dropped).await;
    result.map_err(Error::from)
}

/// Waits for the reason to stop, and then for the drain to end.
async fn serve_until_stopped(
    running: impl Future<Output = io::Result<()>>,
    handles: &[ServerHandle],
    drain: &Drain,
    options: &ProcessOptions,
    mut signals: Signals,
    stopping: &mut Option<Instant>,
) -> io::Result<()> {
    let shutdown_timeout = options.shutdown_timeout;
    let mut running = pin!(running);
    let signal = tokio::select! {
        result = &mut running => return result,
        signal = signals.next() => signal,
        () = drain.asked() => StopSignal::App,
    };
    let first = Instant::now();
    drain.begin();
    let delay = if signal.is_from_keyboard() {
        Duration::ZERO
    } else {
        options.drain_delay
    };
    log::info!(
        target: TARGET,
        "{signal}: draining for {delay:?}, then at most {shutdown_timeout:?} for requests in flight"
    );
    systemd::notify("STOPPING=1");
    tokio::select! {
        result = &mut running => return result,
        () = sleep(delay) => {}
        signal = signals.next_after(first) => {
            log::warn!(target: TARGET, "{signal}, the second signal: stopping at once");
            return Ok(());
        }
    }
    *stopping = Some(Instant::now());
    for handle in handles {
        drop(handle.stop(true));
    }
    let ended = async {
        let closed = async {
            sleep(CLOSING).await;
            drain.close();
        };
        let (result, ()) = tokio::join!(&mut running, closed);
        drain.released().await;
        result
    };
    tokio::select! {
        result = ended => {
            log::info!(target: TARGET, "stopped");
            result
        }
        () = sleep(shutdown_timeout) => {
            log::warn!(target: TARGET, "any requests in flight were cut off after {shutdown_timeout:?}: DOCKERFLOW_SHUTDOWN_TIMEOUT");
            Ok(())
        }
        signal = signals.next_after(first) => {
            log::warn!(target: TARGET, "{signal}, the second signal: stopping at once");
            Ok(())
        }
    }
}
