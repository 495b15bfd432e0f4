use actix_web::{App, web};

#[dockerflow::service]
fn routes(config: &mut web::ServiceConfig) {
    config.route("/", web::to(async || ""));
}

fn main() {
    let _ = App::new().configure(routes);
}
