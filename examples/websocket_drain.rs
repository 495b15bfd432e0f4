//! Websockets that are closed in an orderly way when the service ends: after the listener, and not all at once.
//!
//! ```console
//! $ cargo run --example websocket_drain &
//! $ websocat ws://localhost:8000/echo &
//! $ kill -TERM %1
//! ```

use std::time::Duration;

use actix_web::{App, HttpRequest, HttpResponse, get, rt, web::Payload};
use actix_ws::{CloseCode, CloseReason, Message, MessageStream, Session};
use dockerflow::{Drain, Error, Server};
use futures_util::StreamExt as _;

/// Clients connect again over this time. With 10,000 of them it would be seconds.
const SPREAD: Duration = Duration::from_millis(200);

#[get("/echo")]
async fn echo(
    request: HttpRequest,
    body: Payload,
    drain: Drain,
) -> actix_web::Result<HttpResponse> {
    let (response, session, messages) = actix_ws::handle(&request, body)?;
    rt::spawn(converse(session, messages, drain));
    Ok(response)
}

async fn converse(mut session: Session, mut messages: MessageStream, drain: Drain) {
    let reason = loop {
        let message = tokio::select! {
            () = drain.closed_within(SPREAD) => {
                break Some(CloseReason { code: CloseCode::Restart, description: None });
            }
            message = messages.next() => message,
        };
        let sent = match message {
            Some(Ok(Message::Text(text))) => session.text(text).await,
            Some(Ok(Message::Ping(bytes))) => session.pong(&bytes).await,
            Some(Ok(Message::Close(reason))) => break reason,
            Some(Ok(_)) => Ok(()),
            Some(Err(_)) | None => return,
        };
        if sent.is_err() {
            return;
        }
    };
    let _ = session.close(reason).await; // the client may be gone
}

#[dockerflow::service]
fn app() -> App {
    App::new().service(echo)
}

#[dockerflow::main]
async fn main(server: Server) -> Result<(), Error> {
    server.run(app).await
}
