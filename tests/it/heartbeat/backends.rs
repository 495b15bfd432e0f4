//! Do the ready-made checks report the state of real databases: up, down, wrong password, killed while running, back again?

use std::{
    env, fs,
    sync::OnceLock,
    time::{Duration, Instant},
};

use actix_web::{App, rt::System, web};
use dockerflow::{Message, health::checks, health_check};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use sqlx::{
    PgPool, SqlitePool, migrate::Migrator, postgres::PgPoolOptions, sqlite::SqlitePoolOptions,
};
use tempfile::TempDir;
use tokio::{sync::Semaphore, time::sleep};

use super::{
    counted::counts,
    served::{Probe, Served, serve},
};
use crate::support::{Backend, PATIENCE, Postgres, free_port, redis_server, tool};

const PASSWORD: &str = "tiger-in-the-tank";
const URL: &str = "HEARTBEAT_TEST_URL";

static MIGRATIONS: Migrator = sqlx::migrate!("tests/it/heartbeat/migrations");

#[health_check]
async fn redis_answers(redis: web::Data<ConnectionManager>) -> Option<Message> {
    checks::redis::answers(redis.get_ref()).await
}

#[health_check]
async fn postgres_usable(pool: web::Data<PgPool>) -> Option<Message> {
    checks::sqlx::usable(pool.get_ref()).await
}

#[health_check]
async fn postgres_migrated(pool: web::Data<PgPool>) -> Option<Message> {
    checks::sqlx::migrated(pool.get_ref(), &MIGRATIONS).await
}

#[health_check]
async fn sqlite_usable(pool: web::Data<SqlitePool>) -> Option<Message> {
    checks::sqlx::usable(pool.get_ref()).await
}

#[health_check]
async fn sqlite_migrated(pool: web::Data<SqlitePool>) -> Option<Message> {
    checks::sqlx::migrated(pool.get_ref(), &MIGRATIONS).await
}

#[dockerflow::service(checks(redis_answers))]
fn with_redis(redis: web::Data<ConnectionManager>) -> App {
    App::new().app_data(redis).service(counts)
}

#[dockerflow::service(checks(postgres_usable, postgres_migrated))]
fn with_postgres(pool: web::Data<PgPool>) -> App {
    App::new()
        .app_data(pool)
        .service(counts)
        .route("/hold", web::get().to(hold))
        .route("/release", web::get().to(release))
        .route("/migrate", web::get().to(migrate))
}

#[dockerflow::service(checks(sqlite_usable, sqlite_migrated))]
fn with_sqlite(pool: web::Data<SqlitePool>) -> App {
    App::new().app_data(pool).service(counts)
}

static RELEASE: Semaphore = Semaphore::const_new(0);

/// Holds a connection until all are released.
async fn hold(pool: web::Data<PgPool>) -> &'static str {
    let _connection = pool.acquire().await.expect("the database is up");
    drop(RELEASE.acquire().await);
    ""
}

async fn release() -> &'static str {
    RELEASE.add_permits(1);
    ""
}

async fn migrate(pool: web::Data<PgPool>) -> &'static str {
    MIGRATIONS
        .run(pool.get_ref())
        .await
        .expect("the database is up");
    ""
}

/// Serves the app that is named so, if there is one. Called in the child.
pub(super) fn serve_one(name: &str) -> bool {
    let url = env::var(URL).unwrap_or_default();
    match name {
        "redis" => serve(move || {
            static REDIS: OnceLock<web::Data<ConnectionManager>> = OnceLock::new();
            with_redis(REDIS.get_or_init(|| web::Data::new(manager(&url))).clone())
        }),
        "postgres" => serve(move || {
            static POOL: OnceLock<web::Data<PgPool>> = OnceLock::new();
            let pool = || PgPoolOptions::new().max_connections(2).connect_lazy(&url);
            with_postgres(
                POOL.get_or_init(|| web::Data::new(pool().expect("a URL")))
                    .clone(),
            )
        }),
        "sqlite" => serve(move || {
            static POOL: OnceLock<web::Data<SqlitePool>> = OnceLock::new();
            let pool = || SqlitePoolOptions::new().connect_lazy(&url);
            with_sqlite(
                POOL.get_or_init(|| web::Data::new(pool().expect("a URL")))
                    .clone(),
            )
        }),
        _ => return false,
    }
    true
}

fn manager(url: &str) -> ConnectionManager {
    let client = redis::Client::open(url).expect("a URL");
    let config = ConnectionManagerConfig::new().set_number_of_retries(1);
    ConnectionManager::new_lazy_with_config(client, config).expect("nothing is connected yet")
}

/// The server of an app whose database is at `url`, with its messages in the heartbeat.
fn start(name: &str, url: &str) -> Served {
    Served::start(
        name,
        &[(URL, url), ("DOCKERFLOW_HEARTBEAT_DETAILS", "true")],
    )
}

/// Probes until a check is at this level, and for this reason. No answer on the way may contain the password.
async fn expect(server: &Served, check: &str, level: &str, id: &str) -> Probe {
    let began = Instant::now();
    loop {
        let probe = server.heartbeat().await;
        assert!(!probe.body.contains(PASSWORD), "{probe:?}");
        let json = probe.json();
        let messages = &json["details"][check]["messages"];
        if json["checks"][check] == level && (id.is_empty() || messages[id].is_string()) {
            let healthy =
                ["ok", "info", "warning"].contains(&json["status"].as_str().expect("a level"));
            assert_eq!(probe.status, if healthy { 200 } else { 503 }, "{probe:?}");
            println!(
                "{check} is {level} after {:.1?}: {messages}",
                began.elapsed()
            );
            return probe;
        }
        assert!(
            began.elapsed() < PATIENCE,
            "not {level} for {id}: {probe:?}\n{}",
            server.log()
        );
        sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn redis_up_killed_back_again_and_with_a_wrong_password() {
    let port = free_port();
    let Some(mut command) = redis_server(port) else {
        return;
    };
    System::new().block_on(async {
        command.args(["--requirepass", PASSWORD]);
        let url = |password: &str| format!("redis://:{password}@127.0.0.1:{port}/");
        let server = start("redis", &url(PASSWORD));
        expect(&server, "redis_answers", "error", "dockerflow.health.E004").await;
        let redis = Backend::start(&mut command, port);
        expect(&server, "redis_answers", "ok", "").await;
        drop(redis);
        expect(&server, "redis_answers", "error", "").await;
        let _redis = Backend::start(&mut command, port);
        expect(&server, "redis_answers", "ok", "").await;
        let log = server.log_with("\"redis_answers\" recovered after").await;
        assert!(
            log.contains("dockerflow.health.E004: Redis cannot be connected to: "),
            "{log}"
        );

        let server = start("redis", &url("not-the-password"));
        expect(&server, "redis_answers", "error", "dockerflow.health.E006").await;
        server
            .log_with("dockerflow.health.E006: Redis refuses the user or password: ")
            .await;
    });
}

#[test]
fn postgres_up_migrated_busy_killed_back_again_and_with_a_wrong_password() {
    let Some(initdb) = tool("initdb", &["/usr/lib/postgresql"]) else {
        return;
    };
    System::new().block_on(async {
        let cluster = Postgres::make(&initdb, "scott", PASSWORD);
        let url = |password: &str| {
            format!(
                "postgres://scott:{password}@127.0.0.1:{}/postgres",
                cluster.port()
            )
        };
        let server = start("postgres", &url(PASSWORD));
        expect(
            &server,
            "postgres_usable",
            "error",
            "dockerflow.health.E001",
        )
        .await;
        let postgres = cluster.start();
        expect(&server, "postgres_usable", "ok", "").await;
        let found = expect(
            &server,
            "postgres_migrated",
            "warning",
            "dockerflow.health.W001",
        )
        .await;
        assert!(
            found
                .body
                .contains("not been applied: 1 orders, 2 customers\""),
            "{found:?}"
        );
        assert_eq!(server.probe("/migrate").await.status, 200);
        expect(&server, "postgres_migrated", "ok", "").await;

        let hold = || server.probe("/hold");
        let busy = async {
            expect(
                &server,
                "postgres_usable",
                "warning",
                "dockerflow.health.pool",
            )
            .await;
            server.probe("/release").await
        };
        tokio::join!(hold(), hold(), busy);
        expect(&server, "postgres_usable", "ok", "").await;

        drop(postgres);
        expect(
            &server,
            "postgres_usable",
            "error",
            "dockerflow.health.E001",
        )
        .await;
        let _postgres = cluster.start();
        expect(&server, "postgres_usable", "ok", "").await;
        let log = server.log_with("\"postgres_usable\" recovered after").await;
        assert!(
            log.contains("dockerflow.health.E001: the database cannot be connected to: "),
            "{log}"
        );
        assert!(log.contains("ConnectionRefused"), "the cause: {log}");

        let server = start("postgres", &url("not-the-password"));
        expect(
            &server,
            "postgres_usable",
            "error",
            "dockerflow.health.E001",
        )
        .await;
        server
            .log_with("password authentication failed for user \"scott\"")
            .await;
    });
}

#[test]
fn sqlite_up_migrated_missing_and_not_a_database() {
    System::new().block_on(async {
        let directory = TempDir::new().expect("a temporary directory");
        let url = |file: &str| format!("sqlite://{}", directory.path().join(file).display());

        let server = start("sqlite", &url("missing.db"));
        expect(&server, "sqlite_usable", "error", "dockerflow.health.E001").await;
        fs::write(directory.path().join("missing.db"), "")
            .expect("an empty file is an empty database");
        expect(&server, "sqlite_usable", "ok", "").await;
        expect(
            &server,
            "sqlite_migrated",
            "warning",
            "dockerflow.health.W001",
        )
        .await;
        let pool = SqlitePool::connect(&url("missing.db"))
            .await
            .expect("it is there");
        MIGRATIONS.run(&pool).await.expect("it is empty");
        expect(&server, "sqlite_migrated", "ok", "").await;
        sqlx::query("DELETE FROM _sqlx_migrations WHERE version = 2")
            .execute(&pool)
            .await
            .expect("it is there");
        let found = expect(
            &server,
            "sqlite_migrated",
            "warning",
            "dockerflow.health.W001",
        )
        .await;
        assert!(
            found.body.contains("not been applied: 2 customers\""),
            "{found:?}"
        );

        fs::write(
            directory.path().join("text.db"),
            "no database at all, ".repeat(1000),
        )
        .expect("a free disk");
        let server = start("sqlite", &url("text.db"));
        let found = expect(&server, "sqlite_usable", "error", "").await;
        assert!(found.body.contains("file is not a database"), "{found:?}");
        expect(&server, "sqlite_migrated", "info", "dockerflow.health.I001").await;
    });
}
