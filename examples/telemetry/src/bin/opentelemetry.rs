//! OpenTelemetry's spans beside the log: one `tracing` subscriber with both layers, and lines with the ids of their spans.
//!
//! ```console
//! $ LOG_FORMAT=mozlog cargo run --bin opentelemetry &
//! $ curl localhost:8000/orders/17
//! ```

use std::process::ExitCode;

use actix_web::{App, get, web::Path};
use dockerflow::Program;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt as _;

#[get("/orders/{id}")]
#[tracing::instrument]
async fn order(id: Path<u32>) -> String {
    tracing::info!("sold"); // its line has the span's `trace_id` and `span_id`
    format!("order {id}\n")
}

#[dockerflow::service]
fn app() -> App {
    App::new().service(order)
}

fn main() -> ExitCode {
    // Here to stdout; with opentelemetry-otlp to a collector.
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(opentelemetry_stdout::SpanExporter::default())
        .build();
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("shop"));
    let subscriber = tracing_subscriber::registry()
        .with(spans)
        .with(dockerflow::logging::layer());
    // Before the log starts. Not `.init()`, which would take the records of `log`, too.
    tracing::subscriber::set_global_default(subscriber).expect("the first one");
    Program::new(dockerflow::version!()).run(async |server| {
        let result = server.run(app).await;
        let _ = provider.shutdown(); // the last spans are sent
        result
    })
}
