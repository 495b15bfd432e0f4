use actix_web::App;

#[dockerflow::service(version = "/app/version.json")]
fn app() -> App {
    App::new()
}

fn main() {
    let _ = app();
}
