use actix_web::App;

#[dockerflow::service]
unsafe fn one() -> App {
    App::new()
}

#[dockerflow::service]
extern "C" fn two() -> App {
    App::new()
}

#[dockerflow::service]
const fn three() -> App {
    App::new()
}

fn main() {
    let _ = (unsafe { one() }, two(), three());
}
