use actix_web::App;

mod checks {
    #[dockerflow::health_check]
    pub(crate) async fn database() {}
}

use checks::database as imported;

#[dockerflow::service(checks(imported))]
fn app() -> App {
    App::new()
}

fn main() {
    let _ = app();
    drop(imported());
}
