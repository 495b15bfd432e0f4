//! What the guest book holds: entries, in a database.

use std::{collections::BTreeMap, path::PathBuf, str::FromStr as _, time::Duration};

use serde::{Deserialize, Serialize};
use sqlx::{
    FromRow, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

use crate::{Error, Settings};

/// The guest book.
#[derive(Debug)]
pub struct Book {
    pub(crate) pool: SqlitePool,
    pub(crate) folder: PathBuf,
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

/// What is wrong with a draft, by field.
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

/// Why there is no book.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A URL of another kind of database; it may hold a password, so it is not shown.
    #[error("DATABASE_URL: expected sqlite:<file>")]
    Scheme,
    /// A file that is not there and cannot be made, or not a database, or not ours.
    #[error("the database {file:?} cannot be opened")]
    File {
        /// Its path.
        file: String,
        /// What the database says.
        source: sqlx::Error,
    },
}

impl Book {
    /// Opens the database, makes it where there is none, and brings its tables up to date.
    ///
    /// # Errors
    ///
    /// It cannot be opened, or a later version of this program has been at work on it.
    pub async fn open(settings: Settings) -> Result<Self, OpenError> {
        let url = &settings.database_url;
        let file = url.strip_prefix("sqlite:").ok_or(OpenError::Scheme)?;
        match connect(url).await {
            Ok((pool, folder)) => Ok(Self {
                pool,
                folder,
                settings,
            }),
            Err(source) => Err(OpenError::File {
                file: file.into(),
                source,
            }),
        }
    }

    /// Waits for whoever still writes, and leaves the database as one file.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A page, from 1. The first is there even where nobody has signed.
    pub(crate) async fn page(&self, number: u32) -> Result<Page, Error> {
        let (total, size) = (self.total().await?, self.settings.page_size);
        let last = total.div_ceil(size.get()).max(1);
        if !(1..=last).contains(&number) {
            return Err(Error::NotFound);
        }
        let entries = sqlx::query_as("SELECT * FROM entries ORDER BY id DESC LIMIT ? OFFSET ?")
            .bind(size)
            .bind((number - 1) * size.get())
            .fetch_all(&self.pool)
            .await?;
        Ok(Page {
            entries,
            number,
            last,
            total,
        })
    }

    /// One entry.
    pub(crate) async fn entry(&self, id: i64) -> Result<Entry, Error> {
        let query = sqlx::query_as("SELECT * FROM entries WHERE id = ?").bind(id);
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
        let query = "INSERT INTO entries (name, home, message) SELECT ?, ?, ?
                     WHERE (SELECT count(*) FROM entries) < ? RETURNING *";
        sqlx::query_as(query)
            .bind(tidy(&draft.name))
            .bind(tidy(&draft.home))
            .bind(tidy(&draft.message))
            .bind(self.settings.capacity)
            .fetch_optional(&self.pool)
            .await?
            .ok_or(Error::Full)
    }

    /// How many entries there are.
    pub(crate) async fn total(&self) -> Result<u32, sqlx::Error> {
        let query = sqlx::query_scalar("SELECT count(*) FROM entries");
        query.fetch_one(&self.pool).await
    }
}

impl Entry {
    /// When it was signed: `2026-11-23`.
    pub(crate) fn day(&self) -> &str {
        &self.signed_at[..10]
    }
}

impl Draft {
    fn problems(&self) -> Problems {
        let fields = [
            ("name", &self.name, 60, Some("Please tell us your name.")),
            ("home", &self.home, 60, None),
            ("message", &self.message, 500, Some("Please leave a line.")),
        ];
        let problems = fields
            .into_iter()
            .filter_map(|(field, text, most, wanted)| {
                let text = tidy(text);
                let length = text.chars().count();
                let problem = match wanted {
                    Some(wanted) if length == 0 => wanted.into(),
                    _ if length > most => {
                        format!("This has {length} characters; there is room for {most}.")
                    }
                    _ if text.contains(|c: char| c.is_control() && c != '\n') => {
                        "This has control characters.".into()
                    }
                    _ => return None,
                };
                Some((field, problem))
            });
        problems.collect()
    }
}

async fn connect(url: &str) -> Result<(SqlitePool, PathBuf), sqlx::Error> {
    let options = SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(Duration::from_secs(5));
    let folder = options.get_filename().with_file_name(".");
    let pool = SqlitePool::connect_with(options).await?;
    sqlx::migrate!().run(&pool).await?;
    Ok((pool, folder))
}

/// Browsers send line breaks as `\r\n`.
fn tidy(text: &str) -> String {
    text.trim().replace("\r\n", "\n")
}
