use actix_web::App;

#[dockerflow::service(check(database))]
fn app() -> App {
    App::new()
}

fn main() {
    let _ = app();
}
