//! Two apps in one process: the public one, and one on a port of its own that no proxy reaches. They start and end together.
//!
//! ```console
//! $ cargo run --example two_ports &
//! $ curl localhost:8081/notice -d 'closed on Monday'
//! $ curl localhost:8000/
//! ```

use std::{process::ExitCode, sync::Mutex};

use actix_web::{
    App, get, post,
    web::{self, Data},
};
use dockerflow::{Error, Program, Server};

type Notice = Mutex<String>;

#[get("/")]
async fn index(notice: Data<Notice>) -> String {
    notice.lock().expect("nobody panics with it").clone()
}

#[dockerflow::service]
fn public(notice: Data<Notice>) -> App {
    App::new().app_data(notice).service(index)
}

#[post("/notice")]
async fn change(text: String, notice: Data<Notice>) -> web::Bytes {
    *notice.lock().expect("nobody panics with it") = text;
    "changed\n".into()
}

/// It has no check of its own: the public app has them all.
#[dockerflow::service(checks())]
fn internal(notice: Data<Notice>) -> App {
    App::new().app_data(notice).service(change)
}

async fn serve(server: Server) -> Result<(), Error> {
    let notice = Data::new(Notice::new("open".to_owned()));
    let inside = notice.clone();
    server
        .also("INTERNAL", move || internal(inside.clone())) // INTERNAL_HOST, INTERNAL_PORT
        .run(move || public(notice.clone()))
        .await
}

fn main() -> ExitCode {
    Program::new(dockerflow::version!())
        .defaults([("INTERNAL_PORT", "8081"), ("INTERNAL_HOST", "127.0.0.1")])
        .run(serve)
}
