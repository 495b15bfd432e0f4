use actix_web::App;

#[dockerflow::service(checks = one, crate = "dockerflow", version)]
fn app() -> App {
    App::new()
}

#[dockerflow::service("checks")]
fn other() -> App {
    App::new()
}

fn main() {
    let _ = app();
    let _ = other();
}
