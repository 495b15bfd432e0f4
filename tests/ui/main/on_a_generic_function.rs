use dockerflow::{Error, Server};

#[dockerflow::main]
async fn main<T>(_server: Server) -> Result<(), Error> {
    Ok(())
}
