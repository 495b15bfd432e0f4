use actix_web::App;

mod checks {
    #[dockerflow::health_check]
    pub(crate) async fn database() {}
}

#[dockerflow::service(checks(checks::database as other))]
fn app() -> App {
    App::new()
}

fn main() {
    let _ = app();
    drop(checks::database());
}
