//! Reports to Sentry: of a request that fails with 500 or above, of a panic, and of a check that begins to fail.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    fmt,
    panic::PanicHookInfo,
    rc::Rc,
    sync::{Arc, Mutex, Once, mpsc},
    thread,
    time::{Duration, Instant},
};

use actix_web::{
    Error,
    dev::ServiceRequest,
    http::{Method, header, uri::PathAndQuery},
};
use backtrace::Backtrace;
use sentry::{
    Client, ClientOptions, Envelope, Hub, HubSwitchGuard, Integration, Level, Transport,
    integrations::{
        backtrace::{
            AttachStacktraceIntegration, ProcessStacktraceIntegration, backtrace_to_stacktrace,
        },
        contexts::ContextIntegration,
    },
    protocol::{Event, Exception, Mechanism, Request},
    types::Dsn,
};

use crate::{
    environment::Environment,
    health::{self, HeartbeatObserver, Report},
    lock::lock,
    logging::{self, Rest, payload_text},
    metrics::Routes,
    request::RequestId,
};

/// How long the last panic of a process waits for its report to be sent, at most.
const LAST: Duration = Duration::from_secs(2);

/// The variables of Sentry.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReportOptions {
    /// `SENTRY_DSN`.
    dsn: Option<Dsn>,
    /// `SENTRY_ENVIRONMENT`.
    environment: Option<String>,
    /// `SENTRY_RELEASE`.
    release: Option<String>,
}

impl ReportOptions {
    pub(crate) fn read(environment: &mut Environment<'_>) -> Self {
        Self {
            dsn: environment.get(
                "SENTRY_DSN",
                None,
                "a DSN as https://PUBLIC_KEY@HOST/PROJECT",
                |text| text.parse().ok().map(Some),
            ),
            environment: environment.get(
                "SENTRY_ENVIRONMENT",
                None,
                "the name of an environment such as production",
                |text| Some(Some(text.to_owned())),
            ),
            release: environment.get(
                "SENTRY_RELEASE",
                None,
                "the name of a release such as shop@1.2.3",
                |text| Some(Some(text.to_owned())),
            ),
        }
    }
}

/// Whether and how a server's errors are reported.
#[derive(Clone, Debug)]
pub(crate) struct Reports {
    /// Whether there is a client, ours or the application's.
    on: bool,
}

impl Reports {
    /// Starts the reports of a server whose version object is `version`: with the client that the application has bound to the main
    /// hub, else with one of our own, if `SENTRY_DSN` is set.
    ///
    /// Everything is done to the main hub: sentry-actix makes the hub of each request from that one, so that the settings of
    /// another would be lost.
    pub(crate) fn start(options: &ReportOptions, version: &[u8], program: &str) -> Self {
        let main = Hub::main();
        let is_bound = main.client().is_some_and(|client| client.is_enabled());
        if !is_bound && let Some(dsn) = &options.dsn {
            let release = options.release.clone();
            let mut settings = ClientOptions::new()
                .before_send(|event| Some(without_secrets(event)))
                .maybe_release(release.or_else(|| release_of(version, program)));
            settings.dsn = Some(dsn.clone());
            // Without Sentry's for panics: on the worker, it resolves the stack and waits up to 2 s for the event to be sent.
            settings.default_integrations = false;
            settings.integrations = integrations();
            settings.environment = options.environment.clone().map(Into::into);
            let client = Arc::new(Client::from(sentry::apply_defaults(settings)));
            main.bind_client(Some(client.clone()));
            // This thread has another hub than the main one if its hub was made earlier.
            Hub::current().bind_client(Some(client));
            logging::observe(panicked);
        }
        let on = main.client().is_some_and(|client| client.is_enabled());
        if on {
            static ONCE: Once = Once::new();
            ONCE.call_once(|| {
                for hub in [main, Hub::current()] {
                    hub.configure_scope(|scope| {
                        scope.add_event_processor(process);
                    });
                }
            });
        }
        Self { on }
    }

    /// Begins what may become the report of a request, with a hub of its own. Returns `None` if nothing is reported.
    #[inline]
    pub(crate) fn request(
        &self,
        request: &ServiceRequest,
        routes: &Routes,
    ) -> Option<RequestReport> {
        self.on.then(|| RequestReport::new(request, routes))
    }

    /// Returns an observer that reports each check that begins to fail. That it has recovered is not reported.
    pub(crate) fn heartbeat_observer(&self) -> Option<HeartbeatObserver> {
        let failing = Mutex::default();
        self.on
            .then(|| HeartbeatObserver::new(move |report| report_checks(report, &failing)))
    }
}

/// Gives each event to `keep` and sends it nowhere, from now on, unless the program has a client already.
pub(crate) fn start_for_tests(keep: fn(Event<'static>)) {
    struct Nowhere;
    impl Transport for Nowhere {
        fn send_envelope(&self, _envelope: Envelope) {}
    }
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let main = Hub::main();
        if main.client().is_some_and(|client| client.is_enabled()) {
            return;
        }
        let mut settings = ClientOptions::new().before_send(move |event| {
            keep(without_secrets(event));
            None
        });
        settings.dsn = "https://key@localhost/1".parse().ok();
        settings.default_integrations = false;
        settings.transport = Some(Arc::new(|_: &ClientOptions| {
            Arc::new(Nowhere) as Arc<dyn Transport>
        }));
        main.bind_client(Some(Arc::new(Client::from(settings))));
        logging::observe(panicked);
    });
}

/// Waits, for at most `limit`, until every report so far is sent.
pub(crate) fn flush(limit: Duration) {
    if let Some(client) = Hub::main().client() {
        flush_client(client, limit);
    }
}

/// Waits, for at most `limit`, until `client` has sent every report so far.
fn flush_client(client: Arc<Client>, limit: Duration) {
    if limit.is_zero() {
        return;
    }
    let deadline = Instant::now() + limit;
    // While Sentry does not answer and its queue is full, `Client::flush` waits for a place in it, however short the limit.
    let (done, wait) = mpsc::channel();
    let flush = move || {
        logging::wait_for_panics(deadline);
        client.flush(Some(deadline.saturating_duration_since(Instant::now())));
        let _ = done.send(()); // nobody waits any more
    };
    if thread::Builder::new().spawn(flush).is_ok() {
        let _ = wait.recv_timeout(limit);
    }
}

/// What adds to the events of our client.
fn integrations() -> Vec<Arc<dyn Integration>> {
    vec![
        Arc::new(AttachStacktraceIntegration),
        Arc::new(ContextIntegration::default()),
        Arc::new(ProcessStacktraceIntegration),
    ]
}

/// Begins the report of a panic on the thread where it is, and returns the rest of it.
fn panicked(info: &PanicHookInfo<'_>, is_last: bool) -> Option<Rest> {
    let hub = Hub::current();
    let exception = Exception {
        ty: "panic".into(),
        value: Some(payload_text(info.payload()).into()),
        mechanism: Some(Mechanism {
            ty: "panic".into(),
            handled: Some(false),
            ..Mechanism::default()
        }),
        ..Exception::default()
    };
    let mut event = process(Event {
        exception: vec![exception].into(),
        level: Level::Fatal,
        ..Event::default()
    })?;
    let mut stack = Backtrace::new_unresolved();
    Some(Box::new(move || {
        stack.resolve();
        if let Some(exception) = event.exception.values.first_mut() {
            exception.stacktrace = backtrace_to_stacktrace(&stack);
        }
        hub.capture_event(event);
        if is_last && let Some(client) = hub.client() {
            client.flush(Some(LAST));
        }
    }))
}

/// Returns `shop@1.2.3+5f1e2d3c4b5a`, as far as it is known.
fn release_of(version: &[u8], program: &str) -> Option<String> {
    let facts: serde_json::Value = serde_json::from_slice(version).ok()?;
    let fact = |key: &str| facts.get(key)?.as_str().filter(|fact| !fact.is_empty());
    let commit = fact("commit").map(|commit| commit.get(..12).unwrap_or(commit));
    match (fact("version"), commit) {
        (Some(version), Some(commit)) => Some(format!("{program}@{version}+{commit}")),
        (Some(version), None) => Some(format!("{program}@{version}")),
        (None, commit) => commit.map(|commit| format!("{program}@{commit}")),
    }
}

thread_local! {
    /// The request that is handled on this thread.
    static CURRENT: RefCell<Option<Rc<State>>> = const { RefCell::new(None) };
}

/// What may become the report of a request.
pub(crate) struct RequestReport {
    hub: Arc<Hub>,
    state: Rc<State>,
}

struct State {
    method: Method,
    target: Option<PathAndQuery>,
    host: Option<header::HeaderValue>,
    /// The request's route is looked up for an event alone.
    routes: Routes,
    /// Whether an error of this request was reported: by a panic hook, by sentry-actix, or by the application itself.
    reported: Cell<bool>,
}

impl RequestReport {
    fn new(request: &ServiceRequest, routes: &Routes) -> Self {
        let head = request.head();
        Self {
            hub: Arc::new(Hub::new_from_top(Hub::main())),
            state: Rc::new(State {
                method: head.method.clone(),
                target: head.uri.path_and_query().cloned(),
                host: head.headers.get(header::HOST).cloned(),
                routes: routes.of(request),
                reported: Cell::new(false),
            }),
        }
    }

    /// Assigns this thread's reports to the request until the returned value is dropped.
    pub(crate) fn enter(&self) -> Entered {
        let earlier = CURRENT.replace(Some(self.state.clone()));
        Entered {
            earlier,
            _hub: HubSwitchGuard::new(self.hub.clone()),
        }
    }

    /// Reports `error`, unless an error of this request was reported by now.
    pub(crate) fn failed(&self, error: &Error) {
        if self.state.reported.get() {
            return;
        }
        let _entered = self.enter();
        self.hub.capture_error(error);
        self.state.reported.set(true);
    }
}

impl fmt::Debug for RequestReport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RequestReport")
            .finish_non_exhaustive()
    }
}

/// Assigns the reports of this thread to one request until it is dropped.
pub(crate) struct Entered {
    earlier: Option<Rc<State>>,
    _hub: HubSwitchGuard,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let _ = CURRENT.try_with(|current| current.replace(self.earlier.take()));
    }
}

impl State {
    fn path(&self) -> &str {
        self.target.as_ref().map_or("/", PathAndQuery::path)
    }

    /// The request, without what a client may keep secret in it: its query, its headers, its body.
    fn request(&self) -> Request {
        let host = self.host.as_ref().and_then(|host| host.to_str().ok());
        let path = self.path();
        let url = format!("http://{}{path}", host.unwrap_or("localhost"));
        Request {
            method: Some(self.method.to_string()),
            url: url.parse().ok(),
            ..Request::default()
        }
    }
}

/// Adds to each event of the process which request it belongs to, and notes that its error is reported.
fn process(mut event: Event<'static>) -> Option<Event<'static>> {
    let is_error = !event.exception.is_empty();
    if is_error && logging::is_contained() {
        return None; // the panic of a check: that the check fails is reported
    }
    if let Some(id) = RequestId::current() {
        event.tags.entry("rid".into()).or_insert(id.to_string());
    }
    let state = CURRENT.try_with(|current| current.try_borrow().ok()?.clone());
    if let Some(state) = state.ok().flatten() {
        if is_error && event.level >= Level::Error {
            state.reported.set(true);
        }
        if let Some(route) = state.routes.pattern(state.path()) {
            event.tags.entry("route".into()).or_insert(route.clone());
            let name = format!("{} {route}", state.method);
            event.transaction.get_or_insert(name);
        }
        event.request.get_or_insert_with(|| state.request());
    }
    Some(event)
}

/// Removes from an event what may be a client's secret, whoever has added it.
fn without_secrets(mut event: Event<'static>) -> Event<'static> {
    const SAFE: [&str; 8] = [
        "accept",
        "accept-encoding",
        "accept-language",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "x-request-id",
    ];
    if let Some(request) = &mut event.request {
        request.cookies = None;
        request.query_string = None;
        request.data = None;
        request.env.clear();
        if let Some(url) = &mut request.url {
            url.set_query(None);
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        request
            .headers
            .retain(|name, _| SAFE.contains(&name.to_ascii_lowercase().as_str()));
    }
    event
}

fn report_checks(report: &Report, failing: &Mutex<BTreeSet<&'static str>>) {
    let mut begun = Vec::new();
    {
        let mut failing = lock(failing);
        for check in report.checks() {
            if check.level() < health::Level::Error {
                failing.remove(check.name());
            } else if failing.insert(check.name()) {
                begun.push(check);
            }
        }
    }
    for check in begun {
        let said = check.messages().iter().take(10);
        let said: Vec<_> = said
            .map(|message| format!("{}: {}", message.id(), message.text()))
            .collect();
        let mut event = Event {
            message: Some(format!(
                "the check {:?} fails: {}",
                check.name(),
                said.join("; ")
            )),
            level: match check.level() {
                health::Level::Critical => Level::Fatal,
                _ => Level::Error,
            },
            fingerprint: vec!["dockerflow.check".into(), check.name().into()].into(),
            ..Event::default()
        };
        event.tags.insert("check".into(), check.name().into());
        Hub::main().capture_event(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flush_ends_in_time_even_if_the_client_does_not() {
        /// A queue that is full, of a host that does not answer.
        struct Stuck;

        impl Transport for Stuck {
            fn send_envelope(&self, _: Envelope) {}

            fn flush(&self, _: Duration) -> bool {
                thread::sleep(Duration::from_secs(20));
                false
            }
        }

        let mut options = ClientOptions::new();
        options.dsn = Some("https://key@localhost/1".parse().expect("a DSN"));
        options.transport = Some(Arc::new(Arc::new(Stuck)));
        let began = Instant::now();
        flush_client(Arc::new(Client::from(options)), Duration::from_millis(50));
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(50), "{took:?}");
        assert!(took < Duration::from_secs(10), "{took:?}");
    }

    #[test]
    fn a_release_names_the_program_its_version_and_its_commit() {
        for (object, expected) in [
            (
                r#"{"version":"1.2.3","commit":"5f1e2d3c4b5a69788796a5b4c3d2e1f001234567"}"#,
                Some("shop@1.2.3+5f1e2d3c4b5a"),
            ),
            (r#"{"version":"1.2.3","commit":""}"#, Some("shop@1.2.3")),
            (r#"{"version":"","commit":"abc1234"}"#, Some("shop@abc1234")),
            (r#"{"version":7}"#, None),
            ("{}", None),
        ] {
            assert_eq!(
                release_of(object.as_bytes(), "shop").as_deref(),
                expected,
                "{object}"
            );
        }
    }
}
