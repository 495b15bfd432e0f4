//! Serves the guest book.

use std::process::ExitCode;

use actix_web::web::Data;
use dockerflow_demo::{Book, VERSION, app};

fn main() -> ExitCode {
    dockerflow::main(VERSION, async |server| {
        let book = Data::new(Book::open(server.settings()?).await?);
        let shared = book.clone();
        server.run(move || app(shared.clone())).await?;
        book.close().await;
        Ok(())
    })
}
