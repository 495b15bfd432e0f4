use actix_web::App;

#[dockerflow::service(version = "../missing.json")]
fn app() -> App {
    App::new()
}

fn main() {
    let _ = app();
}
