//! Checks that are ready to be called from a one-line `#[health_check]`: of SQL databases through sqlx, of Redis.
//!
//! What they find has python-dockerflow's ids, so that `DOCKERFLOW_SILENCED_CHECKS` works as it does there:
//!
//! | id | level | says |
//! |---|---|---|
//! | `dockerflow.health.E001` | error | the database cannot be connected to |
//! | `dockerflow.health.E002` | error | the database was connected to and cannot be used |
//! | `dockerflow.health.W001` | warning | migrations have not been applied |
//! | `dockerflow.health.I001` | info | it cannot be told which migrations have been applied |
//! | `dockerflow.health.pool` | warning | the database can be used, and no connection of the pool is free (not in python-dockerflow) |
//! | `dockerflow.health.E004` | error | Redis cannot be connected to |
//! | `dockerflow.health.E006` | error | Redis refuses the user or password |
//! | `dockerflow.health.E007` | error | Redis answers something else to `PING` than `PONG` |
//! | `dockerflow.health.E010` | error | any other error of Redis |
//!
//! ```standalone_crate
//! # #[cfg(all(feature = "redis", feature = "sqlx"))]
//! # mod checks {
//! use actix_web::web;
//! use dockerflow::{Message, health::checks, health_check};
//! use redis::aio::ConnectionManager;
//! use sqlx::{PgPool, migrate::Migrator};
//!
//! static MIGRATIONS: Migrator = sqlx::migrate!("tests/it/heartbeat/migrations");
//!
//! #[health_check]
//! async fn database(pool: web::Data<PgPool>) -> Option<Message> {
//!     checks::sqlx::usable(&pool).await
//! }
//!
//! #[health_check]
//! async fn migrations(pool: web::Data<PgPool>) -> Option<Message> {
//!     checks::sqlx::migrated(&pool, &MIGRATIONS).await
//! }
//!
//! #[health_check]
//! async fn cache(redis: web::Data<ConnectionManager>) -> Option<Message> {
//!     checks::redis::answers(&**redis).await
//! }
//! # }
//! ```

#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sqlx")]
pub mod sqlx;
