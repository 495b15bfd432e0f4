use actix_web::App;

async fn ordinary() {}

#[dockerflow::service(checks(ordinary))]
fn app() -> App {
    App::new()
}

fn main() {
    let _ = app();
    drop(ordinary());
}
