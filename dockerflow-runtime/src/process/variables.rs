//! Every environment variable of the runtime: `--help` prints this table, and the documentation's is tested against it.

use std::ffi::OsString;

use crate::environment::is_of_service;

/// An environment variable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    /// The default, as an operator reads it.
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
    HOST, "0.0.0.0", "The IP address to listen on, :: for every IPv4 and IPv6 address; or a Unix socket", "unix:/run/app.sock";
    WORKERS, "the CPU quota, at least 1", "How many threads answer requests, from 1 to 512", "4";
    DOCKERFLOW_OPS_PORT, "none", "A second TCP port that answers dockerflow's own endpoints and nothing else", "9000";
    DOCKERFLOW_OPS_HOST, "HOST", "The IP address of that port", "127.0.0.1";
    CONFIG_PATH, "none", "A file of the application's own settings, or a directory of such files", "/etc/app";
    DOCKERFLOW_DRAIN_DELAY, "5s", "How long to go on accepting after SIGTERM, while the heartbeat fails", "10s";
    DOCKERFLOW_SHUTDOWN_TIMEOUT, "20s", "How long requests in flight may take after that", "25s";
    DOCKERFLOW_KEEP_ALIVE, "5s", "How long a connection stays open for its next request; 0 closes it after each", "75s";
    DOCKERFLOW_CLIENT_REQUEST_TIMEOUT, "5s", "How long a client may take to send a request's head; 0 is for ever", "10s";
    DOCKERFLOW_MAX_CONNECTIONS, "25000", "How many connections one worker accepts at a time", "1000";
    DOCKERFLOW_BACKLOG, "1024", "How many connections wait to be accepted before the system refuses more", "4096";
    DOCKERFLOW_VERSION_FILE, "/app/version.json, if it is there", "A version object to serve in place of the embedded one", "/etc/version.json";
    DOCKERFLOW_ERROR_ENDPOINT, "false", "Whether /__error__ logs an error and answers 500, to test alerts", "true";
    DOCKERFLOW_HEARTBEAT_FAILED_STATUS_CODE, "503", "What an unhealthy heartbeat answers, from 500 to 599", "500";
    DOCKERFLOW_HEARTBEAT_DETAILS, "false", "Whether the heartbeat's body has the checks' messages: they may hold secrets", "true";
    DOCKERFLOW_HEARTBEAT_TTL, "1s", "How long a heartbeat's report is fresh", "500ms";
    DOCKERFLOW_HEARTBEAT_TIMEOUT, "800ms", "The deadline of a check that has none of its own", "2s";
    DOCKERFLOW_SILENCED_CHECKS, "none", "Comma-separated message ids to ignore", "cache.failed,queue.long";
    LOG_LEVEL, "info", "Minimum log level: off, critical, error, warning, info, debug or trace; may be set per target", "info,sqlx=warn";
    RUST_LOG, "none", "The same, if LOG_LEVEL is unset; what is not about targets is ignored with a warning", "info,sqlx=warn";
    LOG_FORMAT, "text on a terminal, else mozlog", "mozlog, text, json: flat lines, or gcp: mozlog with Google's severity and message", "gcp";
    LOG_REPEAT_LIMIT, "none", "Maximum log lines a second from one place in the source; the rest is counted", "100";
    GOOGLE_CLOUD_PROJECT, "none", "The Google Cloud project that trace links point to, for LOG_FORMAT=gcp", "shop-prod";
    SENTRY_DSN, "none: no reports", "Where errors are reported; needs the feature sentry-0_49", "https://key@sentry.example.org/1";
    SENTRY_ENVIRONMENT, "production", "The environment that error reports name", "staging";
    SENTRY_RELEASE, "name@version+commit, from the version object", "The release that error reports name", "shop@1.2.3";
    NO_COLOR, "unset", "If it is set, text on a terminal has no colours", "1";
    DOCKERFLOW_SUMMARY_LOG_QUERYSTRING, "false", "Whether a request's summary has its query: it may hold secrets", "true";
    DOCKERFLOW_SUMMARY_LOG_PROBES, "false", "Whether probes that succeed have summaries", "true";
    DOCKERFLOW_SUMMARY_LOG_REMOTE, "false", "Whether a request's summary has the client's IP address", "true";
    DOCKERFLOW_TRUSTED_PROXIES, "none", "Comma-separated addresses or networks whose X-Forwarded-For is believed", "10.0.0.0/8";
    DOCKERFLOW_TRACE_CONTEXT, "true", "Whether to take a trace id from a request's traceparent or x-cloud-trace-context", "false";
    DOCKERFLOW_REQUEST_ID_HEADER_NAME, "x-request-id", "The header that a request's id is read from and echoed in", "x-amzn-trace-id";
    STATSD_HOST, "none: no metrics", "The host name or IP address of the statsd server", "statsd.monitoring";
    STATSD_PORT, "8125", "Its UDP port", "9125";
    STATSD_PREFIX, "the program's name", "The prefix of the names of metrics; off for none", "shop";
    STATSD_TAGS, "none", "Comma-separated tags of every metric", "env:prod,region:eu";
    STATSD_NAMES, "as documented", "Other names of our own metrics, or off", "request=http.request,log.dropped=off";
    DOCKERFLOW_METRICS_ENDPOINT, "false", "Whether /__metrics__ answers Prometheus; needs the feature prometheus", "true";
    DOCKERFLOW_METRICS_BUCKETS, "0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10", "Upper bounds of a timer's buckets for Prometheus, in seconds", "0.01,0.1,1";
}

/// Variables of the build, which an image may have at run time, too.
const OF_THE_BUILD: [&str; 4] = [
    "DOCKERFLOW_SOURCE",
    "DOCKERFLOW_VERSION",
    "DOCKERFLOW_COMMIT",
    "DOCKERFLOW_BUILD",
];

/// Reports whether it is in the table.
pub(crate) fn is_ours(name: &str) -> bool {
    ALL.iter().any(|variable| variable.name == name)
}

/// Reports whether a program can have a default for the variable: one of the table, or an address of `Server::also`.
pub(crate) fn may_have_default(name: &str) -> bool {
    // These are not specific to one program.
    let ours = is_ours(name) && !matches!(name, "NO_COLOR" | "RUST_LOG");
    ours || name.ends_with("_PORT") || name.ends_with("_HOST")
}

/// Returns a warning for each variable that looks like one of ours and is not, as `DOCKERFLOW_DRAIN_DELY`.
pub(crate) fn misspelt(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Vec<String> {
    let names = variables.into_iter().filter_map(|(name, held)| {
        let name = name.into_string().ok()?;
        let ours = is_ours(&name) || OF_THE_BUILD.contains(&&*name);
        let link = is_of_service(&name, &held.to_string_lossy());
        (name.starts_with("DOCKERFLOW_") && !ours && !link).then_some(name)
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    let warnings = names.iter().map(|name| {
        // Some of ours have no prefix.
        let bare = name.strip_prefix("DOCKERFLOW_").unwrap_or_default();
        if is_ours(bare) {
            return format!("unknown variable {name}: did you mean {bare}?");
        }
        let nearest = ALL
            .iter()
            .map(|variable| (strsim::damerau_levenshtein(name, variable.name), variable))
            .min_by_key(|(distance, _)| *distance)
            .filter(|(distance, _)| *distance <= 1 + name.len() / 4);
        match nearest {
            Some((_, Variable { name: nearest, .. })) => {
                format!("unknown variable {name}: did you mean {nearest}?")
            }
            None => {
                format!("unknown variable {name}: --help lists all that begin with DOCKERFLOW_")
            }
        }
    });
    warnings.collect()
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
        let named: BTreeSet<_> = ALL
            .iter()
            .map(|variable| variable.name.to_owned())
            .collect();
        assert_eq!(named, *read.borrow());
    }

    #[test]
    fn a_misspelt_variable_is_warned_of_with_the_nearest_name() {
        let warnings = |name: &str, held: &str| misspelt([(name.into(), held.into())]).join("\n");
        for (name, nearest) in [
            ("DOCKERFLOW_DRAIN_DELY", "DOCKERFLOW_DRAIN_DELAY"),
            ("DOCKERFLOW_SHUTDOWN_TIMOUT", "DOCKERFLOW_SHUTDOWN_TIMEOUT"),
            (
                "DOCKERFLOW_HEARTBEAT_DETIALS",
                "DOCKERFLOW_HEARTBEAT_DETAILS",
            ),
            ("DOCKERFLOW_OPSPORT", "DOCKERFLOW_OPS_PORT"),
            ("DOCKERFLOW_PORT", "PORT"),
            ("DOCKERFLOW_HOST", "HOST"),
            ("DOCKERFLOW_LOG_LEVEL", "LOG_LEVEL"),
        ] {
            let text = format!("unknown variable {name}: did you mean {nearest}?");
            assert_eq!(warnings(name, "1"), text);
        }
        let far = warnings("DOCKERFLOW_COLOUR_OF_THE_SKY", "blue");
        assert!(
            far.ends_with("--help lists all that begin with DOCKERFLOW_"),
            "{far}"
        );
    }

    #[test]
    fn a_variable_of_ours_of_the_build_of_others_and_of_a_service_is_not_misspelt() {
        for (name, held) in [
            ("DOCKERFLOW_DRAIN_DELAY", "1s"),
            ("DOCKERFLOW_COMMIT", "0123"),
            ("DOCKER_HOST", "x"),
            ("dockerflow_drain", "x"),
            ("DOCKERFLOW_DEMO_SERVICE_HOST", "10.0.0.5"),
            ("DOCKERFLOW_SERVICE_PORT", "80"),
            ("DOCKERFLOW_DEMO_SERVICE_PORT_HTTP", "80"),
            ("DOCKERFLOW_DEMO_PORT", "tcp://10.0.0.5:80"),
            ("DOCKERFLOW_DEMO_PORT_80_TCP", "tcp://10.0.0.5:80"),
            ("DOCKERFLOW_DEMO_PORT_80_TCP_ADDR", "10.0.0.5"),
            ("DOCKERFLOW_PORT_53_UDP_PROTO", "udp"),
            ("DOCKERFLOW_DEMO_SERVICE_PORT", "tcp://10.0.0.5:80"),
            ("DOCKERFLOW_DEMO_SERVICE_PORT_80_TCP_ADDR", "10.0.0.5"),
        ] {
            let warnings = misspelt([(name.into(), held.into())]);
            assert!(warnings.is_empty(), "{warnings:?}");
        }
        assert_eq!(
            misspelt([("DOCKERFLOW_DEMO_PORT".into(), "80".into())]).len(),
            1
        );
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

    #[test]
    fn no_other_page_has_a_table_of_defaults_and_the_variables_of_each_exist() {
        let pages = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"));
        let mut rows = 0;
        for page in pages.expect("docs/") {
            let path = page.expect("a page").path();
            if path.ends_with("configuration.md") {
                continue;
            }
            let text = fs::read_to_string(&path).expect("a page");
            let mut lines = text.lines();
            while let Some(head) = lines.by_ref().find(|line| line.starts_with("| variable |")) {
                assert!(!head.contains("default"), "{}: {head}", path.display());
                for row in lines
                    .by_ref()
                    .skip(1)
                    .take_while(|line| line.starts_with('|'))
                {
                    let name = row.split('`').nth(1).expect("a name");
                    let exists = ALL.iter().any(|variable| variable.name == name);
                    assert!(exists, "{}: {row}", path.display());
                    rows += 1;
                }
            }
        }
        assert!(rows > 0, "docs/metrics.md has such a table");
    }
}
