#[dockerflow::health_check(nmae = "database")]
async fn database() {}

fn main() {
    drop(database());
}
