//! A pool of r2d2 with diesel's connections in front of a real `PostgreSQL`: down, up, a wrong password, used up, killed, back again.

use std::{
    thread,
    time::{Duration, Instant},
};

use diesel::{
    PgConnection,
    r2d2::{ConnectionManager, Pool},
};
use dockerflow::health::{Level, checks::diesel::usable};

use crate::{PASSWORD, expect, expect_ok, postgres, url};

type PgPool = Pool<ConnectionManager<PgConnection>>;

fn pool(url: &str) -> PgPool {
    // The pool logs what it cannot connect to, and tries again; at most every 200 ms here.
    let builder = Pool::builder()
        .max_size(2)
        .connection_timeout(Duration::from_millis(200));
    builder.build_unchecked(ConnectionManager::new(url))
}

/// Asks until the check is well: r2d2 connects again when it likes.
fn expect_ok_soon(pool: &PgPool) {
    let began = Instant::now();
    while let Some(message) = usable(pool) {
        assert!(began.elapsed() < Duration::from_secs(10), "{message:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn each_state_of_the_database_and_of_the_pool_has_its_message() {
    let Some(cluster) = postgres() else {
        return;
    };
    let pool = pool(&url(cluster.port()));
    expect(
        usable(&pool),
        Level::Error,
        "dockerflow.health.E001",
        "cannot be connected to",
    );
    let server = cluster.start();
    expect_ok_soon(&pool);
    let wrong = self::pool(&url(cluster.port()).replace(PASSWORD, "not-the-password"));
    expect(
        usable(&wrong),
        Level::Error,
        "dockerflow.health.E001",
        "password authentication failed",
    );

    let began = Instant::now();
    let held = loop {
        if let (Ok(one), Ok(other)) = (pool.get(), pool.get()) {
            break (one, other);
        }
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{:?}",
            pool.state()
        );
    };
    expect(
        usable(&pool),
        Level::Warning,
        "dockerflow.health.pool",
        "all 2 connections of the pool are in use",
    );
    drop(held);
    expect_ok(usable(&pool));

    drop(server);
    assert_eq!(
        usable(&pool).map(|message| message.level()),
        Some(Level::Error)
    );
    let _server = cluster.start();
    expect_ok_soon(&pool);
}
