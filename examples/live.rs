//! A push service, as autoconnect is one: clients hold websockets and event streams on one port, and another app of the same
//! process publishes to them on a second port. A deploy closes all of them in order.
//!
//! `cargo run --example live` serves; `cargo run --example live -- migrate` prepares its file of messages, and
//! `cargo run --example live -- --config live.toml` reads its settings from a file.

use std::{fs, io, path::PathBuf, pin::pin, process::ExitCode, time::Duration};

use actix_web::{
    App, HttpRequest, HttpResponse, get, post, rt,
    web::{self, Bytes, Data},
};
use actix_ws::{CloseCode, CloseReason, Message, MessageStream, Session};
use dockerflow::{Drain, Error, Program, Server, health_check};
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use tokio::sync::broadcast;

#[derive(Deserialize)]
#[serde(default)]
struct Settings {
    /// Where the number of messages is kept: `LIVE_MESSAGES`.
    messages: PathBuf,
    /// Over how many milliseconds clients are sent away in a deploy, so that not all of them come back at once:
    /// `LIVE_SPREAD_MS`. With ten thousand it should be seconds.
    spread_ms: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            messages: "messages.txt".into(),
            spread_ms: 500,
        }
    }
}

impl Settings {
    fn spread(&self) -> Duration {
        Duration::from_millis(self.spread_ms)
    }
}

/// What all clients receive.
type Hub = broadcast::Sender<String>;

#[health_check]
fn messages(settings: Data<Settings>) -> io::Result<()> {
    fs::metadata(&settings.messages).map(drop)
}

#[get("/ws")]
async fn websocket(
    request: HttpRequest,
    body: web::Payload,
    hub: Data<Hub>,
    settings: Data<Settings>,
    drain: Drain,
) -> actix_web::Result<HttpResponse> {
    let (response, session, messages) = actix_ws::handle(&request, body)?;
    let received = hub.subscribe();
    let ended = async move { drain.closed_within(settings.spread()).await };
    rt::spawn(async move {
        if let Some((session, reason)) = converse(session, messages, received, ended).await {
            let _ = session.close(reason).await; // the client may be gone
        }
    });
    Ok(response)
}

/// Talks to a client until it goes, or the server does. Returns how to say goodbye, if the client is there to hear it.
async fn converse(
    mut session: Session,
    mut messages: MessageStream,
    mut received: broadcast::Receiver<String>,
    ended: impl Future<Output = ()>,
) -> Option<(Session, Option<CloseReason>)> {
    let mut ended = pin!(ended);
    loop {
        let sent = tokio::select! {
            () = &mut ended => {
                let restart = CloseReason {
                    code: CloseCode::Restart,
                    description: Some("the service restarts: connect again".into()),
                };
                return Some((session, Some(restart)));
            }
            Ok(text) = received.recv() => session.text(text).await,
            message = messages.next() => match message?.ok()? {
                Message::Ping(bytes) => session.pong(&bytes).await,
                Message::Close(reason) => return Some((session, reason)),
                _ => Ok(()),
            },
        };
        sent.ok()?;
    }
}

#[get("/events")]
async fn events(hub: Data<Hub>, settings: Data<Settings>, drain: Drain) -> HttpResponse {
    let greeting = stream::once(async { Bytes::from_static(b": welcome\n\n") });
    let texts = stream::unfold(hub.subscribe(), |mut received| async {
        let text = received.recv().await.ok()?;
        Some((Bytes::from(format!("data: {text}\n\n")), received))
    });
    let end = Box::pin(async move { drain.closed_within(settings.spread()).await });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .streaming(Box::pin(
            greeting
                .chain(texts)
                .take_until(end)
                .map(Ok::<_, io::Error>),
        ))
}

#[dockerflow::service]
fn public(hub: Data<Hub>, settings: Data<Settings>) -> App {
    App::new()
        .app_data(hub)
        .app_data(settings)
        .service(websocket)
        .service(events)
}

#[post("/publish")]
async fn publish(text: String, hub: Data<Hub>) -> String {
    let clients = hub.send(text).unwrap_or(0);
    format!("{clients} clients\n")
}

/// It has no check of its own: the port for clients has them.
#[dockerflow::service(checks())]
fn internal(hub: Data<Hub>) -> App {
    App::new().app_data(hub).service(publish)
}

/// Counts what is published, and writes the number before the process ends.
async fn count(mut received: broadcast::Receiver<String>, file: PathBuf, drain: Drain) {
    let _hold = drain.hold();
    let mut published = 0;
    loop {
        tokio::select! {
            Ok(_) = received.recv() => published += 1,
            () = drain.closed() => break,
        }
    }
    match fs::write(&file, format!("{published} messages\n")) {
        Ok(()) => log::info!("{published} messages were published"),
        Err(error) => log::error!("{} cannot be written: {error}", file.display()),
    }
}

async fn serve(server: Server) -> Result<(), Error> {
    let settings = Data::new(server.settings::<Settings>()?);
    let hub = Data::new(Hub::new(64));
    rt::spawn(count(
        hub.subscribe(),
        settings.messages.clone(),
        server.drain(),
    ));
    let inside = hub.clone();
    server
        .also("INTERNAL", move || internal(inside.clone()))
        .run(move || public(hub.clone(), settings.clone()))
        .await
}

async fn migrate(server: Server) -> Result<(), Error> {
    let settings: Settings = server.settings()?;
    fs::write(&settings.messages, "0 messages\n")?;
    println!("{} is ready", settings.messages.display());
    Ok(())
}

fn main() -> ExitCode {
    Program::new(dockerflow::version!())
        .name("live")
        .settings_prefix("LIVE")
        .defaults([("PORT", "8080"), ("INTERNAL_PORT", "8081")])
        .command("migrate", "Prepare the file of messages", migrate)
        .run(serve)
}
