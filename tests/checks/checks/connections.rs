//! A check uses the connections of its application, and opens none for each run:
//! <https://github.com/Xabaril/AspNetCore.Diagnostics.HealthChecks/issues/2364> and <https://github.com/hellofresh/health-go/issues/224>, where
//! each run opens one, until the server accepts no more.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use dockerflow::health::checks;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use sqlx::postgres::PgPoolOptions;
use support::{Backend, free_port, redis_server};
use tokio::time::sleep;

use crate::{expect_ok, http::Service, postgres, url};

const RUNS: usize = 1000;

#[actix_web::test]
async fn a_thousand_runs_open_no_more_connections_to_postgresql_than_the_pool_may_have() {
    let Some(cluster) = postgres() else {
        return;
    };
    let _server = cluster.start();
    let pool = PgPoolOptions::new()
        .max_connections(5)
        .connect(&url(cluster.port()))
        .await
        .expect("it is up");
    let opened = async || {
        sleep(Duration::from_millis(1100)).await; // the server counts at most once a second
        let opened = "SELECT sessions FROM pg_stat_database WHERE datname = 'postgres'";
        sqlx::query_scalar::<_, i64>(opened)
            .fetch_one(&pool)
            .await
            .expect("it is up")
    };
    let before = opened().await;
    for _ in 0..RUNS {
        expect_ok(checks::sqlx::usable(&pool).await);
    }
    // On a machine that is too busy for 300 ms, a check opens one beside the pool.
    let opened = opened().await - before;
    assert!(opened < 20, "{opened}");
}

#[actix_web::test]
async fn a_thousand_runs_open_one_connection_to_redis() {
    let port = free_port();
    let Some(mut command) = redis_server(port) else {
        return;
    };
    let _server = Backend::start(&mut command, port);
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}/")).expect("a URL");
    let config = ConnectionManagerConfig::new().set_number_of_retries(1);
    let mut manager = ConnectionManager::new_with_config(client, config)
        .await
        .expect("it is up");
    let mut received = async || -> u64 {
        let info: String = redis::cmd("INFO")
            .arg("stats")
            .query_async(&mut manager)
            .await
            .expect("it is up");
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("total_connections_received:"));
        line.expect("Redis counts them").parse().expect("a number")
    };
    let before = received().await;
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}/")).expect("a URL");
    let of_the_app = ConnectionManager::new(client).await.expect("it is up");
    for _ in 0..RUNS {
        expect_ok(checks::redis::answers(&of_the_app).await);
    }
    assert_eq!(received().await, before + 1);
}

#[actix_web::test]
async fn a_thousand_runs_open_one_connection_to_an_http_service() {
    let service = Service::well();
    for _ in 0..RUNS {
        expect_ok(checks::awc::answers(&service.url()).await);
    }
    assert_eq!(service.connections.load(SeqCst), 1);
}
