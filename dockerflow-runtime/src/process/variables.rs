//! Every environment variable of the runtime: what `--help` prints, and what the documentation's table is tested against.

/// An environment variable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    /// What holds where it is unset, as an operator reads it.
    pub(crate) default: &'static str,
    pub(crate) meaning: &'static str,
    /// For the documentation.
    #[cfg_attr(not(test), expect(dead_code, reason = "a terminal has no room for it"))]
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
    DOCKERFLOW_VERSION_FILE, "/app/version.json, if it is there", "A version object to serve in place of the embedded one", "/etc/version.json";
    DOCKERFLOW_ERROR_ENDPOINT, "false", "Whether /__error__ logs an error and answers 500, to test alerts", "true";
    DOCKERFLOW_HEARTBEAT_FAILED_STATUS_CODE, "503", "What an unhealthy heartbeat answers, from 500 to 599", "500";
    DOCKERFLOW_HEARTBEAT_DETAILS, "false", "Whether the heartbeat's body has the checks' messages: they may hold secrets", "true";
    DOCKERFLOW_HEARTBEAT_TTL, "1s", "How long a heartbeat's report is fresh", "500ms";
    DOCKERFLOW_HEARTBEAT_TIMEOUT, "800ms", "The deadline of a check that has none of its own", "2s";
    DOCKERFLOW_SILENCED_CHECKS, "none", "Ids of messages that do not count, with commas between them", "cache.failed,queue.long";
    LOG_LEVEL, "info", "The least level that is logged: error, warn, info, debug, trace or off; for single modules, too", "info,sqlx=warn";
    LOG_FORMAT, "text on a terminal, else mozlog", "mozlog, text, or gcp: mozlog with Google's severity and message", "gcp";
    LOG_REPEAT_LIMIT, "none", "Maximum log lines a second from one place in the source; the rest is counted", "100";
    GOOGLE_CLOUD_PROJECT, "none", "The Google Cloud project that trace links point to, for LOG_FORMAT=gcp", "shop-prod";
    SENTRY_DSN, "none: no reports", "Where errors are reported; takes the feature sentry-0_49", "https://key@sentry.example.org/1";
    SENTRY_ENVIRONMENT, "production", "The environment that error reports name", "staging";
    NO_COLOR, "unset", "Where it is set, text on a terminal has no colours", "1";
    DOCKERFLOW_SUMMARY_LOG_QUERYSTRING, "false", "Whether a request's summary has its query: it may hold secrets", "true";
    DOCKERFLOW_SUMMARY_LOG_PROBES, "false", "Whether probes that succeed have summaries", "true";
    DOCKERFLOW_SUMMARY_LOG_REMOTE, "false", "Whether a request's summary has the client's IP address", "true";
    DOCKERFLOW_TRUSTED_PROXIES, "none", "Comma-separated addresses or networks whose X-Forwarded-For is believed", "10.0.0.0/8";
    DOCKERFLOW_TRACE_CONTEXT, "true", "Whether to take a trace id from a request's traceparent or x-cloud-trace-context", "false";
    DOCKERFLOW_REQUEST_ID_HEADER_NAME, "x-request-id", "The header that a request's id is read from and echoed in", "x-amzn-trace-id";
    STATSD_HOST, "none: no metrics", "The host name or IP address of the statsd server", "statsd.monitoring";
    STATSD_PORT, "8125", "Its UDP port", "9125";
    STATSD_PREFIX, "the program's name", "What the names of metrics begin with; off is nothing", "shop";
    STATSD_TAGS, "none", "Comma-separated tags of every metric", "env:prod,region:eu";
    STATSD_NAMES, "as documented", "Other names of our own metrics, or off", "request=http.request,log.dropped=off";
    DOCKERFLOW_METRICS_ENDPOINT, "false", "Whether /__metrics__ answers Prometheus; needs the feature prometheus", "true";
    DOCKERFLOW_METRICS_BUCKETS, "0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10", "Upper bounds of a timer's buckets for Prometheus, in seconds", "0.01,0.1,1";
}

/// Reports whether a program can have a default for the variable: one of the table, or an address of `Server::also`.
pub(crate) fn may_have_default(name: &str) -> bool {
    let known = ALL.iter().any(|variable| variable.name == name);
    // These are read by others, or by the tool that starts the program.
    let ours = known && !matches!(name, "NO_COLOR");
    ours || name.ends_with("_PORT") || name.ends_with("_HOST")
}

/// Returns the list for a terminal, with a program's own defaults.
pub(crate) fn help(defaults: &[(String, String)]) -> String {
    let entries = ALL.iter().map(|variable| {
        let Variable {
            name,
            default,
            meaning,
            ..
        } = variable;
        let own = defaults.iter().find(|(own, _)| own == name);
        let default = own.map_or(*default, |(_, value)| value);
        format!("  {name}\n      {meaning} [default: {default}]")
    });
    entries.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::BTreeSet, fs};

    use super::*;
    use crate::{
        environment::Environment, logging::LogOptions, process::options::ProcessOptions,
        service::ServiceOptions, settings::Files,
    };

    #[test]
    fn these_are_the_variables_that_are_read() {
        let read = RefCell::new(BTreeSet::new());
        let mut environment = Environment::new(|name| {
            read.borrow_mut().insert(name.to_owned());
            None
        });
        ProcessOptions::read(&mut environment);
        ServiceOptions::read(&mut environment);
        LogOptions::read(&mut environment);
        Files::read(&mut environment);
        read.borrow_mut().insert("NO_COLOR".into()); // not one that can be bad
        let named: BTreeSet<_> = ALL
            .iter()
            .map(|variable| variable.name.to_owned())
            .collect();
        assert_eq!(named, *read.borrow());
    }

    #[test]
    fn the_documentation_has_them_all_as_they_are() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
        let text = fs::read_to_string(path).expect("docs/configuration.md");
        let rows = ALL.iter().map(|variable| {
            let Variable {
                name,
                default,
                meaning,
                example,
            } = variable;
            format!("| `{name}` | {default} | {meaning} | `{example}` |")
        });
        let table = rows.collect::<Vec<_>>().join("\n");
        let head = "| variable | default | meaning | example |\n|---|---|---|---|\n";
        assert!(
            text.contains(&format!("{head}{table}\n\n")),
            "the table in docs/configuration.md should be:\n{head}{table}"
        );
    }
}
