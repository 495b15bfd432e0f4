#[dockerflow::main]
struct Main;

fn main() {}
