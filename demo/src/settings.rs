//! What an operator can choose: the file at `CONFIG_PATH`, or the variables `DATABASE_URL`, `CAPACITY` and so on.

use std::num::NonZeroU32;

use serde::Deserialize;

/// The application's own settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The database: `sqlite:<file>`, or `postgres://<user>:<password>@<host>/<database>`.
    pub database_url: String,
    /// How many entries the book takes.
    pub capacity: u32,
    /// How many entries stand on a page, at least 1.
    pub page_size: NonZeroU32,
    /// Megabytes that should be free where the database is.
    pub free_megabytes: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            database_url: "sqlite:harbour.db".into(),
            capacity: 10_000,
            page_size: const { NonZeroU32::new(10).expect("not zero") },
            free_megabytes: 100,
        }
    }
}
