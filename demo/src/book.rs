//! The guest book: entries, in a file or on a database server.

use std::{collections::BTreeMap, path::PathBuf, str::FromStr as _, time::Duration};

use serde::{Deserialize, Serialize};
use sqlx::{
    AnyPool, ConnectOptions as _, FromRow,
    any::AnyPoolOptions,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

use crate::{Error, Settings};

/// The guest book.
#[derive(Debug)]
pub struct Book {
    pool: AnyPool,
    /// The folder of the file, if the database is one.
    pub(crate) folder: Option<PathBuf>,
    pub(crate) settings: Settings,
}

/// What a visitor left.
#[derive(FromRow, Serialize)]
pub(crate) struct Entry {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) home: String,
    pub(crate) message: String,
    /// RFC 3339, in UTC.
    pub(crate) signed_at: String,
}

/// What a visitor would like to leave.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) home: String,
    pub(crate) message: String,
}

/// The problems of a draft, by field.
pub(crate) type Problems = BTreeMap<&'static str, String>;

/// Some of the entries, the newest first.
#[derive(Serialize)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    /// From 1 to `last`.
    pub(crate) number: u32,
    pub(crate) last: u32,
    /// Entries on all pages.
    pub(crate) total: u32,
}

/// Why the book cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A URL of another kind of database; it is not shown, because it may hold a password.
    #[error(
        "DATABASE_URL: expected sqlite:<file> or postgres://<user>:<password>@<host>/<database>"
    )]
    Scheme,
    /// A file that is missing and cannot be created, or is not a database, or belongs to another program.
    #[error("the database {file:?} cannot be opened")]
    File {
        /// Its path.
        file: String,
        /// The database's own error.
        source: sqlx::Error,
    },
    /// A server that does not answer, refuses us, or holds another program's tables.
    #[error("the database {name:?} on {host}:{port} cannot be opened")]
    Server {
        /// The database's name.
        name: String,
        /// The server's name or address.
        host: String,
        /// The server's port.
        port: u16,
        /// The server's own error.
        source: sqlx::Error,
    },
}

impl Book {
    /// Opens the database, creates its tables if they are missing, and brings them up to date.
    ///
    /// # Errors
    ///
    /// It cannot be opened, or a later version of this program has changed it.
    pub async fn open(settings: Settings) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        let url = &settings.database_url;
        let (pool, folder) = if let Some(file) = url.strip_prefix("sqlite:") {
            let (pool, folder) = file_pool(url).await.map_err(|source| OpenError::File {
                file: file.into(),
                source,
            })?;
            (pool, Some(folder))
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(url).map_err(|_| OpenError::Scheme)?;
            let pool = server_pool(url).await.map_err(|source| OpenError::Server {
                name: options.get_database().unwrap_or_default().into(),
                host: options.get_host().into(),
                port: options.get_port(),
                source,
            })?;
            (pool, None)
        } else {
            return Err(OpenError::Scheme);
        };
        Ok(Self {
            pool,
            folder,
            settings,
        })
    }

    /// Waits until nobody writes any more, and closes the database.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Returns a page, from 1. The first exists even if nobody has signed.
    pub(crate) async fn page(&self, number: u32) -> Result<Page, Error> {
        let (total, size) = (self.total().await?, self.settings.page_size);
        let last = total.div_ceil(size.get()).max(1);
        if !(1..=last).contains(&number) {
            return Err(Error::NotFound);
        }
        let entries = sqlx::query_as("SELECT * FROM entries ORDER BY id DESC LIMIT $1 OFFSET $2")
            .bind(i64::from(size.get()))
            .bind(i64::from(number - 1) * i64::from(size.get()))
            .fetch_all(&self.pool)
            .await?;
        Ok(Page {
            entries,
            number,
            last,
            total,
        })
    }

    /// Returns one entry.
    pub(crate) async fn entry(&self, id: i64) -> Result<Entry, Error> {
        let query = sqlx::query_as("SELECT * FROM entries WHERE id = $1").bind(id);
        query
            .fetch_optional(&self.pool)
            .await?
            .ok_or(Error::NotFound)
    }

    /// Writes an entry, unless something is wrong with it or the book is full.
    pub(crate) async fn sign(&self, draft: &Draft) -> Result<Entry, Error> {
        let problems = draft.problems();
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let query = "INSERT INTO entries (name, home, message) SELECT $1, $2, $3
                     WHERE (SELECT count(*) FROM entries) < $4 RETURNING *";
        sqlx::query_as(query)
            .bind(tidy(&draft.name))
            .bind(tidy(&draft.home))
            .bind(tidy(&draft.message))
            .bind(i64::from(self.settings.capacity))
            .fetch_optional(&self.pool)
            .await?
            .ok_or(Error::Full)
    }

    /// Returns the number of entries.
    pub(crate) async fn total(&self) -> Result<u32, sqlx::Error> {
        let query = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM entries");
        let total = query.fetch_one(&self.pool).await?;
        Ok(total.try_into().unwrap_or(u32::MAX))
    }

    /// Takes the lock that signing takes, and releases it.
    pub(crate) async fn lock(&self) -> Result<(), sqlx::Error> {
        let transaction = if self.folder.is_some() {
            self.pool.begin_with("BEGIN IMMEDIATE").await?
        } else {
            let mut transaction = self.pool.begin().await?;
            sqlx::query("LOCK TABLE entries IN ROW EXCLUSIVE MODE")
                .execute(&mut *transaction)
                .await?;
            transaction
        };
        transaction.rollback().await
    }
}

impl Entry {
    /// Returns when it was signed: `2026-11-23`.
    pub(crate) fn day(&self) -> &str {
        &self.signed_at[..10]
    }
}

impl Draft {
    fn problems(&self) -> Problems {
        let fields = [
            ("name", &self.name, 60, 1, Some("Please tell us your name.")),
            ("home", &self.home, 60, 1, None),
            (
                "message",
                &self.message,
                500,
                20,
                Some("Please leave a line."),
            ),
        ];
        let problems = fields
            .into_iter()
            .filter_map(|(field, text, most, most_lines, wanted)| {
                let text = tidy(text);
                let (length, lines) = (text.chars().count(), text.lines().count());
                let problem = match wanted {
                    Some(wanted) if length == 0 => wanted.into(),
                    _ if length > most => {
                        format!("This has {length} characters; there is room for {most}.")
                    }
                    _ if text.contains(|c: char| c.is_control() && c != '\n') => {
                        "This has control characters.".into()
                    }
                    _ if lines > most_lines => {
                        format!("This has {lines} lines; there is room for {most_lines}.")
                    }
                    _ => return None,
                };
                Some((field, problem))
            });
        problems.collect()
    }
}

/// Opens the file, and creates it if it is missing.
async fn file_pool(url: &str) -> Result<(AnyPool, PathBuf), sqlx::Error> {
    let options = SqliteConnectOptions::from_str(url)?.create_if_missing(true);
    let folder = options.get_filename().with_file_name(".");
    // Settings of the file are made here, settings of a connection by each connection.
    let first = options.clone().journal_mode(SqliteJournalMode::Wal);
    first.connect().await?;
    let pool = AnyPoolOptions::new()
        .after_connect(|connection, _| {
            Box::pin(async move {
                let patience = sqlx::query("PRAGMA busy_timeout = 5000");
                patience.execute(connection).await.map(drop)
            })
        })
        .connect(options.to_url_lossy().as_str())
        .await?;
    sqlx::migrate!("migrations/sqlite").run(&pool).await?;
    Ok((pool, folder))
}

/// Opens the server's database. Instances that start together take turns to bring its tables up to date.
async fn server_pool(url: &str) -> Result<AnyPool, sqlx::Error> {
    let pool = AnyPoolOptions::new()
        .acquire_timeout(Duration::from_secs(15))
        .connect(url)
        .await?;
    sqlx::migrate!("migrations/postgres").run(&pool).await?;
    Ok(pool)
}

/// Trims a text, and writes its line breaks as `\n`; browsers send `\r\n`.
fn tidy(text: &str) -> String {
    text.trim().replace("\r\n", "\n")
}
