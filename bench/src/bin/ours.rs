//! The demo: what `cargo bench -p dockerflow-bench --bench process` starts.

use actix_web::web::Data;
use dockerflow::{Error, Server};
use dockerflow_demo::{Book, app};

#[dockerflow::main]
async fn main(server: Server) -> Result<(), Error> {
    let book = Data::new(Book::open(server.settings()?).await?);
    server.run(move || app(book.clone())).await
}
