//! A thousand checks, and a check with ten thousand messages.

use std::time::Duration;

use actix_web::App;
use dockerflow::{__private::Definition, Message, health_check};
use tokio::join;

use super::{
    IN_TIME, balanced,
    by_hand::{hand_made, many, numbered},
    on_a_thread,
};
use crate::heartbeat::{counted::counts, served::Served};

hand_made!(
    with_thousand,
    many(1000, || {
        Definition::asynchronous(numbered("\"quoted\"\n\tand\u{1}more"), (), async || ())
    })
);

pub(super) fn thousand() -> String {
    on_a_thread(async {
        let server = Served::start("thousand", &[]);
        let (probe, slowest) = join!(server.heartbeat(), balanced(&server));
        let json = probe.json();
        let checks = json["checks"].as_object().expect("an object");
        assert_eq!((probe.status, checks.len()), (200, 1000));
        assert!(
            checks
                .keys()
                .all(|name| name.starts_with("\"quoted\"\n\tand\u{1}more "))
        );
        assert!(probe.took < IN_TIME, "{:?}", probe.took);
        assert!(slowest < Duration::from_millis(250), "{slowest:?}");
        format!(
            "200 in {:.0?}, valid JSON of {} bytes",
            probe.took,
            probe.body.len()
        )
    })
}

#[health_check]
async fn floods() -> Vec<Message> {
    let text = "\"\n\u{1}".repeat(1000);
    let messages = (0..10_000).map(|number| Message::error(format!("flood.{number}"), &text));
    messages.collect()
}

#[dockerflow::service(checks(floods))]
pub(super) fn with_flooding() -> App {
    App::new().service(counts)
}

pub(super) fn flooding() -> String {
    on_a_thread(async {
        let server = Served::start("flooding", &[("DOCKERFLOW_HEARTBEAT_DETAILS", "1")]);
        let (probe, slowest) = join!(server.heartbeat(), balanced(&server));
        let messages = probe.json()["details"]["floods"]["messages"].clone();
        let kept = messages.as_object().expect("an object").len() - 1;
        let more = format!("{} more in the log", 10_000 - kept);
        assert_eq!(
            (probe.status, &messages["floods.more"]),
            (503, &more.into())
        );
        assert!(probe.body.len() < 512 * 1024, "{} bytes", probe.body.len());
        assert!(probe.took < IN_TIME, "{:?}", probe.took);
        assert!(slowest < Duration::from_millis(250), "{slowest:?}");
        let log = server.log_with("reported 9900 more messages").await;
        assert_eq!(
            log.matches("ERROR dockerflow.heartbeat flood.").count(),
            100
        );
        format!(
            "503 in {:.0?}, valid JSON of {} bytes, {kept} messages and how many more",
            probe.took,
            probe.body.len()
        )
    })
}
