#[dockerflow::health_check]
struct Database;

fn main() {
    let _ = Database;
}
