//! What the code of one test logs, measures and reports, and how it summarises its requests.
//!
//! ```
//! use dockerflow::testing::Telemetry;
//!
//! let telemetry = Telemetry::start();
//! log::warn!("sold out");
//! assert_eq!(telemetry.logged()[0].message(), "sold out");
//! ```

use std::{cell::RefCell, marker::PhantomData, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{logging, metrics, request};

mod measured;
#[cfg(test)]
mod measured_tests;

pub use self::measured::{Measured, MeasuredKind};

#[cfg(feature = "sentry-0_49")]
mod reported;

#[cfg(feature = "sentry-0_49")]
pub use self::reported::Reported;

thread_local! {
    /// The lines of this thread's test.
    static LINES: RefCell<Option<Vec<Vec<u8>>>> = const { RefCell::new(None) };
}

/// Keeps what is logged and measured on this thread, for the test that has started it; with the feature `sentry-0_49`, also the errors
/// that are reported.
///
/// Tests that run at the same time do not see each other's lines: actix-web's tests run their app on the test's own thread. What is
/// logged on other threads ([`block`](crate::block)) is not kept. While this lives, the extractors
/// [`RequestId`](crate::RequestId), [`Summary`](crate::Summary) and [`TraceContext`](crate::TraceContext) work in an app without
/// `#[service]`, too.
///
/// ```standalone_crate
/// use actix_web::{App, test, web};
/// use dockerflow::{Summary, testing::Telemetry};
///
/// async fn buy(summary: Summary) -> &'static str {
///     summary.set("items", 3);
///     log::info!(price = 17; "sold");
///     "bought"
/// }
///
/// #[dockerflow::service]
/// fn app() -> App {
///     App::new().route("/buy", web::get().to(buy))
/// }
///
/// # #[actix_web::main]
/// # async fn main() {
/// let telemetry = Telemetry::start();
/// let app = test::init_service(app()).await;
/// test::call_service(&app, test::TestRequest::get().uri("/buy").to_request()).await;
///
/// let [summary] = &telemetry.summaries()[..] else { panic!("one request") };
/// assert_eq!(summary.get("items"), Some(3));
/// assert_eq!(summary.get("code"), Some(200));
/// let logged = telemetry.logged();
/// let sold = logged.iter().find(|line| line.message() == "sold").expect("it was logged");
/// assert_eq!(sold.get("price"), Some(17));
/// assert_eq!(sold.get::<String>("rid"), summary.get("rid"));
/// # }
/// ```
#[derive(Debug)]
pub struct Telemetry {
    /// It is this thread's.
    thread: PhantomData<*const ()>,
}

impl Telemetry {
    /// Starts to keep what this thread logs, at every level, and what it measures.
    ///
    /// # Panics
    ///
    /// Panics if this thread has one already.
    #[must_use]
    pub fn start() -> Self {
        logging::start_for_tests(keep);
        let earlier = LINES.replace(Some(Vec::new()));
        assert!(
            earlier.is_none(),
            "this thread's telemetry is kept already: drop the earlier `Telemetry` first"
        );
        request::work_without_service(true);
        metrics::keep_on_this_thread(true);
        #[cfg(feature = "sentry-0_49")]
        reported::start();
        Self {
            thread: PhantomData,
        }
    }

    /// Returns every record that was logged until now, summaries included.
    #[must_use]
    pub fn logged(&self) -> Vec<Logged> {
        let lines = LINES.with_borrow(Clone::clone).unwrap_or_default();
        lines.iter().filter_map(|line| Logged::read(line)).collect()
    }

    /// Returns what was measured on this thread until now, in order: by [`Metrics`](crate::Metrics) and of each request. The gauges
    /// that were registered with [`Metrics::gauges`](crate::Metrics::gauges) are read by the call and come last.
    ///
    /// Names are without the service's prefix. Measurements of a [`Metrics`](crate::Metrics) whose
    /// sink is the app's own are not kept, nor are those of other threads, on which health checks
    /// and the work of [`block`](crate::block) run.
    ///
    /// ```standalone_crate
    /// use actix_web::{App, test, web};
    /// use dockerflow::{Metrics, metrics::cadence::prelude::*, testing::Telemetry};
    ///
    /// async fn buy(metrics: Metrics) -> &'static str {
    ///     metrics.count_with_tags("sold", 3).with_tag("kind", "book").send();
    ///     metrics.gauge_with_tags("stock", 17_u64).send();
    ///     "bought"
    /// }
    ///
    /// #[dockerflow::service]
    /// fn app() -> App {
    ///     App::new().route("/buy", web::get().to(buy))
    /// }
    ///
    /// # #[actix_web::main]
    /// # async fn main() {
    /// let telemetry = Telemetry::start();
    /// let app = test::init_service(app()).await;
    /// test::call_service(&app, test::TestRequest::get().uri("/buy").to_request()).await;
    ///
    /// assert_eq!(telemetry.counter("sold", &[("kind", "book")]), 3);
    /// assert_eq!(telemetry.gauge("stock", &[]), Some(17.0));
    /// let answered = telemetry.timer("request", &[("route", "/buy"), ("status", "2xx")]);
    /// assert_eq!(answered.len(), 1);
    /// # }
    /// ```
    #[must_use]
    pub fn measured(&self) -> Vec<Measured> {
        measured::all()
    }

    /// Returns the sum of the counter `name` with all of these tags, and possibly others. A sampled
    /// count is scaled up by its rate.
    ///
    /// ```
    /// use dockerflow::{Metrics, metrics::cadence::prelude::*, testing::Telemetry};
    ///
    /// let telemetry = Telemetry::start();
    /// let metrics = Metrics::default();
    /// metrics.count_with_tags("sold", 3).with_tag("kind", "book").send();
    /// metrics.count_with_tags("sold", 1).with_tag("kind", "map").send();
    /// assert_eq!(telemetry.counter("sold", &[("kind", "book")]), 3);
    /// assert_eq!(telemetry.counter("sold", &[]), 4);
    /// ```
    #[must_use]
    pub fn counter(&self, name: &str, tags: &[(&str, &str)]) -> i64 {
        measured::sum(&measured::of(MeasuredKind::Counter, name, tags))
    }

    /// Returns the last value of the gauge `name` with all of these tags, and possibly others.
    /// `None` if it was never set.
    ///
    /// ```
    /// use dockerflow::{Metrics, testing::Telemetry};
    ///
    /// let telemetry = Telemetry::start();
    /// Metrics::default().gauges("queue", || [("waiting", 17)]);
    /// assert_eq!(telemetry.gauge("queue.waiting", &[]), Some(17.0));
    /// ```
    #[must_use]
    pub fn gauge(&self, name: &str, tags: &[(&str, &str)]) -> Option<f64> {
        let set = measured::of(MeasuredKind::Gauge, name, tags);
        Some(set.last()?.value())
    }

    /// Returns each time of the timer `name` with all of these tags, and possibly others.
    ///
    /// ```
    /// use dockerflow::{Metrics, testing::Telemetry};
    /// # #[actix_web::main]
    /// # async fn main() {
    ///
    /// let telemetry = Telemetry::start();
    /// Metrics::default().measure("db.query", async { 17 }).await;
    /// assert_eq!(telemetry.timer("db.query", &[]).len(), 1);
    /// # }
    /// ```
    #[must_use]
    pub fn timer(&self, name: &str, tags: &[(&str, &str)]) -> Vec<Duration> {
        measured::times(&measured::of(MeasuredKind::Timer, name, tags))
    }

    /// Returns the summary of each request that has ended until now.
    #[must_use]
    pub fn summaries(&self) -> Vec<Logged> {
        let mut logged = self.logged();
        logged.retain(|record| record.target() == "request.summary");
        logged
    }

    /// Returns every error and message that was reported to Sentry on this thread until now. They
    /// are sent nowhere. The feature `sentry-0_49`.
    ///
    /// It returns none if the program has bound a client of its own to the main hub.
    ///
    /// ```
    /// # #[cfg(feature = "sentry-0_49")] {
    /// use dockerflow::testing::Telemetry;
    ///
    /// let telemetry = Telemetry::start();
    /// // … code that should recover by itself …
    /// assert!(telemetry.reported().is_empty());
    /// # }
    /// ```
    #[must_use]
    #[cfg(feature = "sentry-0_49")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sentry-0_49")))]
    pub fn reported(&self) -> Vec<Reported> {
        reported::until_now()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        LINES.set(None);
        #[cfg(feature = "sentry-0_49")]
        reported::end();
        request::work_without_service(false);
        metrics::keep_on_this_thread(false);
    }
}

/// Keeps a line of a thread that has a test. Returns whether it has.
fn keep(line: &[u8]) -> bool {
    let kept = LINES.try_with(|lines| {
        let mut lines = lines.try_borrow_mut().ok()?;
        lines.as_mut().map(|lines| lines.push(line.to_vec()))
    });
    kept.ok().flatten().is_some()
}

/// A record that was logged.
///
/// ```
/// use dockerflow::testing::Telemetry;
///
/// let telemetry = Telemetry::start();
/// log::warn!(target: "shop::stock", book = 4711; "sold out");
///
/// let [line] = &telemetry.logged()[..] else { panic!("one line") };
/// assert_eq!(line.target(), "shop.stock");
/// assert_eq!(line.severity(), 4);
/// assert_eq!(line.message(), "sold out");
/// assert_eq!(line.get("book"), Some(4711));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    target: String,
    severity: u8,
    fields: Map<String, Value>,
}

impl Logged {
    fn read(line: &[u8]) -> Option<Self> {
        let mut line: Map<String, Value> = serde_json::from_slice(line).ok()?;
        let Some(Value::Object(fields)) = line.remove("Fields") else {
            return None;
        };
        Some(Self {
            target: line.get("Type")?.as_str()?.to_owned(),
            severity: line.get("Severity")?.as_u64()?.try_into().ok()?,
            fields,
        })
    }

    /// Returns the target, as the log prints it: modules with dots.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the severity as a number of syslog: 2 critical, 3 error, 4 warning, 6 info, 7 debug
    /// and trace.
    #[must_use]
    pub fn severity(&self) -> u8 {
        self.severity
    }

    /// Returns the message; an empty text if the record has none.
    #[must_use]
    pub fn message(&self) -> &str {
        let message = self.fields.get("msg").and_then(Value::as_str);
        message.unwrap_or_default()
    }

    /// Returns a field. `None` if the record does not have it, or if it is not a `T`.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_value(self.fields.get(name)?.clone()).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use actix_web::{App, FromRequest as _, HttpRequest, test, web};

    use super::*;
    use crate::request::{RequestId, Summary};

    #[std::prelude::v1::test]
    fn tests_that_run_at_once_have_their_own_lines_from_every_api() {
        let together = Barrier::new(4);
        thread::scope(|scope| {
            for number in 0..4_u64 {
                let together = &together;
                scope.spawn(move || {
                    let telemetry = Telemetry::start();
                    together.wait();
                    log::info!(number = number; "by log");
                    tracing::debug!(number, "by tracing");
                    slog::warn!(logging::logger(), "by slog"; "number" => number);
                    together.wait();
                    let logged = telemetry.logged();
                    let messages: Vec<_> = logged.iter().map(Logged::message).collect();
                    assert_eq!(messages, ["by log", "by tracing", "by slog"]);
                    assert!(logged.iter().all(|line| line.get("number") == Some(number)));
                    let severities: Vec<_> = logged.iter().map(Logged::severity).collect();
                    assert_eq!(severities, [6, 7, 4]);
                });
            }
        });
    }

    #[actix_web::test]
    async fn the_extractors_work_without_a_service() {
        async fn handler(request: HttpRequest, id: RequestId, summary: Summary) -> String {
            summary.set("items", 3);
            let same = Summary::extract(&request).await.expect("it is there");
            assert_eq!(same.get("items"), Some(3));
            id.to_string()
        }
        let call = async || {
            let app = App::new().route("/", web::get().to(handler));
            let app = test::init_service(app).await;
            let request = test::TestRequest::get().insert_header(("x-request-id", "abc"));
            test::call_service(&app, request.to_request()).await
        };
        {
            let _telemetry = Telemetry::start();
            assert_eq!(test::read_body(call().await).await, "abc");
        }
        assert_eq!(call().await.status(), 500);
    }

    #[cfg(feature = "sentry-0_49")]
    async fn reported(telemetry: &Telemetry, ids: [u64; 2]) -> Vec<String> {
        use crate::service::{Embedded, ServiceDefinition, service};
        async fn fails(id: web::Path<u64>) -> actix_web::Result<String> {
            Err(actix_web::error::ErrorInternalServerError(format!(
                "it fails with {id}"
            )))
        }
        let definition = ServiceDefinition {
            version: Embedded::PROGRAM,
            checks: Some(&[]),
        };
        let app = App::new().route("/fails/{id}", web::get().to(fails));
        let app = test::init_service(service(&definition, app)).await;
        for id in ids {
            let request = test::TestRequest::get().uri(&format!("/fails/{id}"));
            let response = test::call_service(&app, request.to_request()).await;
            assert_eq!(response.status(), 500);
        }
        let reported = telemetry.reported();
        for one in &reported {
            assert_eq!(one.tag("route"), Some("/fails/{id}"));
            assert!(one.tag("rid").is_some());
        }
        reported.iter().map(|one| one.message().into()).collect()
    }

    #[cfg(feature = "sentry-0_49")]
    #[std::prelude::v1::test]
    fn tests_that_run_at_once_have_their_own_reports() {
        let together = Barrier::new(3);
        thread::scope(|scope| {
            for number in 1..=3 {
                let together = &together;
                scope.spawn(move || {
                    let telemetry = Telemetry::start();
                    together.wait();
                    let system = actix_web::rt::System::new();
                    let seen = system.block_on(reported(&telemetry, [number, number + 10]));
                    let expected = [number, number + 10].map(|id| format!("it fails with {id}"));
                    assert_eq!(seen, expected);
                });
            }
        });
    }
}
