//! Gauges of connection pools, for [`Metrics::gauges`](crate::Metrics::gauges).
//!
//! | gauge | value |
//! |---|---|
//! | `max` | the most connections that the pool may have |
//! | `size` | the connections that it has |
//! | `idle` | those that are not in use |
//! | `waiting` | the callers that wait for one (deadpool only) |
//!
//! ```
//! # #[cfg(feature = "sqlx-0_9")] {
//! use dockerflow::{Server, metrics::pools};
//! # fn register(server: Server, pool: sqlx::SqlitePool) {
//! server.metrics().gauges("db.pool", pools::sqlx(&pool));
//! # }
//! # }
//! ```

/// Returns a function that reads the gauges `max`, `size` and `idle` of an sqlx pool. The feature `sqlx-0_9`.
///
/// It holds a clone of the pool. Of a pool that was closed, `size` and `idle` are 0.
///
/// ```
/// # #[cfg(feature = "sqlx-0_9")] {
/// use dockerflow::{Server, metrics::pools};
/// use sqlx::{Pool, Sqlite};
///
/// /// The gauges of two pools, under two names.
/// fn register(server: &Server, write: &Pool<Sqlite>, read: &Pool<Sqlite>) {
///     server.metrics().gauges("db.write", pools::sqlx(write));
///     server.metrics().gauges("db.read", pools::sqlx(read));
/// }
/// # }
/// ```
#[cfg(feature = "sqlx-0_9")]
pub fn sqlx<DB: ::sqlx::Database>(
    pool: &::sqlx::Pool<DB>,
) -> impl Fn() -> [(&'static str, u64); 3] + Send + Sync + use<DB> {
    let pool = pool.clone();
    move || {
        let size = u64::from(pool.size());
        [
            ("max", pool.options().get_max_connections().into()),
            ("size", size),
            // The two are not read at once.
            ("idle", (pool.num_idle() as u64).min(size)),
        ]
    }
}

/// Returns a function that reads the gauges `max`, `size`, `idle` and `waiting` of a deadpool pool, such as one of
/// deadpool-postgres or deadpool-redis. The feature `deadpool-0_13`.
///
/// It does not keep the pool alive. Once the pool is dropped, the gauges end.
///
/// ```
/// # #[cfg(feature = "deadpool-0_13")] {
/// use deadpool::managed::{Manager, Pool};
/// use dockerflow::{Server, metrics::pools};
///
/// // With `deadpool_redis::Pool`, for example.
/// fn register<M: Manager + 'static>(server: &Server, pool: &Pool<M>) {
///     server.metrics().gauges("redis.pool", pools::deadpool(pool));
/// }
/// # }
/// ```
#[cfg(feature = "deadpool-0_13")]
pub fn deadpool<M, W>(
    pool: &::deadpool::managed::Pool<M, W>,
) -> impl Fn() -> Vec<(&'static str, u64)> + Send + Sync + use<M, W>
where
    M: ::deadpool::managed::Manager + 'static,
    W: From<::deadpool::managed::Object<M>> + 'static,
{
    let pool = pool.weak();
    move || {
        let Some(pool) = pool.upgrade() else {
            return Vec::new();
        };
        let status = pool.status();
        vec![
            ("max", status.max_size as u64),
            ("size", status.size as u64),
            ("idle", status.available as u64),
            ("waiting", status.waiting as u64),
        ]
    }
}
