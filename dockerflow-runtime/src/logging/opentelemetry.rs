//! Which span of OpenTelemetry is current: its ids are those of each line, if the program is built with it.

use opentelemetry::{Context, trace::TraceContextExt as _};

use crate::request::TraceContext;

/// Returns the trace and span that are current on this thread, if one is.
pub(super) fn current() -> Option<TraceContext> {
    let (trace, span) = Context::map_current(|context| {
        let span = context.span();
        let ids = span.span_context();
        ids.is_valid()
            .then(|| (ids.trace_id().to_bytes(), ids.span_id().to_bytes()))
    })?;
    Some(TraceContext::of(trace, span))
}
