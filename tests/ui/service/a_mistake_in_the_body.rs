use actix_web::App;

#[dockerflow::service]
fn app() -> App {
    let name = ;
    App::new()
}

fn main() {
    let _ = app();
}
