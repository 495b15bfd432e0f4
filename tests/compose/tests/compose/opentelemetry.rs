//! Beside OpenTelemetry: spans arrive at a collector, and the lines of the log have their ids.

use serde_json::Value;

use crate::{Written, receiver::Receiver, serve};

const PROGRAM: &str = env!("CARGO_BIN_EXE_subscribed");
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Serves requests in each order of the two layers.
fn traced(variables: &[(&str, &str)], check: impl Fn(&str, &[Value], &Written)) {
    for arrangement in ["opentelemetry", "opentelemetry first"] {
        let Some(receiver) = Receiver::start() else {
            return;
        };
        let endpoint = receiver.otlp();
        let mut all = vec![("ARRANGEMENT", arrangement), ("OTLP", &endpoint)];
        all.extend(variables);
        let written = serve(PROGRAM, &all, |served| {
            let headers = format!("traceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n");
            assert_eq!(served.get("/order/3").body, "ordered 3");
            assert_eq!(served.get("/quiet").body, "quiet");
            assert_eq!(served.get_with("/quiet?named", &headers).body, "quiet");
            assert_eq!(served.get_with("/untraced", &headers).body, "untraced");
        });
        let spans = receiver.spans();
        assert_eq!(spans.len(), 4, "{arrangement}: {spans:#?}");
        check(arrangement, &spans, &written);
        assert_eq!(written.warnings(), [""; 0], "{arrangement}");
    }
}

fn one<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    let span = spans.iter().find(|span| span["name"] == name);
    span.unwrap_or_else(|| panic!("no span {name}: {spans:#?}"))
}

#[track_caller]
fn same_ids(fields: &Value, span: &Value) {
    for key in ["trace_id", "span_id"] {
        assert_eq!(fields[key], span[key], "{key} of {fields:#}");
    }
}

#[test]
fn spans_arrive_and_each_line_has_the_ids_of_its_span() {
    traced(&[], |_, spans, written| {
        let (order, charge) = (one(spans, "order"), one(spans, "charge"));
        assert_eq!(charge["parent"], order["span_id"]);
        for message in ["by tracing", "by log", "by slog"] {
            same_ids(written.saying(message), order);
        }
        for message in [
            "charged",
            "an error by log",
            "an error by tracing",
            "on the pool",
        ] {
            same_ids(written.saying(message), charge);
        }
        let charged = written.saying("charged");
        assert_eq!(
            (&charged["amount"], &charged["item"]),
            (&17.into(), &"Path(3)".into())
        );
    });
}

#[test]
fn what_the_log_leaves_out_the_other_layer_still_sees() {
    traced(&[], |arrangement, spans, written| {
        assert!(!written.says("for debugging"), "{arrangement}");
        let events = one(spans, "order")["events"].as_array().expect("a list");
        assert!(
            events.contains(&"for debugging".into()),
            "{arrangement}: {events:?}"
        );
    });
    traced(&[("LOG_LEVEL", "off")], |arrangement, _, written| {
        assert!(
            written.lines.is_empty(),
            "{arrangement}: {:?}",
            written.lines
        );
    });
}

#[test]
fn a_summary_has_the_ids_of_the_requests_span_else_those_that_the_client_named() {
    traced(&[], |arrangement, spans, written| {
        same_ids(written.summary("/order/3"), one(spans, "order"));
        let quiet = written
            .lines
            .iter()
            .filter(|line| line["Type"] == "request.summary" && line["Fields"]["path"] == "/quiet");
        let ids = |of: &Value| (of["trace_id"].clone(), of["span_id"].clone());
        let quiet: Vec<_> = quiet.map(|line| ids(&line["Fields"])).collect();
        let spans: Vec<_> = spans
            .iter()
            .filter(|span| span["name"] == "quiet")
            .map(ids)
            .collect();
        assert_eq!(quiet, spans, "{arrangement}");
        for fields in [
            written.saying("outside all spans"),
            written.summary("/untraced"),
        ] {
            assert_eq!(fields["trace_id"], TRACE, "{arrangement}");
            assert_eq!(fields["span_id"], "00f067aa0ba902b7", "{arrangement}");
        }
    });
}
