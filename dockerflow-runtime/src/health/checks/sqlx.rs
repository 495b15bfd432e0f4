//! Can the database be used, and is its schema the one that the program knows? The feature `sqlx-0_9`.

use std::{borrow::Cow, collections::HashMap, pin::pin};

use futures_util::future::{Either, select};
use sqlx::{
    ConnectOptions as _, Database, Error, Executor, Pool,
    migrate::{Migrate, MigrateError, Migrator},
    pool::PoolConnection,
};
use tokio::time::timeout;

use super::POOL_TIMEOUT;
use crate::health::message::Message;

/// The table in which sqlx notes what it has applied.
const TABLE: &str = "_sqlx_migrations";

/// Takes a connection from `pool`, a new one if need be, and executes `SELECT 1` on it.
///
/// A pool does not report why it cannot connect, and tries ever more slowly. If it gives no
/// connection within 300 ms, this opens one beside it. If that fails, its error is the message. If
/// it succeeds and every connection of the pool is in use, the message is a warning, because a busy
/// service is not a broken one; it is a warning, too, if the server accepts no more connections
/// (53300 of `PostgreSQL`; 1040, 1203 and 1226 of `MySQL`) while this pool has some. To make an
/// error of a warning that lasts, see [`Escalation`](super::Escalation).
///
/// ```
/// # #[cfg(feature = "sqlx-0_9")] mod checks_of_this {
/// use actix_web::web;
/// use dockerflow::{Message, health::checks, health_check};
/// use sqlx::{Pool, Sqlite};
///
/// #[health_check]
/// async fn database(pool: web::Data<Pool<Sqlite>>) -> Option<Message> {
///     checks::sqlx::usable(&pool).await
/// }
/// # }
/// ```
pub async fn usable<DB: Database>(pool: &Pool<DB>) -> Option<Message>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    let mut borrowed = match acquire(pool).await {
        Ok(connection) => Borrowed(Some(connection)),
        Err(message) => return Some(message),
    };
    let executed = borrowed.connection().execute("SELECT 1").await;
    borrowed.give_back();
    executed.err().map(|error| {
        let text = format!("the database cannot be used: {error:#}");
        Message::error("dockerflow.health.E002", text).caused_by(&error)
    })
}

/// Compares the migrations that were applied to `pool`'s database with those of `migrator`, and
/// reports a warning that names those that are missing.
///
/// As in python-dockerflow, the heartbeat stays at 200, because the old schema may do while a
/// release is rolled out. It is a warning, too, if the migrator would refuse to run, because a
/// migration failed half-way or is not the one that was applied. The check writes nothing; a
/// database without a table `_sqlx_migrations` lacks them all. A migrator can keep its notes in
/// another table. sqlx does not say in which, so this check is not for such a migrator.
///
/// ```
/// # #[cfg(feature = "sqlx-0_9")] mod checks_of_this {
/// use actix_web::web;
/// use dockerflow::{Message, health::checks, health_check};
/// use sqlx::{Pool, Sqlite, migrate::Migrator};
///
/// /// The service reads the migrations from a directory when it starts.
/// #[health_check]
/// async fn migrations(pool: web::Data<Pool<Sqlite>>, migrator: web::Data<Migrator>) -> Option<Message> {
///     checks::sqlx::migrated(&pool, &migrator).await
/// }
/// # }
/// ```
pub async fn migrated<DB: Database>(pool: &Pool<DB>, migrator: &Migrator) -> Option<Message>
where
    DB::Connection: Migrate,
{
    let unknown = |error: String| {
        let text = format!("cannot find out which migrations have been applied: {error}");
        Message::info("dockerflow.health.I001", text)
    };
    let mut borrowed = match timeout(POOL_TIMEOUT, pool.acquire()).await {
        Ok(Ok(connection)) => Borrowed(Some(connection)),
        Ok(Err(error)) => return Some(unknown(format!("{error:#}")).caused_by(&error)),
        Err(_) => {
            return Some(unknown(format!(
                "the pool gives no connection within {POOL_TIMEOUT:?}"
            )));
        }
    };
    let applied = applied(borrowed.connection()).await;
    borrowed.give_back();
    let applied = match applied {
        Ok(applied) => applied,
        Err(error) => return Some(unknown(format!("{error:#}")).caused_by(&error)),
    };
    if let Some(version) = applied.failed {
        let text = format!(
            "migration {version} failed half-way: the migrator refuses to run until it is repaired"
        );
        return Some(Message::warning("dockerflow.health.migration.failed", text));
    }
    let known = migrator
        .iter()
        .filter(|one| !one.migration_type.is_down_migration());
    let (mut missing, mut changed) = (Vec::new(), Vec::new());
    for migration in known {
        match applied.checksums.get(&migration.version) {
            None => missing.push(format!("{} {}", migration.version, migration.description)),
            Some(checksum) if *checksum != migration.checksum => {
                changed.push(format!("{} {}", migration.version, migration.description));
            }
            Some(_) => {}
        }
    }
    if !changed.is_empty() {
        let text = format!(
            "migrations are not the ones that were applied, so that the migrator refuses to run: {}",
            changed.join(", ")
        );
        return Some(Message::warning(
            "dockerflow.health.migration.changed",
            text,
        ));
    }
    (!missing.is_empty()).then(|| {
        let text = format!("migrations have not been applied: {}", missing.join(", "));
        Message::warning("dockerflow.health.W001", text)
    })
}

/// A connection of a pool. If the check is given up while it waits for an answer, the connection leaves the pool: the pool would
/// wait for the same answer before it takes the connection back, and its place would be lost for as long.
struct Borrowed<DB: Database>(Option<PoolConnection<DB>>);

impl<DB: Database> Borrowed<DB> {
    fn connection(&mut self) -> &mut DB::Connection {
        self.0.as_mut().expect("it is there until it is given back")
    }

    fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl<DB: Database> Drop for Borrowed<DB> {
    fn drop(&mut self) {
        drop(self.0.take().map(PoolConnection::detach));
    }
}

/// The migrations that a database has had.
#[derive(Default)]
struct Applied {
    checksums: HashMap<i64, Cow<'static, [u8]>>,
    /// One that was begun and did not succeed.
    failed: Option<i64>,
}

async fn applied(connection: &mut impl Migrate) -> Result<Applied, MigrateError> {
    let failed = match connection.dirty_version(TABLE).await {
        Ok(failed) => failed,
        Err(error) if is_without_table(&error) => return Ok(Applied::default()),
        Err(error) => return Err(error),
    };
    let applied = connection.list_applied_migrations(TABLE).await?;
    let checksums = applied.into_iter().map(|one| (one.version, one.checksum));
    Ok(Applied {
        checksums: checksums.collect(),
        failed,
    })
}

fn is_without_table(error: &MigrateError) -> bool {
    let MigrateError::Execute(Error::Database(error)) = error else {
        return false;
    };
    // PostgreSQL's code, MySQL's, and SQLite's text, as its code means any error.
    matches!(error.code().as_deref(), Some("42P01" | "42S02"))
        || error.message().starts_with("no such table")
}

async fn acquire<DB: Database>(pool: &Pool<DB>) -> Result<PoolConnection<DB>, Message> {
    let mut acquiring = pin!(pool.acquire());
    if let Ok(acquired) = timeout(POOL_TIMEOUT, &mut acquiring).await {
        return acquired.map_err(|error| not_connected(pool, &error));
    }
    let options = pool.connect_options();
    let beside = pin!(options.connect());
    match select(acquiring, beside).await {
        Either::Left((acquired, _)) => acquired.map_err(|error| not_connected(pool, &error)),
        Either::Right((Err(error), _)) => Err(not_connected(pool, &error)),
        Either::Right((Ok(connection), acquiring)) => {
            drop(connection);
            let most = pool.options().get_max_connections();
            if pool.size() < most {
                return acquiring.await.map_err(|error| not_connected(pool, &error));
            }
            let text = format!(
                "the database can be connected to, but all {most} connections of the pool are in use"
            );
            Err(Message::warning("dockerflow.health.pool", text))
        }
    }
}

fn not_connected<DB: Database>(pool: &Pool<DB>, error: &Error) -> Message {
    let size = pool.size();
    // A pool counts the connection that it is trying to open. With another one beside it, or with all that it may have, it works.
    if is_full(error) && (size > 1 || size >= pool.options().get_max_connections()) {
        let text =
            format!("no connection of the pool is free, and the server accepts no more: {error:#}");
        return Message::warning("dockerflow.health.pool", text).caused_by(error);
    }
    let text = format!("the database cannot be connected to: {error:#}");
    Message::error("dockerflow.health.E001", text).caused_by(error)
}

/// Returns whether a server refuses a connection because it has as many as it may have.
fn is_full(error: &Error) -> bool {
    let Error::Database(error) = error else {
        return false;
    };
    error.code().is_some_and(|code| code == "53300") || is_full_mysql(&error.to_string())
}

/// `MySQL`'s SQLSTATEs stand for other errors, too; the text of its errors begins with the number.
fn is_full_mysql(text: &str) -> bool {
    let number = text.split_once(' ').map(|(number, _)| number);
    matches!(number, Some("1040" | "1203" | "1226"))
}
