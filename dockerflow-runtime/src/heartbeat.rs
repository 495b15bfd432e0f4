//! Runs the checks: all at once, each with its deadline, a panic contained.

use std::{any::Any, collections::BTreeMap, panic::AssertUnwindSafe, time::Duration};

use actix_web::web::Bytes;
use futures_util::{FutureExt as _, future::join_all};

use crate::{
    check::{Check, Job, Level, Message, Run},
    settings::Settings,
};

/// The checks of a service and how they are run.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    settings: Settings,
}

/// What a run of all checks found.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// The worst of all checks.
    pub(crate) level: Level,
    /// The body of the response.
    pub(crate) body: Bytes,
}

impl Heartbeat {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Runs every check, and says what they found.
    pub(crate) async fn report(&self, jobs: Vec<(Check, Result<Job, Message>)>) -> Report {
        let found = join_all(jobs.into_iter().map(|(check, job)| self.run(check, job))).await;
        let level = found
            .iter()
            .map(|(_, level)| *level)
            .max()
            .unwrap_or(Level::Ok);
        let checks: BTreeMap<_, _> = found
            .iter()
            .map(|(check, level)| (check.name, level.as_str()))
            .collect();
        let body = serde_json::json!({"status": level.as_str(), "checks": checks, "details": {}});
        Report {
            level,
            body: body.to_string().into(),
        }
    }

    async fn run(&self, check: Check, job: Result<Job, Message>) -> (Check, Level) {
        let messages = match job {
            Ok(job) => {
                let limit = check.timeout.unwrap_or(self.settings.timeout);
                match actix_web::rt::time::timeout(limit, start(check.name, job)).await {
                    Ok(messages) => messages,
                    Err(_) => vec![timed_out(check.name, limit)],
                }
            }
            Err(unavailable) => vec![unavailable],
        };
        let level = messages
            .iter()
            .map(|message| message.level.min(check.worst))
            .max()
            .unwrap_or(Level::Ok);
        for message in &messages {
            log::error!("{}: {}", message.id, message.text);
        }
        (check, level)
    }
}

async fn start(name: &'static str, job: Job) -> Vec<Message> {
    let run =
        async move {
            match job() {
                Run::Async(future) => Ok(future.await),
                Run::Blocking(function) => actix_web::rt::task::spawn_blocking(function)
                    .await
                    .map_err(|error| match error.try_into_panic() {
                        Ok(payload) => payload,
                        Err(error) => Box::new(error.to_string()) as Box<dyn Any + Send>,
                    }),
            }
        };
    match AssertUnwindSafe(run).catch_unwind().await {
        Ok(Ok(messages)) => messages,
        Ok(Err(payload)) | Err(payload) => vec![Message::critical(
            format!("{name}.panicked"),
            payload_text(&*payload),
        )],
    }
}

fn timed_out(name: &str, limit: Duration) -> Message {
    Message::error(
        format!("{name}.timeout"),
        format!("no answer within {limit:?}"),
    )
}

fn payload_text(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a payload that is no text".to_owned())
}
