//! How series become the text that Prometheus reads.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering::Relaxed},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, text},
    metrics::{MetricType, exemplar::Exemplar},
    registry::{self, Unit},
};

use super::{
    exposed::{self, Labels, SECONDS},
    machine,
    registry::{Family, PLACE, Registry},
    scalar::counter,
    value::{SeriesKind, SeriesValue},
};
use crate::{logging, metrics::state::State};

/// The text, in the format of `OpenMetrics` 1.0.
pub(crate) fn text(registry: &Arc<Registry>, state: &Arc<State>, lost: Option<u64>) -> String {
    let mut all = registry::Registry::default();
    all.register_collector(Box::new(Scrape {
        registry: registry.clone(),
        state: state.clone(),
        lost,
    }));
    let mut text = String::new();
    text::encode(&mut text, &all).expect("a string takes all text");
    text
}

#[derive(Debug)]
struct Scrape {
    registry: Arc<Registry>,
    state: Arc<State>,
    /// How many lines statsd has not got, if it is sent any.
    lost: Option<u64>,
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for (name, family) in &*self.registry.families() {
            encode_family(&mut encoder, name, family)?;
        }
        let tags = exposed::labels(&self.state.tags);
        for (name, source, value) in self.gauges() {
            let help = exposed::help(self.state.meaning(&source), &source);
            let mut metric = encoder.encode_descriptor(&name, &help, None, MetricType::Gauge)?;
            metric.encode_family(&tags)?.encode_gauge(&value)?;
        }
        counter(
            &mut encoder,
            "dockerflow_log_dropped",
            "Log lines that stdout did not take in time",
            logging::dropped(),
        )?;
        counter(
            &mut encoder,
            "dockerflow_metrics_overflow",
            "Measurements of series that found no room",
            self.registry.overflow.load(Relaxed),
        )?;
        if let Some(lost) = self.lost {
            counter(
                &mut encoder,
                "dockerflow_metrics_dropped",
                "Lines of metrics that found no room, or no server of statsd",
                lost,
            )?;
        }
        if let Some((version, commit)) = self.registry.build() {
            let labels = [("version", version), ("commit", commit)];
            let mut metric = encoder.encode_descriptor(
                "dockerflow_build_info",
                "What runs: its value is always 1",
                None,
                MetricType::Gauge,
            )?;
            metric.encode_family(&labels)?.encode_gauge(&1_u64)?;
        }
        let workers = self.registry.workers();
        let mut metric = encoder.encode_descriptor(
            "tokio_tasks",
            "Tasks that are alive on each worker",
            None,
            MetricType::Gauge,
        )?;
        for (worker, tasks) in workers.into_iter().enumerate() {
            metric
                .encode_family(&[("worker", worker)])?
                .encode_gauge(&tasks)?;
        }
        machine::encode(&mut encoder)
    }
}

impl Scrape {
    /// The gauges that are read now: the name here, the name in statsd, and the value of each.
    fn gauges(&self) -> Vec<(String, String, u64)> {
        let mut gauges: Vec<(String, String, u64)> = Vec::new();
        self.state.gauges(|source, value| {
            let name = exposed::name(source, SeriesKind::Gauge);
            let again = gauges.iter().any(|(earlier, ..)| *earlier == name);
            let clashes = || {
                let ours = self.state.is_ours(source);
                !ours && self.registry.clashes(&self.state, &name, SeriesKind::Gauge)
            };
            if again || clashes() {
                let why = "another metric has this name there";
                self.state.refused.warn(source, PLACE, why);
            } else {
                gauges.push((name, source.to_owned(), value));
            }
        });
        gauges
    }
}

fn encode_family(encoder: &mut DescriptorEncoder<'_>, name: &str, family: &Family) -> fmt::Result {
    let (unit, metric_type) = match family.kind {
        SeriesKind::Counter => (None, MetricType::Counter),
        SeriesKind::Gauge => (None, MetricType::Gauge),
        SeriesKind::Timer => (Some(Unit::Seconds), MetricType::Histogram),
        SeriesKind::Histogram => (None, MetricType::Histogram),
    };
    // The encoder adds the unit.
    let name = unit
        .as_ref()
        .map_or(name, |_| name.strip_suffix(SECONDS).unwrap_or(name));
    let mut metric = encoder.encode_descriptor(name, &family.help, unit.as_ref(), metric_type)?;
    for (labels, value) in &family.series {
        let mut one = metric.encode_family(&**labels)?;
        match &**value {
            SeriesValue::Counter(count) => {
                one.encode_counter(&count.load(Relaxed), None::<&Exemplar<Labels, u64>>)?;
            }
            SeriesValue::Gauge(gauge) => one.encode_gauge(&gauge.get())?,
            SeriesValue::Histogram(histogram) => {
                let (sum, count, buckets) = histogram.read();
                one.encode_histogram::<Labels>(sum, count, &buckets, None)?;
            }
        }
    }
    Ok(())
}
