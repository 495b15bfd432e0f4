use dockerflow::{Error, Server};

#[dockerflow::main]
async fn main(_server: Server, _name: String) -> Result<(), Error> {
    Ok(())
}
