//! A pool of deadpool in front of a real `PostgreSQL`: down, up, a wrong password, used up, killed, back again, frozen.

use std::time::{Duration, Instant};

use deadpool_postgres::{Config, Pool, PoolConfig, Runtime};
use dockerflow::{
    Message,
    health::{Level, checks::deadpool::usable},
};
use tokio::time::{sleep, timeout};
use tokio_postgres::NoTls;

use crate::{PASSWORD, USER, expect, expect_ok, postgres};

fn pool(port: u16, password: &str) -> Pool {
    let mut config = Config::new();
    config.host = Some("127.0.0.1".into());
    config.port = Some(port);
    config.user = Some(USER.into());
    config.password = Some(password.into());
    config.dbname = Some("postgres".into());
    config.pool = Some(PoolConfig::new(2));
    config
        .create_pool(Some(Runtime::Tokio1), NoTls)
        .expect("a configuration")
}

async fn check(pool: &Pool) -> Option<Message> {
    usable(pool, async |client| client.simple_query("SELECT 1").await).await
}

/// Asks until the check is well: a server that listens may still be starting.
async fn expect_ok_soon(pool: &Pool) {
    let began = Instant::now();
    while let Some(message) = check(pool).await {
        assert!(began.elapsed() < Duration::from_secs(20), "{message:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[actix_web::test]
async fn each_state_of_the_database_and_of_the_pool_has_its_message() {
    let Some(cluster) = postgres() else {
        return;
    };
    let pool = pool(cluster.port(), PASSWORD);
    expect(
        check(&pool).await,
        Level::Error,
        "dockerflow.health.E001",
        "Connection refused",
    );
    let server = cluster.start();
    expect_ok_soon(&pool).await;
    let wrong = self::pool(cluster.port(), "not-the-password");
    expect(
        check(&wrong).await,
        Level::Error,
        "dockerflow.health.E001",
        "password authentication failed",
    );
    let failing = usable(&pool, async |client| {
        client.simple_query("SELECT broken").await
    })
    .await;
    expect(
        failing,
        Level::Error,
        "dockerflow.health.E002",
        "cannot be used",
    );

    let held = (
        pool.get().await.expect("it is up"),
        pool.get().await.expect("it is up"),
    );
    expect(
        check(&pool).await,
        Level::Warning,
        "dockerflow.health.pool",
        "all 2 connections of the pool are in use",
    );
    drop(held);
    expect_ok(check(&pool).await);

    let freeze = server.freeze();
    let frozen = timeout(Duration::from_millis(800), check(&pool)).await;
    assert!(
        frozen.is_err(),
        "a frozen server lets the check time out: {frozen:?}"
    );
    drop(freeze);
    expect_ok_soon(&pool).await;

    drop(server);
    assert_eq!(
        check(&pool).await.map(|message| message.level()),
        Some(Level::Error)
    );
    let _server = cluster.start();
    expect_ok_soon(&pool).await;
}
