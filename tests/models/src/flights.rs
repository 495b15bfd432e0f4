//! There is one run at a time, each probe has a result or learns that the run was lost, and a lost run is followed by another.

use std::{sync::Arc, time::Duration};

use shuttle::{
    future::block_on,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    thread,
};

use crate::{
    check,
    flight::{Flights, Joined},
};

/// Longer than any model takes.
const LONG: Duration = Duration::from_secs(3600);

/// The runs of a server, which count how many there were, and how many are under way. The first ones may be lost.
struct Server {
    flights: Arc<Flights<usize, ()>>,
    begun: AtomicUsize,
    under_way: AtomicUsize,
    lost: usize,
}

impl Server {
    fn new(ttl: Duration, lost: usize) -> Arc<Self> {
        Arc::new(Self {
            flights: Flights::new(ttl),
            begun: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            lost,
        })
    }

    /// Returns the number of the run that a probe has the result of; `None` if it was lost.
    fn try_probe(self: &Arc<Self>) -> Option<usize> {
        let mut waiter = match self.flights.join(|| ()) {
            Joined::Fresh(number) => return Some(number),
            Joined::Waiting(waiter) => waiter,
            Joined::First(flight, waiter) => {
                assert_eq!(self.under_way.fetch_add(1, SeqCst), 0, "two runs at once");
                let number = self.begun.fetch_add(1, SeqCst) + 1;
                let server = self.clone();
                thread::spawn(move || {
                    thread::yield_now(); // the checks
                    server.under_way.fetch_sub(1, SeqCst);
                    if number > server.lost {
                        flight.land(number);
                    }
                });
                waiter
            }
        };
        block_on(waiter.result())
    }

    /// Likewise; a probe whose run was lost tries again.
    fn probe(self: &Arc<Self>) -> usize {
        loop {
            if let Some(number) = self.try_probe() {
                return number;
            }
        }
    }
}

/// Probes from so many threads at once, and returns their results.
fn probe_at_once(server: &Arc<Server>, threads: usize) -> Vec<usize> {
    let probing: Vec<_> = (0..threads)
        .map(|_| {
            let server = server.clone();
            thread::spawn(move || server.probe())
        })
        .collect();
    let results = probing.into_iter();
    results.map(|one| one.join().expect("no panic")).collect()
}

#[test]
fn probes_at_once_share_one_run_and_a_later_one_has_its_fresh_result() {
    check(|| {
        let server = Server::new(LONG, 0);
        assert_eq!(probe_at_once(&server, 3), [1, 1, 1]);
        assert_eq!(server.probe(), 1);
        assert_eq!(server.begun.load(SeqCst), 1);
    });
}

#[test]
fn without_a_fresh_result_a_probe_never_has_one_that_ended_before_it() {
    check(|| {
        let server = Server::new(Duration::ZERO, 0);
        let ended = *probe_at_once(&server, 3).iter().max().expect("three");
        assert!(server.probe() > ended);
    });
}

#[test]
fn after_a_lost_run_every_probe_has_the_result_of_another() {
    check(|| {
        let server = Server::new(LONG, 1);
        assert_eq!(probe_at_once(&server, 3), [2, 2, 2]);
        assert_eq!(server.begun.load(SeqCst), 2);
    });
}
