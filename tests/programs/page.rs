//! A service whose health `STATE` chooses: `well`, `degraded`, `failing`, `script`, `hundred` checks, `slow`, or `switched`: one that
//! fails while the file is there that `SWITCH` names. `.ci/page` looks at its page.

use std::{
    env,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use actix_web::{App, rt::time::sleep};
use dockerflow::{
    __private::{Definition, Embedded, ServiceDefinition, service},
    Error, Message, Server,
};

/// A check that takes a while, as long as `wave` says at this run, and then reports `message`.
fn check(name: &'static str, message: fn(usize) -> Message) -> Definition {
    static RUN: AtomicUsize = AtomicUsize::new(0);
    Definition::asynchronous(name, (), move || async move {
        let run = RUN.fetch_add(1, Relaxed);
        let wave = 2 + (run * 7 + name.len() * 3) % 11;
        sleep(Duration::from_millis(u64::try_from(wave).unwrap_or(2))).await;
        message(run)
    })
}

fn database() -> Definition {
    check("database", |_| Message::ok().with("connections", 17))
}

fn cache() -> Definition {
    check("cache", |_| Message::ok())
}

fn mail() -> Definition {
    check("mail", |_| {
        Message::info("mail.queue", "3 mails are waiting")
    })
}

fn long_queue() -> Definition {
    check("queue", |run| match run % 9 {
        0..3 if run < 120 => Message::ok(),
        _ => Message::warning(
            "queue.long",
            "4,711 jobs are waiting, expected at most 1,000",
        ),
    })
}

fn broken_database() -> Definition {
    check("database", |_| {
        Message::error(
            "database.failed",
            "cannot connect to db.example.internal:5432: connection refused (os error 111)",
        )
    })
}

fn switched() -> Definition {
    check("switched", |_| {
        let file = env::var_os("SWITCH").unwrap_or_default();
        if std::path::Path::new(&file).exists() {
            Message::error("switched.failed", "the file is there")
        } else {
            Message::ok()
        }
    })
}

/// A check that takes most of its deadline.
fn slow() -> Definition {
    Definition::asynchronous("slow", (), || async {
        sleep(Duration::from_millis(600)).await;
    })
}

fn script() -> Definition {
    check("<script>alert(1)</script>", |_| {
        Message::warning(
            "<b>id</b>",
            "<img src=x onerror=alert(2)> \" ' &amp; </style><script>alert(3)</script>",
        )
    })
}

fn numbered() -> Definition {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Relaxed);
    let name = format!("check number {number:03} of the service").leak();
    check(name, |run| match run % 50 {
        13 => Message::error("numbered.failed", "the thirteenth of fifty always fails"),
        7 => Message::warning("numbered.slow", "the seventh of fifty is always slow"),
        _ => Message::ok(),
    })
}

fn facts() -> &'static ServiceDefinition {
    let state = env::var("STATE").unwrap_or_default();
    let checks: Vec<fn() -> Definition> = match state.as_str() {
        "degraded" => vec![database, cache, mail, long_queue],
        "failing" => vec![broken_database, cache, mail, long_queue],
        "script" => vec![database, script],
        "slow" => vec![slow],
        "switched" => vec![switched],
        "hundred" => vec![numbered; 100],
        _ => vec![database, cache, mail],
    };
    Box::leak(Box::new(ServiceDefinition {
        version: Embedded::facts(dockerflow::version!()),
        checks: Some(checks.leak()),
    }))
}

#[dockerflow::main]
async fn main(server: Server) -> Result<(), Error> {
    let facts = facts();
    server.run(move || service(facts, App::new())).await
}
