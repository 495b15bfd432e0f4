//! A service that logs in every way there is. The tests in `tests/it/logs/` run it and read its stdout.

use std::{future::Future, io, thread, time::Duration};

use actix_web::{App, HttpResponse, error, get, web};
use dockerflow::{Error, RequestId, Server, Summary};
use slog::o;

#[get("/")]
async fn index() -> &'static str {
    "hello"
}

/// Logs the number through each API, before and after it waits, and on other threads and tasks.
#[get("/chatter/{number}")]
async fn chatter(number: web::Path<u64>, id: RequestId) -> String {
    let number = number.into_inner();
    let logger = dockerflow::logging::logger().new(o!("number" => number));
    for round in 0..3_u64 {
        slog::info!(logger, "slog");
        log::info!(number = number; "log");
        tracing::info!(number, "tracing");
        actix_web::rt::time::sleep(Duration::from_millis((number * 7 + round * 13) % 40)).await;
    }
    let blocked = dockerflow::block(move || log::info!(number = number; "block")).await;
    let task = actix_web::rt::spawn(id.carry(async move {
        actix_web::rt::time::sleep(Duration::from_millis(number % 10)).await;
        log::info!(number = number; "task");
    }));
    let ended = task.await;
    assert!(blocked.is_ok() && ended.is_ok(), "neither panics");
    id.to_string()
}

/// More lines than a stopped stdout can hold.
#[get("/flood")]
async fn flood() -> &'static str {
    let text = "x".repeat(1000);
    for _ in 0..50 {
        log::info!("{text}");
    }
    "flooded"
}

#[get("/fields")]
async fn fields(summary: Summary) -> &'static str {
    summary.uid(4711);
    summary.set("items", 3);
    summary.set("items", 4);
    summary.set("nothing", None::<u8>);
    summary.set("nested", serde_json::json!({"a": [1, null]}));
    summary.set("errno", 17);
    "fields"
}

#[get("/panic")]
async fn panics() -> HttpResponse {
    actix_web::rt::task::yield_now().await;
    panic!("out of \"{}\"\nand more", "luck");
}

#[get("/fails")]
async fn fails() -> Result<HttpResponse, actix_web::Error> {
    Err(error::ErrorBadGateway("the upstream\nis \"gone\""))
}

#[get("/slow")]
async fn slow() -> &'static str {
    struct Given;
    impl Drop for Given {
        fn drop(&mut self) {
            log::info!("given up");
        }
    }
    let _given = Given;
    log::info!("slow begins");
    actix_web::rt::time::sleep(Duration::from_secs(60)).await;
    "slow"
}

/// A body whose parts are made, and logged, one by one.
#[get("/stream")]
async fn stream() -> HttpResponse {
    let parts = futures_util::stream::unfold(0_u64, |part| async move {
        actix_web::rt::time::sleep(Duration::from_millis(5)).await;
        log::info!(part = part; "part");
        (part < 3).then(|| {
            (
                Ok::<_, io::Error>(web::Bytes::from_static(b"part ")),
                part + 1,
            )
        })
    });
    HttpResponse::Ok().streaming(parts)
}

/// A middleware that fails, after the handler has logged.
#[get("/refused")]
async fn refused() -> &'static str {
    "never seen"
}

#[dockerflow::service]
fn app() -> App {
    let app = App::new()
        .service(index)
        .service(chatter)
        .service(flood)
        .service(fields);
    let app = app
        .service(panics)
        .service(fails)
        .service(slow)
        .service(stream);
    app.service(
        web::scope("/inner")
            .service(refused)
            .wrap_fn(|_, _| refusal()),
    )
}

fn refusal() -> impl Future<Output = Result<actix_web::dev::ServiceResponse, actix_web::Error>> {
    log::info!("refusing");
    async { Err(error::ErrorForbidden("not here")) }
}

/// Logs and prints, in turn, lines that a pipe takes whole. `println!` writes lines over 1,024 bytes in parts.
fn log_and_print(name: &str, times: usize) {
    for number in 0..times {
        let text = "x".repeat(number * 37 % 3_500);
        log::info!("{text}");
        let text = "x".repeat(number * 37 % 950);
        println!("printed by {name} {} {text}", text.len());
    }
}

#[actix_web::main]
async fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, name, times] = &arguments[..]
        && mode == "beside"
    {
        dockerflow::logging::init_logging("logs")?;
        log_and_print(name, times.parse().unwrap_or(0));
        return Ok(());
    }
    if std::env::args().nth(1).as_deref() == Some("exit") {
        dockerflow::logging::init_logging("logs")?;
        for number in 0..1000_u64 {
            log::info!(number = number; "last words");
        }
        let ended = thread::Builder::new()
            .name("doomed".into())
            .spawn(|| panic!("in a thread"));
        let ended = ended?.join();
        assert!(ended.is_ok(), "and now the main thread");
        return Ok(());
    }
    Server::from_env()?.run(app).await
}
