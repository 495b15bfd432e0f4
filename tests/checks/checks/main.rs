//! The ready-made checks whose clients are too heavy for the other tests, against real servers. `.ci/long checks` runs them.

mod certificate;
mod connections;
mod deadpool;
mod diesel;
mod frozen;
mod healthcheck;
mod http;
mod tls;

use dockerflow::{Message, health::Level};
use support::{Postgres, tool};

const USER: &str = "scott";
const PASSWORD: &str = "tiger-in-the-tank";

/// A `PostgreSQL` cluster that has not been started, if this machine has the programs.
fn postgres() -> Option<Postgres> {
    let initdb = tool("initdb", &["/usr/lib/postgresql", "/usr/local/pgsql"])?;
    Some(Postgres::make(&initdb, USER, PASSWORD))
}

fn url(port: u16) -> String {
    format!("postgres://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres")
}

/// Expects a message at a level, with this id and this part of its text.
#[track_caller]
fn expect(message: impl Into<Option<Message>>, level: Level, id: &str, text: &str) {
    let message = message.into().unwrap_or_else(Message::ok);
    assert_eq!(message.level(), level, "{message:?}");
    assert_eq!(message.id(), id, "{message:?}");
    assert!(message.text().contains(text), "{message:?}");
    assert!(!message.text().contains(PASSWORD), "{message:?}");
}

#[track_caller]
fn expect_ok(message: impl Into<Option<Message>>) {
    expect(message, Level::Ok, "", "");
}
