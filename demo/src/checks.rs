//! What has to be well for visitors to read and sign the book.

use std::io;

use actix_web::web::Data;
use dockerflow::{Message, health_check};

use crate::Book;

/// Could somebody sign now? It takes the lock for writing, and gives it back.
#[health_check]
async fn database(book: Data<Book>) -> Result<(), sqlx::Error> {
    let transaction = book.pool.begin_with("BEGIN IMMEDIATE").await?;
    transaction.rollback().await
}

/// Is there room for the book to grow?
#[health_check(level = warning)]
fn disk_space(book: Data<Book>) -> io::Result<()> {
    let free = fs4::available_space(&book.folder)? / 1_000_000;
    let wanted = book.settings.free_megabytes;
    if free < wanted {
        let text = format!("{free} MB are free, {wanted} MB should be");
        return Err(io::Error::other(text));
    }
    Ok(())
}

/// Is the book nearly full?
#[health_check]
async fn lines_left(book: Data<Book>) -> Result<Option<Message>, sqlx::Error> {
    let capacity = book.settings.capacity;
    let left = capacity.saturating_sub(book.total().await?);
    let text = format!("{left} of {capacity} lines are left");
    Ok((left <= capacity / 10).then(|| Message::warning("lines_left.few", text)))
}
