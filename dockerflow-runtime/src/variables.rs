//! Every environment variable of the runtime: what `--help` prints, and what the documentation's table is tested against.

/// An environment variable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    /// What holds where it is unset, as an operator reads it.
    pub(crate) default: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) example: &'static str,
}

macro_rules! variables {
    ($($name:ident, $default:literal, $meaning:literal, $example:literal;)*) => {
        /// All of them, by topic.
        pub(crate) const ALL: &[Variable] = &[$(Variable {
            name: stringify!($name),
            default: $default,
            meaning: $meaning,
            example: $example,
        }),*];
    };
}

variables! {
    PORT, "8000", "The TCP port to listen on; 0 takes a free one and prints it on stderr", "8080";
    HOST, "0.0.0.0", "The IP address to listen on; :: is every IPv4 and IPv6 address", "::";
    WORKERS, "the CPU quota, at least 1", "How many threads answer requests, from 1 to 1024", "4";
    CONFIG_PATH, "none", "A file of the application's own settings, or a directory of such files", "/etc/app";
    DOCKERFLOW_DRAIN_DELAY, "5s", "How long to go on accepting after SIGTERM, while the heartbeat fails", "10s";
    DOCKERFLOW_SHUTDOWN_TIMEOUT, "20s", "How long requests in flight may take after that", "25s";
    LOG_LEVEL, "info", "Which records are logged: off, critical, error, warning, info, debug, trace, also by target", "info,sqlx=warning";
    LOG_FORMAT, "text on a terminal, else mozlog", "How: mozlog, text, or gcp (mozlog that Google Cloud reads)", "mozlog";
    DOCKERFLOW_REQUEST_ID_HEADER_NAME, "x-request-id", "The header that a request's id is taken from and echoed in", "traceparent";
    DOCKERFLOW_SUMMARY_LOG_QUERYSTRING, "false", "Whether a request's summary has the query string: it may hold secrets", "true";
    DOCKERFLOW_SUMMARY_LOG_PROBES, "false", "Whether probes that find all well have a summary, too", "true";
    DOCKERFLOW_VERSION_FILE, "/app/version.json, if it is there", "A version object to serve in place of the embedded one", "/etc/version.json";
    DOCKERFLOW_ERROR_ENDPOINT, "false", "Whether /__error__ logs an error and answers 500, to test alerts", "true";
    DOCKERFLOW_HEARTBEAT_FAILED_STATUS_CODE, "503", "What an unhealthy heartbeat answers, from 500 to 599", "500";
    DOCKERFLOW_HEARTBEAT_DETAILS, "false", "Whether the heartbeat's body has the checks' messages: they may hold secrets", "true";
    DOCKERFLOW_HEARTBEAT_TTL, "1s", "How long a heartbeat's report is fresh", "500ms";
    DOCKERFLOW_HEARTBEAT_TIMEOUT, "800ms", "The deadline of a check that has none of its own", "2s";
    DOCKERFLOW_SILENCED_CHECKS, "none", "Ids of messages that do not count, with commas between them", "cache.failed,queue.long";
    LOG_LEVEL, "info", "The least level that is logged: error, warn, info, debug, trace or off; for single modules, too", "info,sqlx=warn";
    LOG_FORMAT, "text on a terminal, else mozlog", "mozlog, text, or gcp: mozlog with Google's severity and message", "gcp";
    STATSD_HOST, "none: no metrics", "The host name or IP address of the statsd server", "statsd.monitoring";
    STATSD_PORT, "8125", "Its UDP port", "9125";
}

/// The list, for a terminal.
pub(crate) fn help() -> String {
    let entries = ALL.iter().map(|variable| {
        let Variable {
            name,
            default,
            meaning,
            ..
        } = variable;
        format!("  {name}\n      {meaning} [default: {default}]")
    });
    entries.collect::<Vec<_>>().join("\n")
}
