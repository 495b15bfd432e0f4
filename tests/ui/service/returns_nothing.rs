#[dockerflow::service]
fn app() {}

fn main() {
    app();
}
