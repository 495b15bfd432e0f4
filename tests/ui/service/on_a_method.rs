use actix_web::App;

struct Factory;

impl Factory {
    #[dockerflow::service]
    fn app(&self) -> App {
        App::new()
    }
}

fn main() {
    let _ = Factory.app();
}
