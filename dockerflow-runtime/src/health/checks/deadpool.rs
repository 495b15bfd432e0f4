//! Can what a pool holds be used? The feature `deadpool-0_13`.

use std::{error::Error, fmt::Write as _, pin::pin};

use deadpool::managed::{Manager, Object, Pool, PoolError};
use futures_util::future::{Either, select};
use tokio::time::timeout;

use super::POOL_TIMEOUT;
use crate::health::message::Message;

/// Takes a connection from `pool`, a new one if need be, and calls `ask` with it: `SELECT 1`, better a row of a real table.
///
/// If the pool gives no connection within 300 ms, this opens one beside it. If that fails, its error is the message. If it succeeds
/// and every connection of the pool is in use, the message is a warning, because a busy service is not a broken one. To make an error of
/// a warning that lasts, see [`Escalation`](super::Escalation).
///
/// It is for any pool of `deadpool`: `deadpool-postgres`, `deadpool-redis`, `deadpool-lapin`, `diesel_async`'s.
///
/// ```
/// # #[cfg(feature = "deadpool-0_13")] mod checks_of_this {
/// # trait Query { async fn simple_query(&self, text: &str) -> std::io::Result<u64>; }
/// use deadpool::managed::{Manager, Pool};
/// use dockerflow::{Message, health::checks};
///
/// // With `deadpool_postgres::Pool`, this is the body of a check.
/// async fn database<M: Manager<Error: std::error::Error + 'static, Type: Query>>(pool: &Pool<M>) -> Option<Message> {
///     checks::deadpool::usable(pool, async |client| client.simple_query("SELECT 1").await).await
/// }
/// # }
/// ```
pub async fn usable<M, W, T, E>(
    pool: &Pool<M, W>,
    ask: impl AsyncFnOnce(&mut W) -> Result<T, E>,
) -> Option<Message>
where
    M: Manager<Error: Error + 'static>,
    W: From<Object<M>>,
    E: Error,
{
    let mut connection = match take(pool).await {
        Ok(connection) => connection,
        Err(message) => return Some(message),
    };
    let answered = ask(&mut connection).await;
    answered.err().map(|error| {
        let text = format!("a connection of the pool cannot be used: {}", chain(&error));
        Message::error("dockerflow.health.E002", text).caused_by(&error)
    })
}

async fn take<M, W>(pool: &Pool<M, W>) -> Result<W, Message>
where
    M: Manager<Error: Error + 'static>,
    W: From<Object<M>>,
{
    let refused = |error: PoolError<M::Error>| match &error {
        PoolError::Backend(error) => not_connected(error),
        _ => not_connected(&error),
    };
    let mut taking = pin!(pool.get());
    if let Ok(taken) = timeout(POOL_TIMEOUT, &mut taking).await {
        return taken.map_err(refused);
    }
    let beside = pin!(pool.manager().create());
    match select(taking, beside).await {
        Either::Left((taken, _)) => taken.map_err(refused),
        Either::Right((Err(error), _)) => Err(not_connected(&error)),
        Either::Right((Ok(connection), taking)) => {
            drop(connection);
            let status = pool.status();
            if status.size < status.max_size {
                return taking.await.map_err(refused);
            }
            let text = format!("all {} connections of the pool are in use", status.size);
            Err(Message::warning("dockerflow.health.pool", text))
        }
    }
}

fn not_connected(error: &impl Error) -> Message {
    let text = format!("cannot be connected to: {}", chain(error));
    Message::error("dockerflow.health.E001", text).caused_by(error)
}

/// Returns the text of an error and of its sources: `tokio-postgres` has the reason in a source.
fn chain(error: &impl Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let part = error.to_string();
        if !text.contains(&part) {
            // A string takes everything.
            let _ = write!(text, ": {part}");
        }
        source = error.source();
    }
    text
}
