#[dockerflow::service]
fn app() -> String {
    String::new()
}

fn main() {
    let _: String = app();
}
