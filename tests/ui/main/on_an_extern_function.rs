use dockerflow::{Error, Server};

#[dockerflow::main]
async extern "C" fn main(_server: Server) -> Result<(), Error> {
    Ok(())
}
