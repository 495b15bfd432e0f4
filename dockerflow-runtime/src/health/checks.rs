//! Ready-made checks, which a one-line `#[health_check]` calls: of databases, Redis, HTTP services, disks, memory, certificates, and
//! what may get too old.
//!
//! A feature that is named after a client carries the client's major version, because its types are in the functions' signatures.
//!
//! The ids with a letter and a number are python-dockerflow's, so that `DOCKERFLOW_SILENCED_CHECKS` works as it does there.
//!
//! | id | level | means |
//! |---|---|---|
//! | `dockerflow.health.E001` | error | cannot connect to the database |
//! | `dockerflow.health.E002` | error | connected to the database, but cannot use it |
//! | `dockerflow.health.W001` | warning | migrations have not been applied |
//! | `dockerflow.health.I001` | info | cannot find out which migrations have been applied |
//! | `dockerflow.health.pool` | warning | the database can be used, but no connection of the pool is free |
//! | `dockerflow.health.migration.failed` | warning | a migration failed half-way, so that the migrator refuses to run |
//! | `dockerflow.health.migration.changed` | warning | a migration is not the one that was applied, so that the migrator refuses to run |
//! | `dockerflow.health.E004` | error | cannot connect to Redis |
//! | `dockerflow.health.E006` | error | Redis refuses the user or password |
//! | `dockerflow.health.E007` | error | Redis answers `PING` with something other than `PONG` |
//! | `dockerflow.health.E010` | error | any other error of Redis |
//! | `dockerflow.health.http.unreachable` | error | an HTTP service cannot be reached, or its answer breaks off |
//! | `dockerflow.health.http.status` | error | an HTTP service answers with a status that is not 2xx |
//! | `dockerflow.health.certificate` | warning, error | a certificate expires soon, has expired, or cannot be read |
//! | `dockerflow.health.disk` | warning, error | little space is left on a disk, or how much cannot be found out |
//! | `dockerflow.health.memory` | warning | the control group is close to its memory limit |
//! | `dockerflow.health.age` | warning, error | something is too old |
//!
//! ```standalone_crate
//! # #[cfg(all(feature = "redis-1", feature = "sqlx-0_9"))]
//! # mod checks {
//! use actix_web::web;
//! use dockerflow::{Message, health::checks, health_check};
//! use redis::aio::ConnectionManager;
//! use sqlx::{PgPool, migrate::Migrator};
//!
//! static MIGRATIONS: Migrator = sqlx::migrate!("../tests/it/heartbeat/migrations");
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

pub mod age;
#[cfg(feature = "awc-3")]
pub mod awc;
#[cfg(feature = "certificate")]
pub mod certificate;
#[cfg(feature = "deadpool-0_13")]
pub mod deadpool;
#[cfg(feature = "diesel-2")]
pub mod diesel;
#[cfg(feature = "disk")]
pub mod disk;
mod escalation;
pub mod memory;
#[cfg(feature = "redis-1")]
pub mod redis;
#[cfg(feature = "sqlx-0_9")]
pub mod sqlx;

#[cfg(any(feature = "deadpool-0_13", feature = "diesel-2", feature = "sqlx-0_9"))]
use std::time::Duration;

pub use self::escalation::Escalation;

/// How long a pool may take to give a connection. A check has 800 ms, and needs time to find the reason.
#[cfg(any(feature = "deadpool-0_13", feature = "diesel-2", feature = "sqlx-0_9"))]
const POOL_TIMEOUT: Duration = Duration::from_millis(300);
