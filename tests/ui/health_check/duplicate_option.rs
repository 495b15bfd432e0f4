#[dockerflow::health_check(name = "a", timeout = "1s", name = "b")]
async fn database() {}

fn main() {
    drop(database());
}
