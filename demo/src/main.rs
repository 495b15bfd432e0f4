//! Serves the guest book.

use actix_web::web::Data;
use dockerflow::{Error, Server};
use dockerflow_demo::{Book, app};

#[dockerflow::main]
async fn main(server: Server) -> Result<(), Error> {
    let book = Data::new(Book::open(server.settings()?).await?);
    let shared = book.clone();
    server.run(move || app(shared.clone())).await?;
    book.close().await;
    Ok(())
}
