//! What the ready-made checks of SQL databases report of migrations that the migrator would refuse, and of a server that is full.

use std::time::Duration;

use actix_web::rt::{System, time::sleep};
use dockerflow::{
    Message,
    health::{Level, checks},
};
use sqlx::{
    AssertSqlSafe, Database, Executor, IntoArguments, Pool, SqlitePool,
    migrate::{Migrate, Migrator},
    postgres::PgPoolOptions,
};

use crate::support::{Postgres, tool};

static MIGRATIONS: Migrator = sqlx::migrate!("tests/it/heartbeat/migrations");

const PASSWORD: &str = "tiger-in-the-tank";

fn url(cluster: &Postgres) -> String {
    format!(
        "postgres://scott:{PASSWORD}@127.0.0.1:{}/postgres",
        cluster.port()
    )
}

/// What the check and the migrator say after each of the changes to the table of migrations.
async fn expect_of_each_change<DB: Database>(pool: &Pool<DB>, no: &str, bytes: &str)
where
    DB::Connection: Migrate,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    DB::Arguments: IntoArguments<DB>,
{
    let change = async |change: String| {
        let changed = sqlx::query(AssertSqlSafe(change))
            .execute(&mut *pool.acquire().await.expect("it is up"))
            .await;
        changed.map(drop).expect("the table is there");
    };
    MIGRATIONS.run(pool).await.expect("it is empty");
    assert_eq!(checks::sqlx::migrated(pool, &MIGRATIONS).await, None);

    change(format!(
        "UPDATE _sqlx_migrations SET success = {no} WHERE version = 2"
    ))
    .await;
    expect(
        checks::sqlx::migrated(pool, &MIGRATIONS).await,
        "dockerflow.health.migration.failed",
        "migration 2 failed half-way: the migrator refuses to run until it is repaired",
    );
    MIGRATIONS.run(pool).await.expect_err("it refuses");
    change(format!("UPDATE _sqlx_migrations SET success = NOT {no}")).await;
    assert_eq!(checks::sqlx::migrated(pool, &MIGRATIONS).await, None);

    change(format!(
        "UPDATE _sqlx_migrations SET checksum = {bytes} WHERE version = 1"
    ))
    .await;
    expect(
        checks::sqlx::migrated(pool, &MIGRATIONS).await,
        "dockerflow.health.migration.changed",
        "the migrator refuses to run: 1 orders",
    );
    MIGRATIONS.run(pool).await.expect_err("it refuses");
}

#[track_caller]
fn expect(message: Option<Message>, id: &str, text: &str) {
    let message = message.expect("a message");
    assert_eq!(
        (message.level(), message.id()),
        (Level::Warning, id),
        "{message:?}"
    );
    assert!(message.text().contains(text), "{message:?}");
}

#[test]
fn a_migration_that_failed_half_way_or_was_changed_is_a_warning_as_the_migrator_refuses_to_run() {
    System::new().block_on(async {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("shop.db");
        let sqlite = format!("sqlite://{}?mode=rwc", file.display());
        let pool = SqlitePool::connect(&sqlite).await.expect("it is made");
        expect_of_each_change(&pool, "false", "x'00'").await;

        let Some(initdb) = tool("initdb", &["/usr/lib/postgresql"]) else {
            return;
        };
        let cluster = Postgres::make(&initdb, "scott", PASSWORD);
        let _server = cluster.start();
        // The migrator keeps its lock when it refuses: all of this needs the same connection.
        let options = PgPoolOptions::new().max_connections(1);
        let pool = options.connect(&url(&cluster)).await.expect("it is up");
        expect_of_each_change(&pool, "false", r"'\x00'").await;
    });
}

#[test]
fn a_server_that_accepts_no_more_connections_is_a_warning_for_a_pool_that_has_one() {
    let Some(initdb) = tool("initdb", &["/usr/lib/postgresql"]) else {
        return;
    };
    System::new().block_on(async {
        let cluster = Postgres::make(&initdb, "scott", PASSWORD);
        let _server = cluster.start_with(&[
            "max_connections=4",
            "superuser_reserved_connections=0",
            "max_wal_senders=0",
        ]);
        let pool = |most| {
            let options = PgPoolOptions::new().max_connections(most);
            options.connect_lazy(&url(&cluster)).expect("a URL")
        };
        let (ours, others) = (pool(2), pool(3));
        let held = ours.acquire().await.expect("it is up");
        let mut holders = Vec::new();
        for _ in 0..3 {
            holders.push(others.acquire().await.expect("it has room"));
        }
        // SQLSTATE 53300, in every instance at once: none of them is to be taken away for it.
        let full = checks::sqlx::usable(&ours).await;
        expect(
            full,
            "dockerflow.health.pool",
            "no connection of the pool is free, and the server accepts no more",
        );
        drop(held);
        // A pool takes its connection back in a task of its own.
        while ours.num_idle() == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(
            checks::sqlx::usable(&ours).await,
            None,
            "its own connection is free"
        );
        // A pool that has no connection at all cannot serve.
        let message = checks::sqlx::usable(&pool(2))
            .await
            .expect("there is no room");
        assert_eq!(
            (message.level(), message.id()),
            (Level::Error, "dockerflow.health.E001"),
            "{message:?}"
        );
        drop(holders);
    });
}
