//! Health checks: one that fails the heartbeat, one that only warns, one with data, one that blocks.
//!
//! ```console
//! $ cargo run --example checks &
//! $ curl localhost:8000/__heartbeat__
//! $ for job in 1 2 3 4 5; do curl -X POST localhost:8000/jobs; done
//! $ sleep 1 # a report is fresh for a second
//! $ curl localhost:8000/__heartbeat__
//! ```

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::{fs, io};

use actix_web::{App, post, web::Data};
use dockerflow::{Error, Message, Server, health_check};

/// How many jobs wait.
#[derive(Default)]
struct Queue(AtomicU64);

/// `Err` is an error: the heartbeat is 503. A check takes extractors, as a handler does.
#[health_check]
async fn workers(queue: Data<Queue>) -> io::Result<()> {
    match queue.0.load(Relaxed) {
        waiting @ 5.. => Err(io::Error::other(format!("{waiting} jobs wait"))),
        _ => Ok(()),
    }
}

/// A message has a level of its own. A warning leaves the heartbeat at 200, and so does data.
#[health_check]
async fn queue(queue: Data<Queue>) -> Message {
    let waiting = queue.0.load(Relaxed);
    if waiting < 3 {
        Message::ok().with("waiting", waiting)
    } else {
        Message::warning("queue.long", format!("{waiting} jobs wait"))
    }
}

/// A plain `fn` may block: it runs on threads of its own. `level` is the highest level that this check can have.
#[health_check(name = "temporary files", level = warning, timeout = "250ms")]
fn temporary() -> io::Result<()> {
    fs::read_dir(std::env::temp_dir()).map(drop)
}

#[post("/jobs")]
async fn add(queue: Data<Queue>) -> String {
    let waiting = queue.0.fetch_add(1, Relaxed) + 1;
    format!("{waiting} jobs wait\n")
}

#[dockerflow::service]
fn app(queue: Data<Queue>) -> App {
    App::new().app_data(queue).service(add)
}

#[dockerflow::main]
async fn main(server: Server) -> Result<(), Error> {
    let queue = Data::new(Queue::default());
    server.run(move || app(queue.clone())).await
}
