use dockerflow::{Error, Server};

#[dockerflow::main]
async unsafe fn main(_server: Server) -> Result<(), Error> {
    Ok(())
}
