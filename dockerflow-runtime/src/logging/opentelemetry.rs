//! Which span of OpenTelemetry is current? Each line has its ids, if the feature is on.

use opentelemetry::{Context, trace::TraceContextExt as _};
use tracing::{Subscriber, span::Id};
use tracing_subscriber::{Layer, filter::filter_fn, layer, registry::LookupSpan};

use crate::request::{TraceContext, note_span};

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

/// Returns a layer that notes the first span of each request, so that the summary has its ids.
pub(super) fn layer<S>() -> impl Layer<S> + Send + Sync + 'static
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method itself is not general enough"
    )]
    let spans = filter_fn(|metadata| metadata.is_span());
    Noting.with_filter(spans)
}

struct Noting;

// Which layer is asked first decides when a span of OpenTelemetry is current: after a span is entered, or before it is left.
impl<S: Subscriber> Layer<S> for Noting {
    fn on_enter(&self, _id: &Id, _context: layer::Context<'_, S>) {
        note_span(current);
    }

    fn on_exit(&self, _id: &Id, _context: layer::Context<'_, S>) {
        note_span(current);
    }
}
