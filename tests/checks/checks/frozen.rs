//! A pool of sqlx outlives a database that freezes: <https://github.com/launchbadge/sqlx/issues/3513>, where a pool loses a place with
//! each `acquire` that is given up, and <https://github.com/launchbadge/sqlx/issues/4349>, where it loses one with each connection that is
//! returned and does not answer.

use std::time::Duration;

use dockerflow::health::checks::sqlx::usable;
use futures_util::future::join_all;
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::time::{sleep, timeout};

use crate::{expect_ok, postgres, url};

const CONNECTIONS: u32 = 5;
const DEADLINE: Duration = Duration::from_millis(800);

/// Expects that every place of the pool can be had, all of them at once.
async fn expect_every_place(pool: &PgPool) {
    let places = (0..CONNECTIONS).map(|_| async {
        pool.acquire()
            .await
            .map_err(|error| format!("{error}: {pool:?}"))
    });
    let held: Result<Vec<_>, _> = timeout(Duration::from_secs(20), join_all(places))
        .await
        .unwrap_or_else(|_| panic!("a place is lost: {pool:?}"))
        .into_iter()
        .collect();
    let held = held.expect("the database is up");
    assert_eq!(held.len(), CONNECTIONS as usize);
    assert_eq!(pool.size(), CONNECTIONS);
    drop(held);
    // A connection is given back by a task.
    while pool.num_idle() < CONNECTIONS as usize {
        sleep(Duration::from_millis(10)).await;
    }
}

#[actix_web::test]
async fn ten_thousand_checks_that_a_frozen_database_timed_out_lose_no_place_of_the_pool() {
    let Some(cluster) = postgres() else {
        return;
    };
    let server = cluster.start();
    let options = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(10));
    let pool = options
        .connect(&url(cluster.port()))
        .await
        .expect("it is up");
    expect_every_place(&pool).await;
    let freeze = server.freeze();
    let mut timed_out = 0;
    for _ in 0..20 {
        let checks = (0..500).map(|_| timeout(DEADLINE, usable(&pool)));
        timed_out += join_all(checks)
            .await
            .into_iter()
            .filter(Result::is_err)
            .count();
    }
    assert_eq!(timed_out, 10_000);
    drop(freeze);
    expect_every_place(&pool).await;
    expect_ok(usable(&pool).await);
}

#[actix_web::test]
async fn a_check_that_a_frozen_database_stops_after_it_has_its_connection_loses_no_place_of_the_pool()
 {
    let Some(cluster) = postgres() else {
        return;
    };
    let server = cluster.start();
    // Without a test before, the pool hands out a connection that does not answer.
    let options = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .test_before_acquire(false);
    let pool = options
        .acquire_timeout(Duration::from_secs(10))
        .connect(&url(cluster.port()))
        .await
        .expect("it is up");
    expect_every_place(&pool).await;
    let freeze = server.freeze();
    for _ in 0..CONNECTIONS {
        assert!(timeout(DEADLINE, usable(&pool)).await.is_err());
    }
    assert_eq!(
        pool.size(),
        0,
        "a connection that does not answer leaves the pool"
    );
    drop(freeze);
    expect_every_place(&pool).await;
}
