use dockerflow::{Error, Server};

#[dockerflow::main]
fn main(_server: Server) -> Result<(), Error> {
    Ok(())
}
