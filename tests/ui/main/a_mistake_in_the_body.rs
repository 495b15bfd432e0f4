use dockerflow::{Error, Server};

#[dockerflow::main]
async fn main(_server: Server) -> Result<(), Error> {
    let _: u8 = "text";
    Ok(())
}
