//! What clients say of a request: an id that is taken is fit for a log and a header, a trace has ids, and what is sent on is read alike.
#![no_main]

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use dockerflow_runtime::fuzzing::{request_id, trace};
use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};

#[derive(Arbitrary, Debug)]
struct Sent {
    id: Vec<u8>,
    parents: Vec<Parent>,
    states: Vec<Vec<u8>>,
    cloud: Option<Parent>,
}

/// Any bytes, or some that are nearly right.
#[derive(Arbitrary, Debug)]
enum Parent {
    Any(Vec<u8>),
    Near {
        version: u8,
        trace: u128,
        span: u64,
        flags: u8,
        more: Vec<u8>,
    },
}

impl Parent {
    fn traceparent(&self) -> Vec<u8> {
        match self {
            Self::Any(bytes) => bytes.clone(),
            Self::Near {
                version,
                trace,
                span,
                flags,
                more,
            } => {
                let known = format!("{version:02x}-{trace:032x}-{span:016x}-{flags:02x}");
                [known.as_bytes(), more].concat()
            }
        }
    }

    fn cloud(&self) -> Vec<u8> {
        match self {
            Self::Any(bytes) => bytes.clone(),
            Self::Near {
                trace, span, more, ..
            } => [format!("{trace:032x}/{span}").as_bytes(), more].concat(),
        }
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    let lower = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == length && text.bytes().all(lower) && text.bytes().any(|byte| byte != b'0')
}

fuzz_target!(|sent: Sent| {
    if let Ok(value) = HeaderValue::from_bytes(&sent.id) {
        let id = request_id(&value);
        let text = id.as_str();
        let fit = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:;/=+~|@,".contains(byte);
        let is_sane = (1..=128).contains(&sent.id.len()) && sent.id.iter().all(fit);
        if is_sane {
            assert_eq!(text.as_bytes(), sent.id);
        } else {
            assert!(
                text.len() == 36 && text.bytes().all(|byte| fit(&byte)),
                "{text:?}"
            );
        }
        assert_eq!(text.parse(), Ok(id.clone()));
    }

    let mut headers = HeaderMap::new();
    let mut append = |name: &'static str, bytes: &[u8]| {
        if let Ok(value) = HeaderValue::from_bytes(bytes) {
            headers.append(HeaderName::from_static(name), value);
        }
    };
    for parent in &sent.parents {
        append("traceparent", &parent.traceparent());
    }
    for state in &sent.states {
        append("tracestate", state);
    }
    if let Some(cloud) = &sent.cloud {
        append("x-cloud-trace-context", &cloud.cloud());
    }
    let Some(trace_of_request) = trace(&headers) else {
        return;
    };
    assert!(
        is_hex(trace_of_request.trace_id(), 32),
        "{trace_of_request:?}"
    );
    assert!(
        trace_of_request
            .span_id()
            .is_none_or(|span| is_hex(span, 16)),
        "{trace_of_request:?}"
    );
    let mut on = HeaderMap::new();
    for (name, value) in trace_of_request.headers() {
        let value = HeaderValue::from_str(&value).expect("fit for a header");
        on.append(HeaderName::from_static(name), value);
    }
    let again = trace(&on).expect("what is sent on is valid");
    assert_eq!(again.trace_id(), trace_of_request.trace_id());
    assert_eq!(again.span_id(), trace_of_request.span_id());
});
