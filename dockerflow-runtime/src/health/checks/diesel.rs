//! Can diesel's database be used? The feature `diesel-2`.

use diesel::r2d2::{ConnectionManager, Pool, PoolError, R2D2Connection};

use super::POOL_TIMEOUT;
use crate::health::message::Message;

/// Takes a connection from `pool`, a new one if need be, and sends `SELECT 1` over it. For a check that is a plain `fn`.
///
/// If the pool gives no connection within 300 ms, the message is an error with the reason; but it
/// is a warning if the pool has all the connections that it may have, because a busy service is not
/// a broken one. To make an error of a warning that lasts, see [`Escalation`](super::Escalation).
///
/// diesel's connections block: give them a time-out (`connect_timeout` and `tcp_user_timeout` in a URL of `PostgreSQL`). Until a
/// connection returns, the check is still running, and is not started again. A pool of `diesel_async` is one of `deadpool` or `bb8`.
///
/// ```
/// # #[cfg(feature = "diesel-2")] mod checks_of_this {
/// use actix_web::web;
/// use diesel::r2d2::{ConnectionManager, Pool, R2D2Connection};
/// use dockerflow::{Message, health::checks};
///
/// // With a `PgConnection` as `C`, this is the body of a check.
/// fn database<C: R2D2Connection + 'static>(pool: web::Data<Pool<ConnectionManager<C>>>) -> Option<Message> {
///     checks::diesel::usable(&pool)
/// }
/// # }
/// ```
#[must_use]
pub fn usable<C>(pool: &Pool<ConnectionManager<C>>) -> Option<Message>
where
    C: R2D2Connection + 'static,
{
    let mut connection = match pool.get_timeout(POOL_TIMEOUT) {
        Ok(connection) => connection,
        Err(error) => return Some(without_connection(pool, &error)),
    };
    let sent = connection.ping();
    sent.err().map(|error| {
        let text = format!("the database cannot be used: {error}");
        Message::error("dockerflow.health.E002", text).caused_by(&error)
    })
}

fn without_connection<C>(pool: &Pool<ConnectionManager<C>>, error: &PoolError) -> Message
where
    C: R2D2Connection + 'static,
{
    let most = pool.max_size();
    if pool.state().connections >= most {
        let text = format!("all {most} connections of the pool are in use");
        return Message::warning("dockerflow.health.pool", text).caused_by(error);
    }
    let text = format!("the database cannot be connected to: {error}");
    Message::error("dockerflow.health.E001", text).caused_by(error)
}
