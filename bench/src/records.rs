//! What a record of the log costs.

use std::{io, sync::Mutex};

use log::kv;
use slog::Drain as _;

use crate::scenario::calls;

const LOGS: &str = "LOG_LEVEL=info";
/// A hundred directives, none of which is about this program.
const DIRECTIVES: &str = "LOG_LEVEL=info,a00=debug,a01=debug,a02=debug,a03=debug,a04=debug,a05=debug,a06=debug,a07=debug,a08=debug,a09=debug,\
a10=debug,a11=debug,a12=debug,a13=debug,a14=debug,a15=debug,a16=debug,a17=debug,a18=debug,a19=debug,\
a20=debug,a21=debug,a22=debug,a23=debug,a24=debug,a25=debug,a26=debug,a27=debug,a28=debug,a29=debug,\
a30=debug,a31=debug,a32=debug,a33=debug,a34=debug,a35=debug,a36=debug,a37=debug,a38=debug,a39=debug,\
a40=debug,a41=debug,a42=debug,a43=debug,a44=debug,a45=debug,a46=debug,a47=debug,a48=debug,a49=debug,\
a50=debug,a51=debug,a52=debug,a53=debug,a54=debug,a55=debug,a56=debug,a57=debug,a58=debug,a59=debug,\
a60=debug,a61=debug,a62=debug,a63=debug,a64=debug,a65=debug,a66=debug,a67=debug,a68=debug,a69=debug,\
a70=debug,a71=debug,a72=debug,a73=debug,a74=debug,a75=debug,a76=debug,a77=debug,a78=debug,a79=debug,\
a80=debug,a81=debug,a82=debug,a83=debug,a84=debug,a85=debug,a86=debug,a87=debug,a88=debug,a89=debug,\
a90=debug,a91=debug,a92=debug,a93=debug,a94=debug,a95=debug,a96=debug,a97=debug,a98=debug,a99=debug";

calls! {
    "record of log", LOGS => start(), |(): &()| log::info!("an order of {} items", 17);
    "record of slog", LOGS => slogger(), |logger: &slog::Logger| slog::info!(logger, "an order"; "items" => 17);
    "record of slog, mozlog into a sink", LOGS => mozlog(), |logger: &slog::Logger| slog::info!(logger, "an order"; "items" => 17);
    "record of slog, slog-json into a sink", LOGS => json(), |logger: &slog::Logger| slog::info!(logger, "an order"; "items" => 17);
    "record of tracing", LOGS => start(), |(): &()| tracing::info!(items = 17, "an order");
    "record of tracing in a span", LOGS => span(), |_: &tracing::span::EnteredSpan| tracing::info!(items = 17, "an order");
    "record of env_logger", LOGS => env_logger(), |(): &()| log::info!("an order of {} items", 17);
    "disabled record of log", DIRECTIVES => start(), |(): &()| log::debug!("an order of {} items", 17);
    "disabled record of slog", DIRECTIVES => slogger(), |logger: &slog::Logger| slog::debug!(logger, "an order"; "items" => 17);
    "disabled record of tracing", DIRECTIVES => start(), |(): &()| tracing::debug!(items = 17, "an order");
    "record with 10 pairs", LOGS => pairs(10), |pairs: &Vec<_>| record(pairs);
    "record with 100 pairs", LOGS => pairs(100), |pairs: &Vec<_>| record(pairs);
    "record with 1000 pairs", LOGS => pairs(1000), |pairs: &Vec<_>| record(pairs);
}

fn start() {
    dockerflow::logging::init_logging("bench").expect("the log starts");
}

fn slogger() -> slog::Logger {
    start();
    dockerflow::logging::logger()
}

/// Our encoder alone, without the queue and the thread that writes.
fn mozlog() -> slog::Logger {
    let drain = dockerflow::logging::Mozlog::new("bench", io::sink());
    slog::Logger::root(drain.fuse(), slog::o!())
}

/// slog-json, set up as in its documentation, into the same sink. A `Json` is not `Sync`, so that it needs a lock as ours does.
fn json() -> slog::Logger {
    let drain = slog_json::Json::default(io::sink());
    slog::Logger::root(Mutex::new(drain).fuse(), slog::o!())
}

fn span() -> tracing::span::EnteredSpan {
    start();
    tracing::info_span!("order", customer = 4711).entered()
}

fn env_logger() {
    env_logger::Builder::new()
        .filter_level(log::LevelFilter::Info)
        .target(env_logger::Target::Stdout)
        .init();
}

fn pairs(count: usize) -> Vec<(String, u32)> {
    start();
    let names = (0..count).map(|number| format!("pair{number}"));
    names.zip(0..).collect()
}

fn record(pairs: &[(String, u32)]) {
    struct Pairs<'a>(&'a [(String, u32)]);
    impl kv::Source for Pairs<'_> {
        fn visit<'kvs>(
            &'kvs self,
            visitor: &mut dyn kv::VisitSource<'kvs>,
        ) -> Result<(), kv::Error> {
            self.0.iter().try_for_each(|(name, value)| {
                visitor.visit_pair(kv::Key::from_str(name), kv::Value::from(*value))
            })
        }
    }
    log::logger().log(
        &log::Record::builder()
            .level(log::Level::Info)
            .target("bench")
            .key_values(&Pairs(pairs))
            .args(format_args!("an order"))
            .build(),
    );
}
