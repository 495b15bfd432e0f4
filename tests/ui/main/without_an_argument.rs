use dockerflow::Error;

#[dockerflow::main]
async fn main() -> Result<(), Error> {
    Ok(())
}
