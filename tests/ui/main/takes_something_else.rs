use dockerflow::Error;

#[dockerflow::main]
async fn main(_server: String) -> Result<(), Error> {
    Ok(())
}
