//! The gauges of real pools, as the test of an app reads them.

use std::{convert::Infallible, time::Duration};

use deadpool::managed::{self, Manager, RecycleResult};
use dockerflow::{Metrics, metrics::pools, testing::Telemetry};
use sqlx::sqlite::SqlitePoolOptions;

#[actix_web::test]
async fn an_sqlx_pool_reports_its_size_and_what_is_idle() {
    let telemetry = Telemetry::start();
    let options = SqlitePoolOptions::new().max_connections(3);
    let pool = options
        .connect("sqlite::memory:")
        .await
        .expect("a database");
    Metrics::default().gauges("db.pool", pools::sqlx(&pool));
    let gauges =
        || ["max", "size", "idle"].map(|name| telemetry.gauge(&format!("db.pool.{name}"), &[]));
    assert_eq!(gauges(), [Some(3.0), Some(1.0), Some(1.0)]);
    let one = pool.acquire().await.expect("a connection");
    let two = pool.acquire().await.expect("a connection");
    assert_eq!(gauges(), [Some(3.0), Some(2.0), Some(0.0)]);
    drop((one, two));
    pool.close().await;
    assert_eq!(gauges(), [Some(3.0), Some(0.0), Some(0.0)]);
}

/// Makes numbers.
#[derive(Debug)]
struct Numbers;

impl Manager for Numbers {
    type Type = u32;
    type Error = Infallible;

    async fn create(&self) -> Result<u32, Infallible> {
        Ok(7)
    }

    async fn recycle(&self, _: &mut u32, _: &managed::Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

#[actix_web::test]
async fn a_deadpool_pool_reports_who_waits_until_it_is_gone() {
    let telemetry = Telemetry::start();
    let pool = managed::Pool::<Numbers>::builder(Numbers)
        .max_size(2)
        .build();
    let pool = pool.expect("a pool");
    Metrics::default().gauges("cache", pools::deadpool(&pool));
    let gauges = || {
        ["max", "size", "idle", "waiting"]
            .map(|name| telemetry.gauge(&format!("cache.{name}"), &[]))
    };
    assert_eq!(gauges(), [2.0, 0.0, 0.0, 0.0].map(Some));
    let one = pool.get().await.expect("an object");
    let two = pool.get().await.expect("an object");
    let mut third = Box::pin(pool.get());
    let given = tokio::time::timeout(Duration::ZERO, third.as_mut()).await;
    assert!(given.is_err(), "both are in use");
    assert_eq!(gauges(), [2.0, 2.0, 0.0, 1.0].map(Some));
    drop((one, two));
    drop(third);
    assert_eq!(gauges(), [2.0, 2.0, 2.0, 0.0].map(Some));
    drop(pool);
    assert_eq!(gauges(), [None; 4], "the gauges do not keep it");
}
