//! What a test reads of what it measured.

use std::{sync::Barrier, thread, time::Duration};

use actix_web::{App, FromRequest as _, HttpRequest, test, web};
use cadence::prelude::*;

use super::{MeasuredKind, Telemetry};
use crate::metrics::Metrics;

#[std::prelude::v1::test]
fn tests_that_run_at_once_have_their_own_numbers() {
    let together = Barrier::new(4);
    thread::scope(|scope| {
        for number in 1..=4_u64 {
            let together = &together;
            scope.spawn(move || {
                let telemetry = Telemetry::start();
                let metrics = Metrics::default();
                together.wait();
                for _ in 0..number {
                    metrics
                        .incr_with_tags("sold")
                        .with_tag("kind", "book")
                        .send();
                }
                metrics
                    .count_with_tags("sold", 10)
                    .with_tag("kind", "pen")
                    .send();
                metrics
                    .count_with_tags("sampled", 1)
                    .with_sampling_rate(0.25)
                    .send();
                metrics.gauge_with_tags("depth", -1.5).send();
                metrics.gauge_with_tags("depth", number).send();
                metrics.time_with_tags("took", vec![20, 30]).send();
                metrics.gauge_with_tags("broken", f64::NAN).send();
                metrics.gauges("pool", move || [("size", number)]);
                together.wait();
                let sold = i64::try_from(number).expect("it is small");
                assert_eq!(telemetry.counter("sold", &[("kind", "book")]), sold);
                assert_eq!(telemetry.counter("sold", &[]), sold + 10);
                assert_eq!(telemetry.counter("sold", &[("kind", "shoe")]), 0);
                assert_eq!(telemetry.counter("sampled", &[]), 4);
                #[expect(clippy::cast_precision_loss, reason = "it is small")]
                let depth = Some(number as f64);
                assert_eq!(telemetry.gauge("depth", &[]), depth);
                assert_eq!(telemetry.gauge("pool.size", &[]), depth);
                assert_eq!(telemetry.gauge("broken", &[]), None);
                let times = [20, 30].map(Duration::from_millis);
                assert_eq!(telemetry.timer("took", &[]), times);
            });
        }
    });
}

#[actix_web::test]
async fn an_app_without_a_service_is_measured_only_while_a_test_keeps_it() {
    async fn handler(request: HttpRequest) -> &'static str {
        let metrics = Metrics::extract(&request).await.expect("it never fails");
        metrics.incr_with_tags("seen").send();
        ""
    }
    let app = App::new().route("/", web::get().to(handler));
    let app = test::init_service(app).await;
    let call = async || {
        test::call_service(&app, test::TestRequest::get().to_request()).await;
    };
    call().await;
    {
        let telemetry = Telemetry::start();
        call().await;
        assert_eq!(telemetry.counter("seen", &[]), 1);
        let [seen] = &telemetry.measured()[..1] else {
            panic!("one value");
        };
        assert_eq!((seen.name(), seen.kind()), ("seen", MeasuredKind::Counter));
    }
    call().await;
    let telemetry = Telemetry::start();
    assert_eq!(telemetry.counter("seen", &[]), 0);
}
