//! A program that is at odds with its server, in the way that `CASE` names: what the tests of such programs start.

use std::{env, panic, process::ExitCode, sync::Arc, time::Duration};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, get, post,
    rt::{self, time::sleep},
    web::{self, Data},
};
use dockerflow::{Drain, Error, Program, Server, health_check, metrics::cadence::prelude::*};

/// State that is made once, in `main`.
struct Shared {
    id: u32,
}

#[health_check]
async fn shared_state(shared: Data<Shared>) -> Result<(), String> {
    if shared.id == 7 {
        Ok(())
    } else {
        Err(format!("another state: {}", shared.id))
    }
}

#[get("/")]
async fn index() -> &'static str {
    "the app"
}

#[get("/upstream")]
async fn upstream() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("x-request-id", "the-id-of-an-upstream"))
        .finish()
}

#[get("/slow")]
async fn slow() -> &'static str {
    sleep(Duration::from_secs(60)).await;
    "late"
}

/// A handshake as actix-ws answers it.
#[get("/ws")]
async fn socket(request: HttpRequest, body: web::Payload) -> actix_web::Result<HttpResponse> {
    let (response, session, _messages) = actix_ws::handle(&request, body)?;
    rt::spawn(async move {
        sleep(Duration::from_millis(100)).await;
        session.close(None).await
    });
    Ok(response)
}

#[post("/stop")]
async fn stop(drain: Drain) -> &'static str {
    drain.start();
    "stopping"
}

#[dockerflow::service]
fn app(shared: Data<Shared>) -> App {
    App::new()
        .app_data(shared)
        .service(index)
        .service(upstream)
        .service(slow)
        .service(socket)
        .service(stop)
}

/// A hook without state, as most are.
fn hook(info: &panic::PanicHookInfo<'_>) {
    eprintln!("the program's hook: {info}");
}

fn main() -> ExitCode {
    let case = env::var("CASE").unwrap_or_default();
    match case.as_str() {
        "hook" => panic::set_hook(Box::new(hook)),
        "hook with state" => {
            let prefix = String::from("the program's hook");
            panic::set_hook(Box::new(move |info| eprintln!("{prefix}: {info}")));
        }
        "own HttpServer" => return own_server(),
        _ => {}
    }
    Program::new(dockerflow::version!())
        .name("edges")
        .defaults([("DOCKERFLOW_DRAIN_DELAY", "0s")])
        .command("migrate", "Migrate, with a pause", migrate)
        .command("explode", "Panic", async |_| -> Result<(), Error> {
            panic!("the command panics")
        })
        .run(async move |server| serve(server, &case).await)
}

async fn migrate(server: Server) -> Result<(), Error> {
    println!("migrating {}", server.address());
    sleep(Duration::from_secs(60)).await;
    Ok(())
}

async fn serve(server: Server, case: &str) -> Result<(), Error> {
    let shared = Data::from(Arc::new(Shared { id: 7 }));
    let app = move || app(shared.clone());
    match case {
        "panic" | "hook" | "hook with state" => panic!("the program panics at start"),
        // As env_logger::init and tracing_subscriber::fmt::init do.
        "logger" => log::set_boxed_logger(Box::new(Logger)).expect("a logger was already set"),
        "panic in the factory" => {
            return server
                .run(move || -> App<_> {
                    if env::var_os("CASE").is_some() {
                        panic!("the factory panics")
                    } else {
                        app()
                    }
                })
                .await;
        }
        "panic beside" => {
            let server = server.also("INTERNAL", || -> App<_> {
                if env::var_os("CASE").is_some() {
                    panic!("the factory beside panics")
                } else {
                    internal()
                }
            });
            return server.run(app).await;
        }
        "slow start" => {
            eprintln!("slow");
            sleep(Duration::from_secs(60)).await;
        }
        "no service" => return server.run(|| App::new().service(index)).await,
        "no service beside" => {
            let server = server.also("INTERNAL", || App::new().service(index));
            return server.run(app).await;
        }
        "long time-out" => {
            let http = server.http(app)?.shutdown_timeout(60);
            return server.serve(http).await;
        }
        "busy start" => {
            // Something else keeps the thread, and what this waits for is over at the same time as a signal arrives.
            rt::spawn(async {
                eprintln!("busy");
                std::thread::sleep(Duration::from_secs(1));
            });
            sleep(Duration::from_millis(500)).await;
        }
        "listenfd" => {
            let http = server.http(app)?;
            let http = match listenfd::ListenFd::from_env().take_tcp_listener(0)? {
                Some(listener) => http.listen(listener)?,
                None => http,
            };
            return server.serve(http).await;
        }
        "own workers" => {
            let http = server.http(app)?.workers(3);
            return server.serve(http).await;
        }
        "own socket" => {
            let http = server.http(app)?.bind_uds(env::var("SOCKET")?)?;
            return server.serve(http).await;
        }
        "own address" => {
            let http = server.http(app)?.bind(("127.0.0.1", 0))?;
            return server.serve(http).await;
        }
        "hold" => {
            let drain = server.drain();
            rt::spawn(async move {
                let hold = drain.hold();
                drain.closed().await;
                sleep(Duration::from_millis(500)).await;
                log::info!("the task has finished");
                drop(hold);
            });
        }
        "also" => {
            let name = env::var("ALSO").unwrap_or("INTERNAL".into());
            return server.also(name, internal).run(app).await;
        }
        _ => {}
    }
    server.run(app).await
}

#[get("/")]
async fn inside() -> &'static str {
    "the internal app"
}

#[dockerflow::service(checks())]
fn internal() -> App {
    App::new().service(inside).service(slow)
}

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        false
    }

    fn log(&self, _: &log::Record<'_>) {}

    fn flush(&self) {}
}

/// Runs a program without a `Server`.
fn own_server() -> ExitCode {
    let serve = async {
        dockerflow::logging::init_logging("edges")?;
        let shared = Data::new(Shared { id: 7 });
        let factory = dockerflow::share_engine(move || app(shared.clone()));
        let http = HttpServer::new(factory).workers(2).bind(("127.0.0.1", 0))?;
        eprintln!("listening on http://{}", http.addrs()[0]);
        http.run().await?;
        let metrics = dockerflow::shared_metrics()?;
        metrics.incr_with_tags("stopped").send();
        log::info!("the last line");
        Ok::<_, Error>(())
    };
    match rt::System::new().block_on(serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.exit_code(),
    }
}
