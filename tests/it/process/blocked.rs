//! A handler that blocks its worker: the worker answers no probe meanwhile, so the log must name it.

use std::thread;

use super::serve;
use crate::support::get;

#[test]
fn a_worker_that_a_handler_blocks_is_named_while_it_is_blocked_and_when_it_answers_again() {
    let serving = serve(&[("WORKERS", "1")]);
    let address = serving.address();
    let blocked = thread::spawn(move || get(address, "/block/6000"));
    let named = serving.line("has been blocked for");
    assert!(!blocked.is_finished(), "it is named too late: {named}");
    assert!(named.contains("arbiter"), "{named}");
    let answer = blocked.join().expect("no panic").expect("it serves");
    assert_eq!(answer.status, 200);
    serving.line("answers again after");
}
