use actix_web::App;

#[dockerflow::service]
async fn app() -> App {
    App::new()
}

fn main() {
    let _ = app();
}
