use actix_web::App;

#[dockerflow::service(checks(), checks())]
fn app() -> App {
    App::new()
}

fn main() {
    let _ = app();
}
