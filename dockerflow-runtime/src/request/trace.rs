//! Which trace a request belongs to: the ids that a proxy or a caller sent along.

use std::{fmt, sync::Arc};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

// Not constants, which would be made and dropped at each use.
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
static CLOUD: HeaderName = HeaderName::from_static("x-cloud-trace-context");

/// A longer `tracestate` is dropped: the specification asks that 512 characters are passed on.
const LONGEST_STATE: usize = 512;

/// More entries than the specification allows make a `tracestate` invalid.
const MOST_ENTRIES: usize = 32;

/// The trace that a request belongs to, as its sender names it.
///
/// It is the request's `traceparent` ([W3C Trace Context](https://www.w3.org/TR/trace-context/)) if that is valid, else its
/// `x-cloud-trace-context` (Google Cloud). Each line that is logged while the request is handled has it as `trace_id` and
/// `span_id`. It is a label that anybody can send, so nothing depends on it, least of all whether to sample.
///
/// As an extractor it fails with 404 if the request has none; `Option<TraceContext>` does not fail.
///
/// ```
/// use dockerflow::TraceContext;
///
/// async fn order(trace: Option<TraceContext>) -> &'static str {
///     if let Some(trace) = &trace {
///         let span = trace.span_id().unwrap_or("unknown");
///         println!("the caller's trace is {}, its span {span}", trace.trace_id());
///     }
///     // For each request to another service: with reqwest, `request.header(name, value)`.
///     for (name, value) in trace.iter().flat_map(TraceContext::headers) {
///         println!("{name}: {value}");
///     }
///     "ordered"
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext(Arc<Trace>);

#[derive(Debug, PartialEq, Eq)]
struct Trace {
    /// 32 lowercase hexadecimal digits, not all zero.
    id: [u8; 32],
    /// 16 lowercase hexadecimal digits, not all zero.
    span_id: Option<[u8; 16]>,
    /// The flags that version 00 defines.
    flags: u8,
    state: Option<String>,
    /// Whether it came in Google's header, which is then passed on, too.
    cloud: bool,
}

impl TraceContext {
    /// Reads the headers of a request.
    pub(crate) fn accept(headers: &HeaderMap) -> Option<Self> {
        let trace = match headers.get(&TRACEPARENT) {
            Some(parent) if headers.get_all(&TRACEPARENT).count() == 1 => {
                traceparent(parent.as_bytes()).map(|trace| Trace {
                    state: state(headers),
                    ..trace
                })
            }
            _ => None,
        };
        let trace = match trace {
            Some(trace) => trace,
            None => cloud(headers.get(&CLOUD)?.as_bytes())?,
        };
        Some(Self(Arc::new(trace)))
    }

    /// Returns the context of a span of this process.
    #[cfg(feature = "opentelemetry-0_33")]
    pub(crate) fn of(trace: [u8; 16], span: [u8; 8]) -> Self {
        let trace = format!("{:032x}", u128::from_be_bytes(trace)).into_bytes();
        let span = format!("{:016x}", u64::from_be_bytes(span)).into_bytes();
        Self(Arc::new(Trace {
            id: trace.try_into().unwrap_or([b'0'; 32]),
            span_id: span.try_into().ok(),
            flags: 0,
            state: None,
            cloud: false,
        }))
    }

    /// Returns the id of the trace: 32 lowercase hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        str::from_utf8(&self.0.id).unwrap_or_default()
    }

    /// Returns the id of the caller's span: 16 lowercase hexadecimal digits. `None` if the caller sent only the id of a trace.
    #[must_use]
    pub fn span_id(&self) -> Option<&str> {
        self.0
            .span_id
            .as_ref()
            .and_then(|id| str::from_utf8(id).ok())
    }

    /// Returns the headers that pass the trace on to another service: `traceparent` and
    /// `tracestate`, and `x-cloud-trace-context` if the request had only that. `baggage` is not
    /// passed on.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, String)> + use<> {
        let Trace {
            flags,
            state,
            cloud,
            ..
        } = &*self.0;
        let trace = self.trace_id();
        let parent = self
            .span_id()
            .map(|span| ("traceparent", format!("00-{trace}-{span}-{flags:02x}")));
        let state = parent.as_ref().and(state.clone());
        let cloud = cloud.then(|| {
            let span = self.span_id();
            let span = span.and_then(|span| u64::from_str_radix(span, 16).ok());
            let span = span.map(|span| format!("/{span}")).unwrap_or_default();
            (
                "x-cloud-trace-context",
                format!("{trace}{span};o={}", flags & 1),
            )
        });
        let state = state.map(|state| ("tracestate", state));
        [parent, state, cloud].into_iter().flatten()
    }

    pub(crate) fn trace_bytes(&self) -> &[u8] {
        &self.0.id
    }

    pub(crate) fn span_bytes(&self) -> Option<&[u8]> {
        self.0.span_id.as_ref().map(|id| &id[..])
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.trace_id())
    }
}

/// Reads `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`, and what later versions may add at its end.
fn traceparent(text: &[u8]) -> Option<Trace> {
    let (known, more) = text.split_at_checked(55)?;
    let [v1, v2, b'-', rest @ ..] = known else {
        return None;
    };
    let version = [*v1, *v2];
    if !is_hex(&version) || &version == b"ff" {
        return None;
    }
    if !more.is_empty() && (&version == b"00" || more[0] != b'-') {
        return None;
    }
    let (trace, rest) = rest.split_first_chunk::<32>()?;
    let rest = rest.strip_prefix(b"-")?;
    let (span, rest) = rest.split_first_chunk::<16>()?;
    let flags = rest.strip_prefix(b"-")?;
    if !is_id(trace) || !is_id(span) || !is_hex(flags) {
        return None;
    }
    let flags = u8::from_str_radix(str::from_utf8(flags).ok()?, 16).ok()?;
    Some(Trace {
        id: *trace,
        span_id: Some(*span),
        flags: flags & 0b11,
        state: None,
        cloud: false,
    })
}

/// Reads `105445aa7843bc8bf206b12000100000/1;o=1`, whose span is a decimal number.
fn cloud(text: &[u8]) -> Option<Trace> {
    let text = str::from_utf8(text).ok()?;
    let (ids, options) = text.split_once(';').unwrap_or((text, ""));
    let (trace, span) = match ids.split_once('/') {
        None => (ids, None),
        Some((trace, span)) => {
            let is_number = !span.is_empty() && span.bytes().all(|byte| byte.is_ascii_digit());
            let span: u64 = span.parse().ok().filter(|_| is_number)?;
            (trace, Some(span).filter(|span| *span != 0))
        }
    };
    let trace: [u8; 32] = trace.to_ascii_lowercase().into_bytes().try_into().ok()?;
    let span = span.map(|span| format!("{span:016x}").into_bytes());
    is_id(&trace).then(|| Trace {
        id: trace,
        span_id: span.and_then(|span| span.try_into().ok()),
        flags: u8::from(options == "o=1"),
        state: None,
        cloud: true,
    })
}

/// Returns `tracestate`, to which vendors add, unless it is too long.
fn state(headers: &HeaderMap) -> Option<String> {
    let mut all = String::new();
    for value in headers.get_all(&TRACESTATE) {
        let text = printable(value)?;
        if !all.is_empty() {
            all.push(',');
        }
        all.push_str(text);
        if all.len() > LONGEST_STATE {
            return None;
        }
    }
    let entries = || all.split(',').map(str::trim);
    let is_valid = entries().count() <= MOST_ENTRIES
        && entries().all(|entry| entry.is_empty() || entry.contains('='))
        && entries().any(|entry| !entry.is_empty());
    is_valid.then_some(all)
}

fn printable(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

fn is_id(digits: &[u8]) -> bool {
    is_hex(digits) && digits.iter().any(|digit| *digit != b'0')
}

fn is_hex(digits: &[u8]) -> bool {
    digits
        .iter()
        .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn accept(headers: &[(&HeaderName, &str)]) -> Option<TraceContext> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("fit for a header");
            map.append((*name).clone(), value);
        }
        TraceContext::accept(&map)
    }

    fn sent_on(trace: &TraceContext) -> Vec<String> {
        let headers = trace.headers();
        headers
            .map(|(name, value)| format!("{name}: {value}"))
            .collect()
    }

    #[test]
    fn a_valid_traceparent_is_taken_and_sent_on() {
        for (sent, flags) in [
            (format!("00-{TRACE}-{SPAN}-01"), "01"),
            (format!("00-{TRACE}-{SPAN}-00"), "00"),
            (format!("00-{TRACE}-{SPAN}-ff"), "03"),
            (format!("01-{TRACE}-{SPAN}-01"), "01"),
            (format!("cc-{TRACE}-{SPAN}-01-what-the-future-brings"), "01"),
        ] {
            let trace = accept(&[(&TRACEPARENT, &sent)]).expect(&sent);
            assert_eq!((trace.trace_id(), trace.span_id()), (TRACE, Some(SPAN)));
            let parent = format!("traceparent: 00-{TRACE}-{SPAN}-{flags}");
            assert_eq!(sent_on(&trace), [parent]);
        }
    }

    #[test]
    fn a_traceparent_that_is_not_valid_is_as_none() {
        let zeros = "0".repeat(32);
        for sent in [
            String::new(),
            "00".into(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("01-{TRACE}-{SPAN}-01more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0g-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", &zeros[..16]),
            format!("00-{TRACE}-{SPAN}-0x"),
            format!("00_{TRACE}_{SPAN}_01"),
            format!(" 00-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}é-{SPAN}-01"),
        ] {
            assert_eq!(accept(&[(&TRACEPARENT, &sent)]), None, "{sent}");
        }
        let sent = format!("00-{TRACE}-{SPAN}-01");
        let twice = [(&TRACEPARENT, &*sent), (&TRACEPARENT, &*sent)];
        assert_eq!(accept(&twice), None, "which of two?");
    }

    #[test]
    fn googles_header_counts_where_there_is_no_traceparent_and_its_span_becomes_hexadecimal() {
        let sent = format!("{TRACE}/67667974448284343;o=1");
        let trace = accept(&[(&CLOUD, &sent)]).expect("valid");
        assert_eq!((trace.trace_id(), trace.span_id()), (TRACE, Some(SPAN)));
        assert_eq!(
            sent_on(&trace),
            [
                format!("traceparent: 00-{TRACE}-{SPAN}-01"),
                format!("x-cloud-trace-context: {sent}")
            ]
        );
        let other = format!("00-{}-{SPAN}-00", TRACE.replace('4', "5"));
        let both = accept(&[(&CLOUD, &sent), (&TRACEPARENT, &other)]).expect("valid");
        assert_eq!(both.trace_id(), TRACE.replace('4', "5"));
        let (upper, biggest) = (TRACE.to_uppercase(), u64::MAX);
        let trace = accept(&[(&CLOUD, &format!("{upper}/{biggest}"))]).expect("valid");
        assert_eq!(
            (trace.trace_id(), trace.span_id()),
            (TRACE, Some("ffffffffffffffff"))
        );
        for alone in [TRACE.to_owned(), format!("{TRACE}/0;o=0")] {
            let trace = accept(&[(&CLOUD, &alone)]).expect(&alone);
            assert_eq!((trace.trace_id(), trace.span_id()), (TRACE, None));
        }
        for bad in [
            "",
            "/1",
            "abc/1",
            &format!("{TRACE}/"),
            &format!("{TRACE}/-1"),
            &format!("{TRACE}/+1"),
            &format!("{TRACE}/18446744073709551616"),
            &format!("{TRACE}/x"),
            &format!("{}/1", "0".repeat(32)),
        ] {
            assert_eq!(accept(&[(&CLOUD, bad)]), None, "{bad}");
        }
    }

    #[test]
    fn a_tracestate_is_sent_on_if_it_is_short_and_baggage_never() {
        let parent = format!("00-{TRACE}-{SPAN}-01");
        let baggage = HeaderName::from_static("baggage");
        let with = |states: &[&str]| {
            let mut headers = vec![(&TRACEPARENT, &*parent), (&baggage, "user=17")];
            headers.extend(states.iter().map(|state| (&TRACESTATE, *state)));
            let trace = accept(&headers).expect("valid");
            sent_on(&trace)[1..].to_vec()
        };
        assert_eq!(
            with(&["congo=t61,rojo=00f", "a=b"]),
            ["tracestate: congo=t61,rojo=00f,a=b"]
        );
        let long = format!("a={}", "x".repeat(600));
        let many = vec!["a=b"; 33].join(",");
        for dropped in [&*long, &many, "", "no entry", ","] {
            assert!(with(&[dropped]).is_empty(), "{dropped}");
        }
    }
}
