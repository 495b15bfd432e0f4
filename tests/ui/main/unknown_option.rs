use dockerflow::{Error, Server};

#[dockerflow::main(workers = 4, crate = "dockerflow")]
async fn main(_server: Server) -> Result<(), Error> {
    Ok(())
}
