//! The demo: what `cargo bench -p dockerflow-bench --bench process` starts.

use std::process::ExitCode;

use actix_web::web::Data;
use dockerflow_demo::{Book, VERSION, app};

fn main() -> ExitCode {
    dockerflow::main(VERSION, async |server| {
        let book = Data::new(Book::open(server.settings()?).await?);
        server.run(move || app(book.clone())).await
    })
}
