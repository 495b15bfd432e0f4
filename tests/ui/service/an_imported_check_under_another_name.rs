use actix_web::App;

mod checks {
    #[dockerflow::health_check]
    pub(crate) async fn database() {}

    #[dockerflow::health_check]
    pub(crate) async fn cache() {}
}

use checks::{cache, database as imported};

#[dockerflow::service(checks(cache, imported))]
fn app() -> App {
    App::new()
}

fn main() {
    let _ = app();
    drop(imported());
    drop(cache());
}
