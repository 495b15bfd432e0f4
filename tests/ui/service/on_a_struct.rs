#[dockerflow::service]
pub struct Service;

fn main() {
    let _ = Service;
}
