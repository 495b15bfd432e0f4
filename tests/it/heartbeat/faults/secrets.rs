//! A password in an error and in a panic.

use std::io;

use actix_web::App;
use dockerflow::health_check;

use super::{DSN, on_a_thread};
use crate::heartbeat::{counted::counts, served::Served};

#[health_check]
async fn tells_in_an_error() -> Result<(), io::Error> {
    Err(io::Error::other(format!("cannot connect to {DSN}")))
}

#[health_check]
async fn tells_in_a_panic() {
    panic!("cannot connect to {DSN}");
}

#[dockerflow::service(checks(tells_in_an_error, tells_in_a_panic))]
pub(super) fn with_secret() -> App {
    App::new().service(counts)
}

pub(super) fn secret() -> String {
    on_a_thread(async {
        let server = Served::start("secret", &[]);
        let fresh = [server.heartbeat().await, server.heartbeat().await];
        for probe in &fresh {
            assert_eq!(
                (probe.status, probe.body.contains("tiger")),
                (503, false),
                "{probe:?}"
            );
            assert_eq!(probe.json()["details"], serde_json::json!({}));
        }
        server
            .log_with(&format!(
                "tells_in_an_error.failed: cannot connect to {DSN}"
            ))
            .await;
        let log = server.log_with("tells_in_a_panic.panicked: ").await;
        let line = log
            .lines()
            .find(|line| line.contains("tells_in_a_panic.panicked: "));
        assert!(line.expect("it is there").contains(DSN), "{line:?}");
        let detailed = Served::start("secret", &[("DOCKERFLOW_HEARTBEAT_DETAILS", "true")]);
        let body = detailed.heartbeat().await.body;
        assert_eq!(
            body.matches(DSN).count(),
            2,
            "who asks for details has them: {body}"
        );
        "in no body, in the log; under …_DETAILS in both".to_owned()
    })
}
