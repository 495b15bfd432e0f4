//! Does Redis answer? The feature `redis-1`.

use redis::{ErrorKind, RedisError, aio::ConnectionLike, cmd};

use crate::health::message::Message;

/// Sends `PING` over a clone of `connection`: of a `ConnectionManager`, which connects again by itself, a
/// `MultiplexedConnection`, or a `ClusterConnection`.
///
/// A `ConnectionManager` retries six times, ever more slowly, before it reports why it cannot
/// connect. That is longer than a probe waits, so the message is a time-out, and only the log has
/// the reason. With `ConnectionManagerConfig::set_number_of_retries(1)` it reports the reason in
/// time; it tries again with each command in any case.
///
/// ```
/// # #[cfg(feature = "redis-1")] mod checks_of_this {
/// use actix_web::web;
/// use dockerflow::{Message, health::checks, health_check};
/// use redis::aio::MultiplexedConnection;
///
/// /// The service works without its cache, only more slowly.
/// #[health_check(level = warning)]
/// async fn cache(redis: web::Data<MultiplexedConnection>) -> Option<Message> {
///     checks::redis::answers(&**redis).await
/// }
/// # }
/// ```
pub async fn answers<C: ConnectionLike + Clone>(connection: &C) -> Option<Message> {
    let mut connection = connection.clone();
    match cmd("PING").query_async::<String>(&mut connection).await {
        Ok(answer) if answer == "PONG" => None,
        Ok(answer) => {
            let text = format!("Redis answers {answer:?} to PING, expected PONG");
            Some(Message::error("dockerflow.health.E007", text))
        }
        Err(error) => Some(failed(&error)),
    }
}

fn failed(error: &RedisError) -> Message {
    let (id, what) =
        if error.kind() == ErrorKind::AuthenticationFailed || error.code() == Some("NOAUTH") {
            ("dockerflow.health.E006", "refuses the user or password")
        } else if error.is_io_error() || error.is_unrecoverable_error() {
            ("dockerflow.health.E004", "cannot be connected to")
        } else {
            ("dockerflow.health.E010", "fails")
        };
    Message::error(id, format!("Redis {what}: {error:#}")).caused_by(error)
}
