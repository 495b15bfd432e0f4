//! The health checks: can visitors read and sign the book?

use std::io;

use actix_web::web::Data;
use dockerflow::{Message, health_check};

use crate::Book;

/// Could somebody sign now? Takes the lock for writing, and releases it.
#[health_check]
async fn database(book: Data<Book>) -> Result<(), sqlx::Error> {
    book.lock().await
}

/// Is there room for the book to grow? A database server watches its own disk.
#[health_check(level = warning)]
fn disk_space(book: Data<Book>) -> io::Result<()> {
    let Some(folder) = &book.folder else {
        return Ok(());
    };
    let free = fs4::available_space(folder)? / 1_000_000;
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
