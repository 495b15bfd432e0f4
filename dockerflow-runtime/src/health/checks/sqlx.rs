//! Can the database be used, and is its schema the one that the program knows? The feature `sqlx`.

use std::{collections::HashSet, pin::pin, time::Duration};

use futures_util::future::{Either, select};
use sqlx::{
    ConnectOptions as _, Database, Error, Executor, Pool,
    migrate::{Migrate, MigrateError, Migrator},
    pool::PoolConnection,
};
use tokio::time::timeout;

use crate::health::Message;

/// How long a pool may take. A check has 800 ms, and must have time left to find out why.
const PATIENCE: Duration = Duration::from_millis(300);

/// Where sqlx notes what it has applied.
const TABLE: &str = "_sqlx_migrations";

/// Takes a connection from `pool`, a new one if need be, and executes `SELECT 1` on it.
///
/// A pool keeps to itself why it cannot connect, and tries ever more slowly. Where it gives no connection within 300 ms, this
/// opens one beside it: if that fails, its error is the finding; if it succeeds and every connection of the pool is in use, the
/// finding is a warning, because a busy service is not a broken one.
pub async fn usable<DB: Database>(pool: &Pool<DB>) -> Option<Message>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let mut connection = match acquire(pool).await {
        Ok(connection) => connection,
        Err(message) => return Some(message),
    };
    let executed = connection.execute("SELECT 1").await;
    executed.err().map(|error| {
        let text = format!("the database cannot be used: {error:#}");
        Message::error("dockerflow.health.E002", text).caused_by(&error)
    })
}

/// Compares the migrations that `pool`'s database has had with those of `migrator`, and names those that it lacks.
///
/// A warning, as in python-dockerflow: the heartbeat stays at 200, because the old schema may do while a release is rolled out.
/// Nothing is written; a database without a table `_sqlx_migrations` lacks them all. (A migrator may be told to keep its notes in
/// another table. sqlx does not tell which, so that this check is not for it.)
pub async fn migrated<DB: Database>(pool: &Pool<DB>, migrator: &Migrator) -> Option<Message>
where
    DB::Connection: Migrate,
{
    let unknown = |error: String| {
        let text = format!("it cannot be told which migrations have been applied: {error}");
        Message::info("dockerflow.health.I001", text)
    };
    let mut connection = match timeout(PATIENCE, pool.acquire()).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return Some(unknown(format!("{error:#}")).caused_by(&error)),
        Err(_) => {
            return Some(unknown(format!(
                "the pool gives no connection within {PATIENCE:?}"
            )));
        }
    };
    let applied: HashSet<i64> = match connection.list_applied_migrations(TABLE).await {
        Ok(applied) => applied.iter().map(|one| one.version).collect(),
        Err(error) if is_without_table(&error) => HashSet::new(),
        Err(error) => return Some(unknown(format!("{error:#}")).caused_by(&error)),
    };
    let missing: Vec<_> = migrator
        .iter()
        .filter(|one| !one.migration_type.is_down_migration() && !applied.contains(&one.version))
        .map(|one| format!("{} {}", one.version, one.description))
        .collect();
    (!missing.is_empty()).then(|| {
        let text = format!("migrations have not been applied: {}", missing.join(", "));
        Message::warning("dockerflow.health.W001", text)
    })
}

fn is_without_table(error: &MigrateError) -> bool {
    let MigrateError::Execute(Error::Database(error)) = error else {
        return false;
    };
    // PostgreSQL's code, MySQL's, and SQLite's words, whose code says no more than "an error".
    matches!(error.code().as_deref(), Some("42P01" | "42S02"))
        || error.message().starts_with("no such table")
}

async fn acquire<DB: Database>(pool: &Pool<DB>) -> Result<PoolConnection<DB>, Message> {
    let mut acquiring = pin!(pool.acquire());
    if let Ok(acquired) = timeout(PATIENCE, &mut acquiring).await {
        return acquired.map_err(|error| not_connected(&error));
    }
    let options = pool.connect_options();
    let beside = pin!(options.connect());
    match select(acquiring, beside).await {
        Either::Left((acquired, _)) => acquired.map_err(|error| not_connected(&error)),
        Either::Right((Err(error), _)) => Err(not_connected(&error)),
        Either::Right((Ok(connection), acquiring)) => {
            drop(connection);
            let most = pool.options().get_max_connections();
            if pool.size() < most {
                return acquiring.await.map_err(|error| not_connected(&error));
            }
            let text = format!(
                "the database can be connected to, but all {most} connections of the pool are in use"
            );
            Err(Message::warning("dockerflow.health.pool", text))
        }
    }
}

fn not_connected(error: &Error) -> Message {
    let text = format!("the database cannot be connected to: {error:#}");
    Message::error("dockerflow.health.E001", text).caused_by(error)
}
