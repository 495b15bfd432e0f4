#[dockerflow::health_check]
async fn database() -> u32 {
    7
}

#[dockerflow::health_check]
fn disk() -> Result<u64, std::io::Error> {
    Ok(7)
}

fn main() {
    drop(database());
    drop(disk());
}
